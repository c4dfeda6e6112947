//! Inspection: nothing panics, the answer does not depend on how the stream is cut or on zeros being
//! skipped, memory is bounded, and no rule lets through what fails a check.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smalti::inspect::{Claim, InspectRules, Inspection, Inspector, judge};
use smalti::{ContainerFormat, DiskFormat};
use smalti_fuzz::inspect::Input;

/// Most that is held of an image: a descriptor while it grows, and a few KiB.
const MEMORY_MAX_BYTES: usize = 3 << 20;

fn cut(image: &[u8], pieces: &[u16]) -> Inspection {
    let (mut inspector, mut rest) = (Inspector::new(), image);
    let lens = pieces.iter().cycle().take(image.len() * 2 + 8);
    for &len in lens.chain([&u16::MAX; 8]) {
        let (piece, behind) = rest.split_at(usize::from(len).min(rest.len()));
        match piece.iter().all(|&byte| byte == 0) {
            true => inspector.skip(piece.len() as u64),
            false => inspector.write(piece),
        }
        rest = behind;
        assert!(inspector.held_bytes() <= MEMORY_MAX_BYTES);
    }
    inspector.write(rest);
    inspector.finish()
}

fn whole(image: &[u8]) -> Inspection {
    let mut inspector = Inspector::new();
    inspector.write(image);
    inspector.finish()
}

fuzz_target!(|input: Input| {
    let image = input.image();
    let found = whole(&image);
    assert_eq!(found.len_bytes(), image.len() as u64);
    assert_eq!(cut(&image, &input.pieces), found);
    if image.len() < 4096 {
        assert_eq!(cut(&image, &[1]), found);
    }
    let fails = found.finding().is_some_and(|it| !it.failures().is_empty());
    for &disk in DiskFormat::ALL {
        for require_image_format_match in [false, true] {
            let rules = InspectRules {
                require_image_format_match,
                ..InspectRules::default()
            };
            let claim = Claim::new(disk, ContainerFormat::Bare);
            match judge(&found, claim, &rules) {
                Ok(verdict) => {
                    assert!(!fails, "{found:?} is taken as {disk}");
                    assert!(
                        verdict
                            .virtual_size()
                            .is_none_or(|len| i64::try_from(len).is_ok())
                    );
                }
                Err(error) => assert!(error.message().len() < 1024, "{error}"),
            }
        }
    }
});

//! Hostile images: told alike however they are cut, and refused with words when claimed raw. Their
//! time and memory are measured in `tests/bounds/`.

use smalti::inspect::{Claim, InspectRules, judge};
use smalti::{ContainerFormat, DiskFormat, ErrorCode};

use super::images::all;
use super::{Numbers, inspect_pieces, inspect_skipping, outcome, pieces};

const MEMORY_MAX_BYTES: usize = 8 << 20;

#[test]
fn hostile_images_are_told_alike_however_they_are_cut() {
    let mut numbers = Numbers(1);
    for (name, image, expected) in all() {
        let (whole, _) = inspect_pieces(std::iter::once(&image[..]));
        assert_eq!(outcome(&whole), expected, "{name}");
        for bound in [2, 3, 600, 9_000, 200_000] {
            let pieces = pieces(&image, &mut numbers, bound);
            let (cut, memory) = inspect_pieces(pieces.into_iter());
            assert_eq!(cut, whole, "{name} in pieces below {bound}");
            assert!(memory <= MEMORY_MAX_BYTES, "{name}: {memory}");
        }
        let (bytes, _) = inspect_pieces(image.chunks(1));
        assert_eq!(bytes, whole, "{name} byte by byte");
        assert_eq!(inspect_skipping(&image), whole, "{name} with zeros skipped");
    }
}

#[test]
fn what_is_claimed_raw_gets_the_checks_of_what_it_is() {
    let claim = Claim::new(DiskFormat::Raw, ContainerFormat::Bare);
    for (name, image, expected) in all() {
        let (inspection, _) = inspect_pieces(std::iter::once(&image[..]));
        match judge(&inspection, claim, &InspectRules::default()) {
            Ok(verdict) => {
                assert!(expected.ends_with(" ok"), "{name}");
                assert_eq!(verdict.virtual_size(), Some(image.len() as u64), "{name}");
            }
            Err(error) => {
                assert!(!expected.ends_with(" ok"), "{name}: {error}");
                assert_eq!(error.code(), ErrorCode::InvalidImageData);
                assert_eq!(error.http_status(), 415);
                let formats = expected.split(' ').next().expect("formats").split('+');
                for format in formats {
                    assert!(error.message().contains(format), "{name}: {error}");
                }
                assert!(error.message().len() < 400, "{name}: {error}");
            }
        }
    }
}

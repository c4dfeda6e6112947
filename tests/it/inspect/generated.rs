//! Images that nobody thought of: no panic, bounds kept, the same answer however they are cut.

use std::collections::BTreeMap;

use smalti::inspect::{Check, Claim, Format, InspectRules, judge};
use smalti::{ContainerFormat, DiskFormat, ErrorCode};

use super::generate::{KINDS, generate, sound};
use super::{Numbers, inspect, inspect_pieces, inspect_skipping, outcome, pieces};

const IMAGES: usize = 12_000;
const MEMORY_MAX_BYTES: usize = 64 << 10;

#[test]
fn sound_images_of_the_generator_are_sound() {
    let found: Vec<String> = (0..KINDS)
        .map(|kind| outcome(&inspect(&sound(kind))))
        .collect();
    let expected = [
        "qcow2 ok",
        "qcow2 ok",
        "vhd ok",
        "vhdx ok",
        "vmdk ok",
        "vmdk ok",
        "vmdk descriptor",
        "vdi ok",
        "qed banned",
        "iso ok",
        "gpt ok",
        "luks ok",
        "raw ok",
    ];
    assert_eq!(found, expected);
}

#[test]
fn generated_images_are_told_alike_however_they_are_cut() {
    let (mut numbers, mut outcomes) = (Numbers(2026), BTreeMap::<String, usize>::new());
    for round in 0..IMAGES {
        let image = generate(&mut numbers);
        let whole = inspect(&image);
        let bound = *numbers.pick(&[3, 40, 600, 5000, 100_000]);
        let pieces = pieces(&image, &mut numbers, bound);
        let (cut, memory) = inspect_pieces(pieces.into_iter());
        assert_eq!(cut, whole, "image {round} in pieces below {bound}");
        assert!(memory <= MEMORY_MAX_BYTES, "image {round}: {memory} bytes");
        assert_eq!(
            inspect_skipping(&image),
            whole,
            "image {round}, zeros skipped"
        );
        if image.len() < 8192 {
            assert_eq!(
                inspect_pieces(image.chunks(1)).0,
                whole,
                "image {round} by bytes"
            );
        }
        *outcomes.entry(outcome(&whole)).or_default() += 1;
    }
    println!("{IMAGES} images: {outcomes:#?}");
    // A generator that reached only a part of this would prove little.
    let reached = |word: &str| {
        outcomes
            .keys()
            .any(|it| it.split([' ', '+']).any(|it| it == word))
    };
    let formats = Format::ALL.iter().map(|it| it.as_str());
    let checks = Check::ALL.iter().filter(|&&it| it != Check::GptMbr);
    let states = ["ok", "malformed", "several"].into_iter();
    let missing: Vec<&str> = formats
        .chain(checks.map(|it| it.as_str()))
        .chain(states)
        .filter(|word| !reached(word))
        .collect();
    assert!(missing.is_empty(), "no image of {missing:?}");
}

#[test]
fn generated_images_are_refused_unless_they_are_what_is_claimed() {
    let mut numbers = Numbers(415);
    let claims: Vec<&DiskFormat> = DiskFormat::ALL.iter().collect();
    for round in 0..IMAGES {
        let image = generate(&mut numbers);
        let (inspection, disk) = (inspect(&image), **numbers.pick(&claims));
        let claim = Claim::new(disk, ContainerFormat::Bare);
        let strict = judge(&inspection, claim, &InspectRules::default());
        let is_sound = outcome(&inspection).ends_with(" ok");
        let format = inspection
            .finding()
            .map_or("raw", |it| it.format().as_str());
        let is_opaque = matches!(disk.as_str(), "ami" | "aki" | "ari" | "ploop");
        let is_empty = image.is_empty() && disk != DiskFormat::Raw && !is_opaque;
        let fits = disk.as_str() == format || disk == DiskFormat::Raw;
        let fits = fits || (is_opaque && format == "raw");
        assert_eq!(
            strict.is_ok(),
            is_sound && fits && !is_empty,
            "image {round}, {disk}"
        );
        if let Err(error) = &strict {
            assert_eq!(error.code(), ErrorCode::InvalidImageData);
        }
        // What fails a check is refused however the rules are.
        let loose = InspectRules {
            require_image_format_match: false,
            ..InspectRules::default()
        };
        let fails = inspection
            .finding()
            .is_some_and(|it| !it.failures().is_empty());
        assert_eq!(
            judge(&inspection, claim, &loose).is_err(),
            fails,
            "image {round}, {disk}"
        );
    }
}

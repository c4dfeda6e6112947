//! Images that want something: each with what becomes of it, within bounds of time and memory.

use std::time::{Duration, Instant};

use smalti::inspect::{Claim, InspectRules, Inspection, judge};
use smalti::testing::disks::{self, DESCRIPTOR, VHDX_ITEMS_AT, VHDX_META_AT, set};
use smalti::{ContainerFormat, DiskFormat, ErrorCode};

use super::{Numbers, inspect_pieces, inspect_skipping, outcome, pieces};

const TIME_MAX: Duration = Duration::from_millis(50);
const MEMORY_MAX_BYTES: usize = 8 << 20;
const TABLE: usize = 192 << 10;

/// Name, image, outcome.
type Row = (&'static str, Vec<u8>, &'static str);

fn with(mut image: Vec<u8>, changes: &[(usize, &[u8])]) -> Vec<u8> {
    changes
        .iter()
        .for_each(|(at, new)| set(&mut image, *at, new));
    image
}

fn vmdk_with(from: &str, to: &str) -> Vec<u8> {
    assert!(DESCRIPTOR.contains(from), "{from}");
    disks::vmdk(&DESCRIPTOR.replace(from, to))
}

fn qcow2() -> Vec<Row> {
    let three = |at, new: &[u8]| with(disks::qcow2(3), &[(at, new)]);
    let [max, mib] = [u64::MAX, 1 << 20].map(u64::to_be_bytes);
    let name = b"/etc/shadow";
    let backed = [(8, &mib[..]), (16, &[0, 0, 0, 11]), (512, name)];
    let absurd = [
        (36, &[0xff; 4][..]),
        (40, &max),
        (48, &max),
        (56, &[0xff; 4]),
    ];
    vec![
        ("qcow2, sound", disks::qcow2(3), "qcow2 ok"),
        (
            "qcow2, backing file (CVE-2015-5163)",
            with(disks::qcow2(3), &backed),
            "qcow2 backing_file",
        ),
        (
            "qcow2, backing file at 2^64 - 1",
            three(8, &max),
            "qcow2 backing_file",
        ),
        (
            "qcow2, data file (CVE-2024-32498)",
            three(79, &[4]),
            "qcow2 data_file",
        ),
        (
            "qcow2, data file in version 2",
            with(disks::qcow2(2), &[(79, &[4])]),
            "qcow2 data_file",
        ),
        (
            "qcow2, data file and dirty",
            three(79, &[5]),
            "qcow2 data_file",
        ),
        (
            "qcow2, incompatible bit 4",
            three(79, &[0x10]),
            "qcow2 unknown_features",
        ),
        (
            "qcow2, incompatible bit 63",
            three(72, &[0x80]),
            "qcow2 unknown_features",
        ),
        (
            "qcow2, version 0",
            disks::qcow2(0),
            "qcow2 unknown_features",
        ),
        (
            "qcow2, version 1",
            disks::qcow2(1),
            "qcow2 unknown_features",
        ),
        (
            "qcow2, version 4",
            disks::qcow2(4),
            "qcow2 unknown_features",
        ),
        (
            "qcow2, version 2^32 - 1",
            disks::qcow2(u32::MAX),
            "qcow2 unknown_features",
        ),
        ("qcow2, header of 4 GiB", three(100, &[0xff; 4]), "qcow2 ok"),
        (
            "qcow2, clusters of 2^4294967295",
            three(20, &[0xff; 4]),
            "qcow2 ok",
        ),
        (
            "qcow2, tables beyond all (CVE-2015-5162)",
            with(disks::qcow2(3), &absurd),
            "qcow2 ok",
        ),
        (
            "qcow2, disk of 2^64 - 1",
            three(24, &max),
            "qcow2 malformed",
        ),
        (
            "qcow2, 511 bytes",
            disks::qcow2(3)[..511].to_vec(),
            "raw ok",
        ),
    ]
}

fn texts() -> Vec<Row> {
    let flat = "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\n\
        createType=\"monolithicFlat\"\nRW 8 FLAT \"/etc/passwd\" 0\n";
    let padded = |text: &str| [text.as_bytes(), &[0; 4096]].concat();
    let quoted = flat.replace("=\"monolithicFlat\"", "='monolithicFlat\"");
    let latin = flat.replace("# Disk", "# D\u{ef}sk");
    let far = ["a".repeat(8 << 20).as_bytes(), b"createType=\"vmfs\"\n"].concat();
    let long = flat.replace("monolithicFlat", &"x".repeat(64));
    vec![
        (
            "vmdk, flat, /etc/passwd (CVE-2022-47951)",
            flat.into(),
            "vmdk descriptor",
        ),
        (
            "vmdk, the same before zeros",
            padded(flat),
            "vmdk descriptor",
        ),
        (
            "vmdk, the same in upper case",
            flat.to_ascii_uppercase().into(),
            "vmdk descriptor",
        ),
        (
            "vmdk, the same in lines of Windows",
            flat.replace('\n', "\r\n").into(),
            "vmdk descriptor",
        ),
        (
            "vmdk, type that QEMU reads and G does not",
            quoted.into(),
            "vmdk descriptor",
        ),
        (
            "vmdk, not ASCII, which QEMU does not mind",
            latin.into(),
            "vmdk descriptor",
        ),
        (
            "vmdk, sparse type but no extent header",
            DESCRIPTOR.into(),
            "vmdk descriptor",
        ),
        (
            "vmdk, type of 64 characters",
            long.into(),
            "vmdk descriptor",
        ),
        ("text, type behind 8 MiB", far, "raw ok"),
        (
            "text, no type",
            flat.replace("createType", "create").into(),
            "raw ok",
        ),
    ]
}

fn vmdk() -> Vec<Row> {
    let sound = || disks::vmdk(DESCRIPTOR);
    let line = |line: &str| disks::vmdk(&format!("{DESCRIPTOR}{line}\n"));
    let extent = |name: &str| vmdk_with("disk.vmdk", name);
    let max = u64::MAX.to_le_bytes();
    let full = with(
        disks::vmdk(&format!("{DESCRIPTOR:\n<10240}")),
        &[(36, &[20])],
    );
    let comment = DESCRIPTOR.replace("createType", "# createType=\"streamOptimized\"\ncreateType");
    let noise = disks::vmdk(&format!("{DESCRIPTOR}{}", "#\n".repeat(500 << 10)));
    vec![
        ("vmdk, sound", sound(), "vmdk ok"),
        (
            "vmdk, embedded flat",
            vmdk_with("monolithicSparse", "monolithicFlat"),
            "vmdk descriptor",
        ),
        (
            "vmdk, extent with a slash",
            extent("/etc/passwd"),
            "vmdk descriptor",
        ),
        (
            "vmdk, extent with a backslash",
            extent("c:\\sam"),
            "vmdk descriptor",
        ),
        (
            "vmdk, extent with two dots",
            extent("..disk"),
            "vmdk descriptor",
        ),
        (
            "vmdk, line that nobody knows",
            line("change track"),
            "vmdk descriptor",
        ),
        (
            "vmdk, two types",
            line("createType=\"monolithicFlat\""),
            "vmdk descriptor",
        ),
        (
            "vmdk, type spoofed in a comment",
            disks::vmdk(&comment),
            "vmdk descriptor",
        ),
        (
            "vmdk, parent by name",
            line("parentFileNameHint=\"/etc/shadow\""),
            "vmdk descriptor",
        ),
        (
            "vmdk, no extent",
            vmdk_with("RW 20480", "#RW 20480"),
            "vmdk descriptor",
        ),
        (
            "vmdk, no type",
            vmdk_with("createType", "created"),
            "vmdk descriptor",
        ),
        (
            "vmdk, lone carriage return",
            line("#\rRW 8 FLAT \"/etc/passwd\" 0"),
            "vmdk descriptor",
        ),
        ("vmdk, not ASCII", line("#\u{ef}"), "vmdk descriptor"),
        ("vmdk, descriptor without an end", full, "vmdk descriptor"),
        ("vmdk, descriptor of 1 MiB of lines", noise, "vmdk ok"),
        (
            "vmdk, descriptor of 2^64 - 1 sectors",
            with(sound(), &[(36, &max)]),
            "vmdk descriptor",
        ),
        (
            "vmdk, no descriptor",
            with(sound(), &[(36, &[0; 8])]),
            "vmdk descriptor",
        ),
        (
            "vmdk, descriptor past the end",
            with(sound(), &[(28, &max)]),
            "vmdk descriptor",
        ),
        (
            "vmdk, descriptor in sector 0",
            with(sound(), &[(28, &[0])]),
            "vmdk descriptor",
        ),
        (
            "vmdk, cut in its descriptor",
            sound()[..700].to_vec(),
            "vmdk descriptor",
        ),
        ("vmdk, magic alone", b"KDMV".to_vec(), "vmdk descriptor"),
        (
            "vmdk, version 9",
            with(sound(), &[(4, &[9])]),
            "vmdk descriptor",
        ),
        (
            "vmdk, grain directory at 2^64 - 2",
            with(sound(), &[(56, &[0xfe; 8])]),
            "vmdk ok",
        ),
        (
            "vmdk, disk of 2^64 - 1 sectors",
            with(sound(), &[(12, &max)]),
            "vmdk malformed",
        ),
    ]
}

fn streams() -> Vec<Row> {
    let sound = disks::vmdk_stream();
    let footer = sound.len() - 1024;
    let changed = |at: usize, new: &[u8]| with(sound.clone(), &[(at, new)]);
    let max = u64::MAX.to_le_bytes();
    vec![
        ("vmdk stream, sound", sound.clone(), "vmdk ok"),
        (
            "vmdk stream, footer of another version",
            changed(footer + 4, &[1]),
            "vmdk footer",
        ),
        (
            "vmdk stream, footer of another descriptor",
            changed(footer + 28, &[9]),
            "vmdk footer",
        ),
        (
            "vmdk stream, footer of another length",
            changed(footer + 12, &max),
            "vmdk footer",
        ),
        (
            "vmdk stream, footer to a footer",
            changed(footer + 56, &max),
            "vmdk footer",
        ),
        (
            "vmdk stream, footer of no magic",
            changed(footer, b"COWD"),
            "vmdk footer",
        ),
        (
            "vmdk stream, other marker",
            changed(footer - 500, &[1]),
            "vmdk footer",
        ),
        (
            "vmdk stream, no end",
            changed(footer + 512, &[1]),
            "vmdk footer",
        ),
        (
            "vmdk stream, cut",
            sound[..sound.len() - 1].to_vec(),
            "vmdk footer",
        ),
    ]
}

fn vhdx() -> Vec<Row> {
    let changed = |at: usize, new: &[u8]| with(disks::vhdx(), &[(at, new)]);
    let sound = disks::vhdx();
    let meta = |at: u64| changed(TABLE + 32, &at.to_le_bytes());
    let twice = with(
        disks::vhdx(),
        &[
            (TABLE + 8, &[2]),
            (TABLE + 48, &sound[TABLE + 16..TABLE + 48]),
        ],
    );
    let item = VHDX_META_AT + 64;
    let many = with(
        disks::vhdx(),
        &[(VHDX_META_AT + 10, &2047u16.to_le_bytes())],
    );
    vec![
        ("vhdx, sound", sound.clone(), "vhdx ok"),
        (
            "vhdx, 2^32 - 1 regions",
            changed(TABLE + 8, &[0xff; 4]),
            "vhdx malformed",
        ),
        (
            "vhdx, no region",
            changed(TABLE + 8, &[0]),
            "vhdx malformed",
        ),
        (
            "vhdx, metadata in the table of regions",
            meta(TABLE as u64),
            "vhdx malformed",
        ),
        ("vhdx, metadata at 0", meta(0), "vhdx malformed"),
        (
            "vhdx, metadata at 2^64 - 1",
            meta(u64::MAX),
            "vhdx malformed",
        ),
        (
            "vhdx, metadata past the end",
            meta(1 << 60),
            "vhdx malformed",
        ),
        ("vhdx, metadata twice", twice, "vhdx malformed"),
        (
            "vhdx, 65535 items",
            changed(VHDX_META_AT + 10, &[0xff; 2]),
            "vhdx malformed",
        ),
        ("vhdx, 2047 items", many, "vhdx ok"),
        (
            "vhdx, item that points back",
            changed(item + 16, &[0; 4]),
            "vhdx malformed",
        ),
        (
            "vhdx, item of 4 GiB",
            changed(item + 20, &[0xff; 4]),
            "vhdx malformed",
        ),
        (
            "vhdx, disk of 2^64 - 1",
            changed(VHDX_META_AT + VHDX_ITEMS_AT + 8, &[0xff; 8]),
            "vhdx malformed",
        ),
        (
            "vhdx, parent",
            changed(VHDX_META_AT + VHDX_ITEMS_AT + 4, &[2]),
            "vhdx parent",
        ),
        (
            "vhdx, first bytes alone",
            b"vhdxfile".to_vec(),
            "vhdx malformed",
        ),
        (
            "vhdx, cut in its metadata",
            sound[..VHDX_META_AT + 70].to_vec(),
            "vhdx malformed",
        ),
    ]
}

fn others() -> Vec<Row> {
    let fixed = [&[0; 8192][..], &disks::vhd()[..512]].concat();
    let luks = disks::luks(1);
    vec![
        ("vhd, sound", disks::vhd(), "vhd ok"),
        ("vhd, cookie alone", b"conectix".to_vec(), "vhd malformed"),
        (
            "vhd, difference",
            with(disks::vhd(), &[(63, &[4])]),
            "vhd parent",
        ),
        ("vhd, fixed, footer behind", fixed, "raw ok"),
        ("vdi, sound", disks::vdi(), "vdi ok"),
        (
            "vdi, difference",
            with(disks::vdi(), &[(0x4c, &[4])]),
            "vdi parent",
        ),
        (
            "vdi, linked",
            with(disks::vdi(), &[(0x1a8, &[1])]),
            "vdi parent",
        ),
        (
            "vdi, disk of 2^64 - 1",
            with(disks::vdi(), &[(0x170, &[0xff; 8])]),
            "vdi malformed",
        ),
        ("qed", disks::qed(), "qed banned"),
        (
            "qed, backing file",
            with(disks::qed(), &[(16, &[1])]),
            "qed banned",
        ),
        ("luks, sound", luks.clone(), "luks ok"),
        ("luks, version 2", disks::luks(2), "luks version"),
        ("luks, header cut", luks[..300].to_vec(), "luks malformed"),
        (
            "luks, payload past the end",
            with(luks, &[(104, &[0xff; 4])]),
            "luks malformed",
        ),
        (
            "ploop",
            with(vec![0; 4096], &[(0, b"WithouFreSpacExt")]),
            "raw ok",
        ),
        ("nothing", Vec::new(), " ok"),
    ]
}

fn tables_and_discs() -> Vec<Row> {
    let gpt = |at: usize, new: &[u8]| with(disks::gpt(true), &[(at, new)]);
    let both = |mut image: Vec<u8>| {
        disks::set_table(&mut image, false);
        image
    };
    let hidden = with(both(disks::iso()), &[(446, &[7])]);
    let disc = with(disks::iso(), &[(0, &disks::qcow2(3)[..512])]);
    let fat = with(disks::gpt(false), &[(0x10, &[2]), (0x15, &[0xf8])]);
    let nested = with(disks::gpt(false), &[(512, &disks::qcow2(1)[..512])]);
    vec![
        ("mbr, sound", disks::gpt(false), "gpt ok"),
        ("gpt, sound", disks::gpt(true), "gpt ok"),
        (
            "gpt, beside another partition",
            gpt(466, &[0x83]),
            "gpt mbr",
        ),
        ("gpt, not in sector 1", gpt(454, &[2]), "gpt mbr"),
        ("gpt, other start", gpt(447, &[1]), "gpt mbr"),
        ("mbr, boot flag", gpt(462, &[1]), "gpt mbr"),
        ("mbr, no partition", gpt(450, &[0]), "gpt mbr"),
        ("fat, which has the same signature", fat, "raw ok"),
        ("mbr, a qcow2 behind it", nested, "gpt ok"),
        ("iso, sound", disks::iso(), "iso ok"),
        (
            "iso, with a table to boot from",
            both(disks::iso()),
            "iso+gpt ok",
        ),
        ("iso, hidden table that is none", hidden, "iso+gpt ok"),
        (
            "iso, 2^32 - 1 blocks of 65535",
            with(disks::iso(), &[(32848, &[0xff; 4]), (32896, &[0xff; 2])]),
            "iso ok",
        ),
        (
            "iso, cut in its descriptor",
            disks::iso()[..34815].to_vec(),
            "raw ok",
        ),
        ("iso behind a qcow2", disc, "qcow2+iso several"),
        (
            "qcow2 with a table",
            both(disks::qcow2(3)),
            "qcow2+gpt several",
        ),
        (
            "qcow2 and vdi",
            with(disks::qcow2(3), &[(0x40, &disks::vdi()[0x40..0x44])]),
            "qcow2+vdi several",
        ),
    ]
}

fn wrapped() -> Vec<Row> {
    let front = |bytes: &[u8]| with(vec![0; 8192], &[(0, bytes), (512, &disks::qcow2(1)[..512])]);
    let bomb = front(b"PK\x03\x04\x2d\0\0\0\x08\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff");
    vec![
        ("zip that says 4 GiB", bomb, "raw ok"),
        ("gzip around something", front(b"\x1f\x8b\x08"), "raw ok"),
        ("xz around something", front(b"\xfd7zXZ\0"), "raw ok"),
        (
            "zstd around something",
            front(b"\x28\xb5\x2f\xfd"),
            "raw ok",
        ),
        (
            "tar around a qcow2",
            with(front(b"disk.qcow2"), &[(257, b"ustar")]),
            "raw ok",
        ),
    ]
}

fn all() -> Vec<Row> {
    let families = [
        qcow2(),
        texts(),
        vmdk(),
        streams(),
        vhdx(),
        others(),
        tables_and_discs(),
        wrapped(),
    ];
    families.into_iter().flatten().collect()
}

/// Inspects in pieces of 64 KiB, three times; returns the shortest time and the most memory.
fn measure(image: &[u8]) -> (Inspection, Duration, usize) {
    let runs = (0..3).map(|_| {
        let start = Instant::now();
        let (inspection, memory) = inspect_pieces(image.chunks(64 << 10));
        (inspection, start.elapsed(), memory)
    });
    runs.min_by_key(|(_, time, _)| *time).expect("three runs")
}

#[test]
fn hostile_images_are_told_within_bounds_of_time_and_memory() {
    let (rows, mut faults) = (all(), Vec::new());
    println!(
        "{:<46} {:<24} {:>8} {:>10}",
        "image", "outcome", "us", "bytes"
    );
    for (name, image, expected) in &rows {
        let (inspection, time, memory) = measure(image);
        let found = outcome(&inspection);
        println!(
            "{name:<46} {found:<24} {:>8} {memory:>10}",
            time.as_micros()
        );
        if found != *expected {
            faults.push(format!("{name}: {found}, expected {expected}"));
        }
        if time > TIME_MAX || memory > MEMORY_MAX_BYTES {
            faults.push(format!("{name}: {time:?}, {memory} bytes"));
        }
    }
    assert!(rows.len() >= 90, "{} images", rows.len());
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn hostile_images_are_told_alike_however_they_are_cut() {
    let mut numbers = Numbers(1);
    for (name, image, _) in all() {
        let (whole, _) = inspect_pieces(std::iter::once(&image[..]));
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

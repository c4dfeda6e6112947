//! Other hostile images: short headers, partition tables, discs, and what is wrapped.

use smalti::testing::disks;

use super::{Row, with};

pub(super) fn others() -> Vec<Row> {
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

pub(super) fn tables_and_discs() -> Vec<Row> {
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

pub(super) fn wrapped() -> Vec<Row> {
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

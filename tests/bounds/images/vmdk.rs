//! Hostile vmdk: text, sparse extents, streams.

use smalti::testing::disks::{self, DESCRIPTOR};

use super::{Row, with};

fn vmdk_with(from: &str, to: &str) -> Vec<u8> {
    assert!(DESCRIPTOR.contains(from), "{from}");
    disks::vmdk(&DESCRIPTOR.replace(from, to))
}

pub(super) fn texts() -> Vec<Row> {
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

pub(super) fn vmdk() -> Vec<Row> {
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
            "vmdk, cut behind the text of its descriptor",
            sound()[..4096].to_vec(),
            "vmdk malformed",
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

pub(super) fn streams() -> Vec<Row> {
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

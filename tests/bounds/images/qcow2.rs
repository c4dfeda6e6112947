//! Hostile qcow2.

use smalti::testing::disks;

use super::{Row, with};

pub(super) fn qcow2() -> Vec<Row> {
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

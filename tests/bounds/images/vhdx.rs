//! Hostile vhdx.

use smalti::testing::disks::{self, VHDX_ITEMS_AT, VHDX_META_AT};

use super::{Row, with};

/// Where the table of regions stands.
const TABLE: usize = 192 << 10;

pub(super) fn vhdx() -> Vec<Row> {
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

//! Optical discs: the volume descriptor in sector 16.

use super::field::{le_u16, le_u32};
use super::finding::Finding;
use super::format::Format;
use super::region::Region;

/// Where the descriptor stands, in bytes.
const AT: u64 = 32 << 10;
const LEN_BYTES: usize = 2048;

pub(super) fn region() -> Region {
    Region::new(AT, LEN_BYTES)
}

/// Recognises a disc by its whole descriptor. Only a primary one of ISO 9660 tells a length.
pub(super) fn find(descriptor: &[u8]) -> Option<Finding> {
    const PRIMARY: u8 = 1;
    let signature = descriptor.get(1..6)?;
    let is_known = [b"CD001", b"NSR02", b"NSR03"]
        .iter()
        .any(|it| *it == signature);
    if descriptor.len() < LEN_BYTES || !is_known {
        return None;
    }
    let (blocks, block) = (le_u32(descriptor, 80)?, le_u16(descriptor, 128)?);
    let size = u64::from(blocks) * u64::from(block);
    let size = (descriptor[0] == PRIMARY).then_some(size);
    Some(Finding::new(Format::Iso).sized(size))
}

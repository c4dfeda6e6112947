//! Formats of which the first 512 bytes tell everything: vhd, vdi, qed, luks.

use super::check::Check;
use super::field::{array, be_u16, be_u32, be_u64, le_u32, le_u64};
use super::finding::Finding;
use super::format::Format;

/// The first sector, in which most formats have their signature.
pub(super) const HEAD_LEN_BYTES: usize = 512;

/// Length of a header of LUKS with its key slots, in bytes.
const LUKS_LEN_BYTES: u64 = 592;

/// Finds vhd by the footer in front, which dynamic disks have.
pub(super) fn vhd(head: &[u8]) -> Option<Finding> {
    const DIFFERENCING: u32 = 4;
    head.starts_with(b"conectix").then_some(())?;
    let finding = Finding::new(Format::Vhd);
    if head.len() < HEAD_LEN_BYTES {
        return Some(finding.with_fault(Some("it ends within its header")));
    }
    let differs = be_u32(head, 60)? == DIFFERENCING;
    let parent = differs.then_some("it is the difference to another disk");
    Some(finding.sized(be_u64(head, 40)).fails(Check::Parent, parent))
}

/// Finds vdi. Of its types, undo and difference stand on another disk, and so does a link to one.
pub(super) fn vdi(head: &[u8]) -> Option<Finding> {
    const MAGIC: u32 = 0xbeda_107f;
    const UNDO: u32 = 3;
    const DIFFERENCE: u32 = 4;
    if head.len() < HEAD_LEN_BYTES || le_u32(head, 0x40)? != MAGIC {
        return None;
    }
    let differs = matches!(le_u32(head, 0x4c)?, UNDO | DIFFERENCE);
    let is_linked = array::<16>(head, 0x1a8)? != [0; 16];
    let parent = (differs || is_linked).then_some("it is the difference to another disk");
    let finding = Finding::new(Format::Vdi).sized(le_u64(head, 0x170));
    Some(finding.fails(Check::Parent, parent))
}

/// Finds qed, which always fails.
pub(super) fn qed(head: &[u8]) -> Option<Finding> {
    let finding = head
        .starts_with(b"QED\0")
        .then(|| Finding::new(Format::Qed));
    finding.map(|it| it.fails(Check::Banned, Some("nobody takes this format any more")))
}

/// Finds luks in data of a length.
pub(super) fn luks(head: &[u8], len_bytes: u64) -> Option<Finding> {
    head.starts_with(b"LUKS\xba\xbe").then_some(())?;
    let finding = Finding::new(Format::Luks);
    let version = be_u16(head, 6).unwrap_or_default();
    let other = (version != 1).then(|| format!("version {version} is not 1"));
    if len_bytes < LUKS_LEN_BYTES {
        let fault = Some("it ends within its header");
        return Some(finding.fails(Check::Version, other).with_fault(fault));
    }
    if other.is_some() {
        return Some(finding.fails(Check::Version, other));
    }
    let payload = u64::from(be_u32(head, 104)?) * 512;
    let size = len_bytes.checked_sub(payload);
    let fault = size.is_none().then_some("it ends before its payload");
    Some(finding.sized(size).with_fault(fault))
}

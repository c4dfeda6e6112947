//! Partition tables: the sector in front, which a GPT has too.

use super::check::Check;
use super::field::le_u32;
use super::finding::Finding;
use super::format::Format;
use super::headers::HEAD_LEN_BYTES;

/// Where the four entries stand, in bytes.
const ENTRIES_AT: usize = 446;
const ENTRY_LEN_BYTES: usize = 16;
/// Type of the entry that keeps tools which know no GPT away from it.
const PROTECTIVE: u8 = 0xee;

/// Recognises a table, in data of a length. The boot sector of a FAT file system has the same
/// signature, and is none.
pub(super) fn find(head: &[u8], len_bytes: u64) -> Option<Finding> {
    let is_table = head.len() >= HEAD_LEN_BYTES && head[510..512] == [0x55, 0xaa];
    let is_fat = || head[0x10] == 2 && head[0x15] == 0xf8;
    if !is_table || is_fat() {
        return None;
    }
    let finding = Finding::new(Format::Gpt).sized(Some(len_bytes));
    Some(finding.fails(Check::Mbr, fault(head)))
}

/// Returns what is wrong with the four entries.
fn fault(head: &[u8]) -> Option<String> {
    let entries = || head[ENTRIES_AT..510].chunks_exact(ENTRY_LEN_BYTES);
    let own = entries().enumerate().find_map(|(at, entry)| {
        let fault = entry_fault(entry)?;
        Some(format!("partition {at} {fault}"))
    });
    if own.is_some() {
        return own;
    }
    let used: Vec<usize> = (entries().enumerate())
        .filter_map(|(at, entry)| (entry[4] != 0).then_some(at))
        .collect();
    let is_protective = entries().any(|entry| entry[4] == PROTECTIVE);
    match used.is_empty() {
        true => Some("it has no partition".to_owned()),
        false if is_protective && used != [0] => {
            Some("a GPT is not the first and only partition".to_owned())
        }
        false => None,
    }
}

fn entry_fault(entry: &[u8]) -> Option<String> {
    if !matches!(entry[0], 0 | 0x80) {
        return Some(format!("has the boot flag {:#04x}", entry[0]));
    }
    if entry[4] != PROTECTIVE {
        return None;
    }
    let first = le_u32(entry, 8)?;
    match (&entry[1..4], first) {
        ([0, 2, 0], 1) => None,
        _ => Some("of a GPT does not begin in sector 1".to_owned()),
    }
}

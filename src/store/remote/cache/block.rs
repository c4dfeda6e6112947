//! Blocks of packs in files of this machine: one block a file, each cell of it with its own sum.
//!
//! What is read is proved by its sum, so that whatever a crash, another store or a bad disk left is
//! as good as absent. `docs/format.md`, "The cache of a store of objects".

use std::io::IoSlice;
use std::ops::Range;

use bytes::Bytes;

use super::Key;
use crate::disk::{Access, Disk};
use crate::id::PackId;
use crate::sum::sum64;

/// Length of a block, in bytes; the last one of a pack may be shorter.
pub(in crate::store::remote) const BLOCK_LEN_BYTES: u64 = BLOCK as u64;
const BLOCK: usize = 1 << 20;
/// Length of a cell, in bytes; the last one of a block may be shorter.
const CELL_LEN_BYTES: usize = 64 << 10;
const CELLS: usize = BLOCK / CELL_LEN_BYTES;
/// Length of the head of a file, in bytes.
const HEAD_LEN_BYTES: usize = 4096;
/// Length of a file, in bytes.
pub(super) const FILE_LEN_BYTES: u64 = BLOCK_LEN_BYTES + HEAD_LEN_BYTES as u64;
const MAGIC: [u8; 8] = *b"smalti-c";
const VERSION: u32 = 1;
/// Where the sums of cells begin, and where that of the head stands.
const SUMS_AT: usize = 64;
const SUM_AT: usize = HEAD_LEN_BYTES - 8;

const _: () = assert!(SUMS_AT + CELLS * 8 <= SUM_AT);

/// Directory of the files.
pub(super) const DIR: &str = "cache";

/// Returns the name of the file of a block.
pub(super) fn path(key: &Key) -> String {
    let Key { pack, tag, block } = key;
    format!("{DIR}/{pack}-{tag:016x}-{block:08x}.block")
}

/// Reads the name of a file.
pub(super) fn parse(name: &str) -> Option<Key> {
    let mut parts = name.strip_suffix(".block")?.splitn(3, '-');
    let mut next = |len: usize| {
        let digits = parts.next().filter(|digits| digits.len() == len)?;
        u64::from_str_radix(digits, 16).ok()
    };
    Some(Key {
        pack: PackId(next(16)?),
        tag: next(16)?,
        block: next(8)?,
    })
}

/// Writes the file of a block. It has its name when it is whole, but nothing is synced.
pub(super) fn write(disk: &dyn Disk, key: &Key, bytes: &[u8]) -> std::io::Result<()> {
    let (path, new) = (path(key), format!("{}.new", path(key)));
    let file = disk.create(&new)?;
    let head = head(key, bytes);
    let written = file
        .write_parts_at(&[IoSlice::new(&head), IoSlice::new(bytes)], 0)
        .and_then(|()| disk.rename(&new, &path));
    if written.is_err() {
        let _ = disk.remove(&new);
    }
    written
}

/// Reads a part of a block; nothing where the file is not there, or not as it was written.
pub(super) fn read(disk: &dyn Disk, key: &Key, part: &Range<usize>) -> Option<Bytes> {
    let file = disk.open(&path(key), Access::Read).ok()?;
    let mut head = vec![0; HEAD_LEN_BYTES];
    file.read_at(&mut head, 0).ok()?;
    let len = check_head(key, &head).filter(|&len| part.end <= len)?;
    let cells = part.start / CELL_LEN_BYTES..part.end.div_ceil(CELL_LEN_BYTES);
    let start = cells.start * CELL_LEN_BYTES;
    let end = len.min(cells.end * CELL_LEN_BYTES);
    let mut bytes = vec![0; end.checked_sub(start)?];
    file.read_at(&mut bytes, (HEAD_LEN_BYTES + start) as u64)
        .ok()?;
    for (cell, bytes) in cells.zip(bytes.chunks(CELL_LEN_BYTES)) {
        if word(&head, SUMS_AT + cell * 8) != sum(key, cell, bytes) {
            return None;
        }
    }
    Some(Bytes::from(bytes).slice(part.start - start..part.end - start))
}

fn head(key: &Key, bytes: &[u8]) -> Vec<u8> {
    let mut head = vec![0; HEAD_LEN_BYTES];
    head[..8].copy_from_slice(&MAGIC);
    head[8..12].copy_from_slice(&VERSION.to_le_bytes());
    head[16..24].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    for (cell, bytes) in bytes.chunks(CELL_LEN_BYTES).enumerate() {
        let at = SUMS_AT + cell * 8;
        head[at..at + 8].copy_from_slice(&sum(key, cell, bytes).to_le_bytes());
    }
    let total = sum64(seed(key), &head[..SUM_AT]);
    head[SUM_AT..].copy_from_slice(&total.to_le_bytes());
    head
}

/// Returns the length of the block, if the head is whole and of this block.
fn check_head(key: &Key, head: &[u8]) -> Option<usize> {
    let whole = head[..8] == MAGIC
        && head[8..12] == VERSION.to_le_bytes()
        && word(head, SUM_AT) == sum64(seed(key), &head[..SUM_AT]);
    let len = usize::try_from(word(head, 16)).ok()?;
    (whole && len as u64 <= BLOCK_LEN_BYTES).then_some(len)
}

fn seed(key: &Key) -> u64 {
    key.tag ^ key.pack.0.rotate_left(32) ^ key.block
}

fn sum(key: &Key, cell: usize, bytes: &[u8]) -> u64 {
    sum64(seed(key).rotate_left(16) ^ cell as u64, bytes)
}

fn word(bytes: &[u8], at: usize) -> u64 {
    let word = bytes[at..].first_chunk().copied();
    u64::from_le_bytes(word.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::MemoryDisk;

    const KEY: Key = Key {
        pack: PackId(5),
        tag: 77,
        block: 3,
    };

    fn disk(bytes: &[u8]) -> MemoryDisk {
        let disk = MemoryDisk::new();
        disk.create_dir(DIR).expect("make");
        write(&disk, &KEY, bytes).expect("write");
        disk
    }

    #[test]
    fn every_part_is_read_as_it_was_written() {
        let bytes: Vec<u8> = (0..=250).cycle().take(200_000).collect();
        let disk = disk(&bytes);
        for part in [0..1, 0..200_000, 65_535..65_537, 131_072..199_999, 7..7] {
            let read = read(&disk, &KEY, &part).expect("it is there");
            assert_eq!(&read[..], &bytes[part.clone()], "{part:?}");
        }
        assert_eq!(read(&disk, &KEY, &(0..200_001)), None);
        let other = Key { tag: 78, ..KEY };
        disk.rename(&path(&KEY), &path(&other)).expect("rename");
        assert_eq!(read(&disk, &other, &(0..1)), None);
        assert_eq!(parse(&path(&KEY)[DIR.len() + 1..]), Some(KEY));
    }

    #[test]
    fn no_flipped_byte_and_no_cut_passes_for_the_block() {
        let bytes = vec![9; 70_000];
        for at in (0..HEAD_LEN_BYTES as u64 + 70_000).step_by(509) {
            let disk = disk(&bytes);
            let file = disk.open(&path(&KEY), Access::Write).expect("open");
            let mut byte = [0];
            file.read_at(&mut byte, at).expect("read");
            file.write_at(&[byte[0] ^ 1], at).expect("write");
            assert_eq!(read(&disk, &KEY, &(0..70_000)), None, "{at}");
            file.write_at(&byte, at).expect("write");
            assert!(read(&disk, &KEY, &(0..70_000)).is_some());
            file.set_len(at).expect("cut");
            assert_eq!(read(&disk, &KEY, &(0..70_000)), None, "{at}");
        }
    }
}

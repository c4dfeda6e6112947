//! Rows about bytes: chunks, packs, uploads that run, references to be given back.

use super::codec::{BorrowDecode, Encode, Record, kind};

/// Where a chunk lies, and how many references hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, BorrowDecode)]
pub(crate) struct ChunkRow {
    pub(crate) pack: u64,
    pub(crate) offset: u64,
    pub(crate) len_bytes: u32,
    pub(crate) refs: u64,
}

impl ChunkRow {
    /// Number that no pack has: a chunk there is in no pack.
    const NOWHERE: u64 = u64::MAX;

    /// Makes the row of a chunk that is referred to and that no pack holds any more.
    ///
    /// Its references are counted, so that storing it again heals who needs it, and nobody else's
    /// are given back in their place. A lost page holds no references to what it names.
    pub(crate) fn lost(refs: u64) -> Self {
        Self {
            pack: Self::NOWHERE,
            offset: 0,
            len_bytes: 0,
            refs,
        }
    }

    /// Tells whether no pack holds the chunk.
    pub(crate) fn is_lost(&self) -> bool {
        self.pack == Self::NOWHERE
    }
}

/// What becomes of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, BorrowDecode)]
pub(crate) enum PackFate {
    /// It may grow.
    Open,
    /// It never changes again.
    Sealed,
    /// Nothing names its bytes; it is to be unlinked.
    Dead,
}

/// What the index knows of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, BorrowDecode)]
pub(crate) struct PackRow {
    pub(crate) fate: PackFate,
    /// Length of what may be named: whole segments, and the footer of a sealed pack.
    pub(crate) len_bytes: u64,
    /// Bytes of all chunks that were appended, named or not.
    pub(crate) chunk_bytes: u64,
    /// Bytes of data that rows name.
    pub(crate) live_bytes: u64,
    /// Bytes of manifest pages that rows name.
    pub(crate) page_bytes: u64,
    /// Chunks that rows name.
    pub(crate) live_chunks: u64,
    /// When the pack was made or last written, microseconds since the epoch.
    pub(crate) written_at: i64,
}

/// An upload that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, BorrowDecode)]
pub(crate) struct SessionRow {
    pub(crate) image: [u8; 16],
    pub(crate) started_at: i64,
}

/// References that collection gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, BorrowDecode)]
pub(crate) struct ReleaseRow {
    pub(crate) key: [u8; crate::id::CHUNK_KEY_LEN_BYTES],
    pub(crate) count: u64,
}

impl PackRow {
    /// Makes the row of a pack of which nothing is named yet.
    pub(crate) fn new(fate: PackFate, written_at: i64) -> Self {
        Self {
            fate,
            len_bytes: 0,
            chunk_bytes: 0,
            live_bytes: 0,
            page_bytes: 0,
            live_chunks: 0,
            written_at,
        }
    }

    /// Returns the bytes that rows name.
    pub(crate) fn named_bytes(&self) -> u64 {
        self.live_bytes.saturating_add(self.page_bytes)
    }

    /// Returns the bytes of chunks that no row names.
    pub(crate) fn garbage_bytes(&self) -> u64 {
        self.chunk_bytes.saturating_sub(self.named_bytes())
    }
}

impl Record for ChunkRow {
    const KIND: u8 = kind::CHUNK;
    const VERSION: u8 = 1;
    const NAME: &'static str = "chunk";

    fn check(&self) -> Result<(), String> {
        if self.is_lost() {
            return match *self == Self::lost(self.refs) {
                true => Ok(()),
                false => Err("it is in no pack and has a place".to_owned()),
            };
        }
        let max = crate::limits::CHUNK_MAX_BYTES;
        if self.len_bytes == 0 || self.len_bytes as usize > max {
            return Err(format!(
                "length {} bytes, bounds 1 and {max}",
                self.len_bytes
            ));
        }
        match self.offset.checked_add(u64::from(self.len_bytes)) {
            Some(end) if end <= crate::limits::IMAGE_MAX_BYTES => Ok(()),
            _ => Err(format!("offset {} is beyond any pack", self.offset)),
        }
    }
}

impl Record for PackRow {
    const KIND: u8 = kind::PACK;
    const VERSION: u8 = 1;
    const NAME: &'static str = "pack";
}

impl Record for SessionRow {
    const KIND: u8 = kind::SESSION;
    const VERSION: u8 = 1;
    const NAME: &'static str = "upload";
}

impl Record for ReleaseRow {
    const KIND: u8 = kind::RELEASE;
    const VERSION: u8 = 1;
    const NAME: &'static str = "release";
}

//! The reading end of a pack: chunks out, each proved by its identity.

use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::recent::Recent;
use crate::clock;
use crate::error::{Error, Result};
use crate::hash;
use crate::id::{ChunkId, PackId};
use crate::limits::BLOCK_LEN_BYTES;
use crate::store::{PackSource, PackState};

/// When a chunk is proved by its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verify {
    /// At its first touch since the engine was opened.
    #[default]
    Once,
    /// At every touch.
    Always,
    /// Never: for disks that check what they return.
    Never,
}

/// Where a chunk lies in its pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) len_bytes: u32,
}

impl Place {
    /// Returns the bytes of the pack that the chunk takes.
    pub(crate) fn range(self) -> Range<u64> {
        self.offset..self.offset + u64::from(self.len_bytes)
    }
}

/// Which chunks of a pack were proved since the engine was opened: one bit for each block.
///
/// Outlives handles and maps of the pack; dies with pack or engine. Beside it, which chunks this
/// engine has written itself: new data that is the same is stored onto these without a look, but
/// they are proved like all others when they are read.
#[derive(Debug, Default)]
pub(crate) struct Proved {
    read: OnceLock<Box<[AtomicU64]>>,
    fresh: Arc<OnceLock<Box<[AtomicU64]>>>,
}

/// Blocks of the longest pack that can be remembered; what lies behind is proved at each touch.
const PROVED_MAX_BLOCKS: u64 = 1 << 20;

/// Returns the word and bit of a chunk; tiny ones may share a block and are never remembered.
fn bit(
    bits: &OnceLock<Box<[AtomicU64]>>,
    place: Place,
    pack_len: u64,
) -> Option<(&AtomicU64, u64)> {
    if (place.len_bytes as usize) < BLOCK_LEN_BYTES {
        return None;
    }
    let words = bits.get_or_init(|| {
        let blocks = (pack_len / BLOCK_LEN_BYTES as u64 + 1).clamp(4096, PROVED_MAX_BLOCKS);
        (0..blocks.div_ceil(64))
            .map(|_| AtomicU64::new(0))
            .collect()
    });
    let block = place.offset / BLOCK_LEN_BYTES as u64;
    let word = words.get(usize::try_from(block / 64).ok()?)?;
    Some((word, 1 << (block % 64)))
}

impl Proved {
    /// Returns what is remembered of a pack that is sealed now: what was proved while it was short
    /// is proved again, so that all of it finds room.
    pub(super) fn sealed(&self) -> Self {
        Self {
            read: OnceLock::new(),
            fresh: Arc::clone(&self.fresh),
        }
    }

    /// Remembers that this engine wrote a chunk; `pack_max` is the length that the pack may reach.
    pub(crate) fn mark_fresh(&self, place: Place, pack_max: u64) {
        if let Some((word, bit)) = bit(&self.fresh, place, pack_max) {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }
}

/// An open pack. It stays readable as long as somebody holds it, whatever becomes of its name.
#[derive(Debug)]
pub(crate) struct Pack {
    id: PackId,
    state: PackState,
    source: Arc<dyn PackSource>,
    len_bytes: u64,
    proved: Arc<Proved>,
    recent: Recent,
}

impl Pack {
    pub(crate) fn new(
        id: PackId,
        state: PackState,
        source: Arc<dyn PackSource>,
        proved: Arc<Proved>,
    ) -> Result<Self> {
        let len_bytes = source.len_bytes()?;
        Ok(Self {
            id,
            state,
            source,
            len_bytes,
            proved,
            recent: Recent::default(),
        })
    }

    pub(crate) fn id(&self) -> PackId {
        self.id
    }

    pub(crate) fn state(&self) -> PackState {
        self.state
    }

    /// Returns the length when the pack was opened, in bytes.
    pub(crate) fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    pub(crate) fn source(&self) -> &dyn PackSource {
        &*self.source
    }

    /// Returns the mapped bytes of a sealed pack.
    pub(crate) fn mapped(&self) -> Option<&Bytes> {
        self.source.map().map(|map| map.bytes())
    }

    /// Tells whether a chunk needs no proof before it is handed out.
    pub(crate) fn is_proved(&self, place: Place, verify: Verify) -> bool {
        match verify {
            Verify::Never => true,
            Verify::Always => false,
            Verify::Once => self.is_set(&self.proved.read, place),
        }
    }

    /// Tells whether new data may be stored onto a chunk without a look at it.
    pub(crate) fn is_trusted(&self, place: Place) -> bool {
        self.is_set(&self.proved.fresh, place) || self.is_set(&self.proved.read, place)
    }

    fn is_set(&self, bits: &OnceLock<Box<[AtomicU64]>>, place: Place) -> bool {
        bits.get().is_some()
            && bit(bits, place, self.len_bytes)
                .is_some_and(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }

    /// Returns a chunk, proved as `verify` says: a slice of the map where there is one.
    pub(crate) fn chunk(&self, place: Place, id: &ChunkId, verify: Verify) -> Result<Bytes> {
        let Some(bytes) = self.mapped() else {
            return self.chunk_copied(place, id, verify);
        };
        let range = self.mapped_range(place.range(), bytes.len())?;
        if !self.is_proved(place, verify) {
            self.bring(place.range())?;
            self.prove(place, id, &bytes[range.clone()])?;
        }
        Ok(bytes.slice(range))
    }

    /// Brings mapped bytes into memory before they are touched, so that an error of the medium is
    /// an error here.
    pub(crate) fn bring(&self, range: Range<u64>) -> Result<()> {
        let Some(map) = self.source.map() else {
            return Ok(());
        };
        let range = self.mapped_range(range, map.bytes().len())?;
        map.will_need(range.clone());
        let populated = map.populate(range);
        populated.map_err(|e| Error::io(format!("read pack {}", self.id), e))
    }

    /// Checks that a chunk is mapped, and proves it as `verify` says; it was brought before.
    pub(crate) fn check(&self, place: Place, id: &ChunkId, verify: Verify) -> Result<()> {
        let bytes = self.mapped().map_or(&[][..], |bytes| &bytes[..]);
        let range = self.mapped_range(place.range(), bytes.len())?;
        if self.is_proved(place, verify) {
            return Ok(());
        }
        self.prove(place, id, &bytes[range])
    }

    /// Reads a chunk into memory of its own, and proves that very memory.
    pub(crate) fn chunk_copied(&self, place: Place, id: &ChunkId, verify: Verify) -> Result<Bytes> {
        let bytes = self.source.read(place.range())?;
        if !self.is_proved(place, verify) {
            self.prove(place, id, &bytes)?;
        }
        Ok(bytes)
    }

    /// Tells whether a byte is in memory; `true` where that is not known.
    pub(crate) fn is_cached(&self, offset: u64) -> bool {
        self.source.is_cached(offset)
    }

    /// Asks that a chunk leaves memory, so that the next read comes from the medium.
    pub(crate) fn forget(&self, place: Place) {
        self.source.forget(place.range());
    }

    /// Asks that bytes are read ahead into memory, unless that was asked a moment ago.
    pub(crate) fn will_need(&self, range: Range<u64>) {
        if !self.recent.is_news(&range, self.len_bytes, clock::tick()) {
            return;
        }
        let ends = (usize::try_from(range.start), usize::try_from(range.end));
        match (self.source.map(), ends) {
            (Some(map), (Ok(start), Ok(end))) => map.will_need(start..end),
            _ => self.source.will_need(range),
        }
    }

    /// Brings mapped bytes into memory, so that touching them waits for no disk.
    pub(crate) fn populate(&self, range: Range<u64>) -> Result<()> {
        let ends = (usize::try_from(range.start), usize::try_from(range.end));
        let (Some(map), (Ok(start), Ok(end))) = (self.source.map(), ends) else {
            return Ok(());
        };
        map.populate(start..end)
            .map_err(|e| Error::io(format!("read pack {}", self.id), e))
    }

    /// Reads part of a chunk that needs no proof into memory of the caller.
    pub(crate) fn read_into(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        self.source.read_into(buf, offset)
    }

    fn mapped_range(&self, range: Range<u64>, mapped: usize) -> Result<Range<usize>> {
        match (usize::try_from(range.start), usize::try_from(range.end)) {
            (Ok(start), Ok(end)) if end <= mapped => Ok(start..end),
            _ => Err(Error::corrupt(format!(
                "pack {}, offset {}, {} bytes: the pack ends at {mapped}",
                self.id,
                range.start,
                range.end - range.start
            ))),
        }
    }

    /// Checks bytes against the identity that they should have, and remembers a success.
    pub(crate) fn prove(&self, place: Place, id: &ChunkId, bytes: &[u8]) -> Result<()> {
        let found = hash::chunk_id(&[bytes]);
        if found != *id {
            return Err(Error::corrupt(format!(
                "pack {}, offset {}, {} bytes: identity {found}, expected {id}",
                self.id, place.offset, place.len_bytes
            )));
        }
        if let Some((word, bit)) = bit(&self.proved.read, place, self.len_bytes) {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(())
    }
}

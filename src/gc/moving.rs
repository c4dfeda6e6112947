//! Live chunks on their way to a pack of a store that seals uploads: they are named when it is
//! sealed, many at once.

use std::sync::Arc;

use super::compact::{Live, Moved, name_moved};
use super::run::GcReport;
use crate::base::Base;
use crate::chunk::{NewChunk, PackWriter};
use crate::error::Result;
use crate::index::rows::PackFate;
use crate::ingest::{OpenPacks, PackBounds, give_up};

/// Chunks that one pack takes at most, so that memory and the transaction that names them stay
/// bounded.
const CHUNKS_MAX: usize = 8192;

/// A pack that is being filled. Dropped before it is sealed, it is given up.
#[derive(Debug)]
pub(super) struct Moving {
    base: Arc<Base>,
    store: u16,
    writer: Option<PackWriter>,
    moved: Vec<Moved>,
}

impl Moving {
    pub(super) fn begin(base: &Arc<Base>, open_packs: &OpenPacks, store: u16) -> Result<Self> {
        Ok(Self {
            base: Arc::clone(base),
            store,
            writer: Some(open_packs.borrow(base, store)?),
            moved: Vec::new(),
        })
    }

    /// Returns the number of the store.
    pub(super) fn store(&self) -> u16 {
        self.store
    }

    /// Appends chunks.
    pub(super) fn take(&mut self, domain: u32, live: Vec<Live>) -> Result<()> {
        let writer = self.writer.as_mut().expect("it goes when it is sealed");
        writer.set_domain(domain)?;
        let chunks = live.iter().map(|live| NewChunk {
            kind: live.key.kind,
            id: live.key.id,
            parts: vec![&live.bytes],
        });
        let mut offset = writer.append(&chunks.collect::<Vec<_>>())?;
        for live in live {
            let len_bytes = live.bytes.len() as u64;
            self.moved.push(Moved {
                key: live.key,
                from: live.row,
                offset,
            });
            offset += len_bytes;
        }
        Ok(())
    }

    /// Tells whether the pack is to be sealed.
    pub(super) fn is_full(&self, bounds: &PackBounds) -> bool {
        let len = self.writer.as_ref().map_or(0, PackWriter::len_bytes);
        len >= bounds.max_bytes || self.moved.len() >= CHUNKS_MAX
    }

    /// Seals the pack, and lets the index name the chunks there.
    pub(super) fn seal(mut self, report: &mut GcReport) -> Result<()> {
        let mut writer = self.writer.take().expect("it goes when it is sealed");
        let pack = writer.pack();
        let sealed = self.base.trust(writer.seal());
        let named = sealed.and_then(|len_bytes| {
            let sealed = (writer.mark(), len_bytes, PackFate::Sealed);
            name_moved(&self.base, self.store, pack, sealed, &self.moved)
        });
        if let Err(error) = named {
            self.writer = Some(writer);
            return Err(error);
        }
        self.base.packs.reopen(self.store, pack);
        report.copied_chunks += self.moved.len() as u64;
        let bytes = self
            .moved
            .iter()
            .map(|moved| u64::from(moved.from.len_bytes));
        report.copied_bytes += bytes.sum::<u64>();
        Ok(())
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        // Where it is not known whether a commit went through, the engine is poisoned, and this
        // changes nothing.
        if let Some(writer) = self.writer.take() {
            let pack = writer.pack();
            drop(writer);
            give_up(&self.base, self.store, pack);
        }
    }
}

//! The storing lane's dealings with index and packs: is it stored, where does it go, name it.

use std::collections::HashSet;
use std::sync::Arc;

use super::storer::{Candidate, Storer};
use crate::base::Found;
use crate::chunk::{Mark, NewChunk, PackWriter, Place, Verify};
use crate::error::Result;
use crate::id::{ChunkId, ChunkKey, ChunkKind, PackId};
use crate::index::places;
use crate::index::refs::{self, BuiltPage, PUBLIC_DOMAIN, Written};
use crate::index::rows::PackFate;
use crate::index::{Durability, Get, Kv, Put};
use crate::manifest::{Content, NewPage};

/// Whether a batch is the last one of its upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// More follow.
    NotYet,
    /// It is the last one.
    Of,
}

/// What is durable in packs and waits for its names.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pages: Vec<BuiltPage>,
    pack: Option<WrittenPack>,
}

/// A pack that was written and made durable.
#[derive(Debug, Clone, Copy)]
struct WrittenPack {
    id: PackId,
    len_bytes: u64,
    mark: Mark,
    fate: PackFate,
}

/// What is known of a chunk of the stream.
enum Verdict {
    /// This upload has written it.
    Written,
    /// It is stored.
    Stored(Content, ChunkKey, Found),
    /// It has to be stored, in place of a damaged copy or not.
    New { replaces: bool },
}

impl Storer {
    /// Stores what is new of some chunks and returns what a page says of each.
    pub(super) fn settle(&mut self, data: Vec<Candidate<'_>>) -> Result<Vec<Content>> {
        let verdicts = self.look_up(&data)?;
        let mut contents = Vec::with_capacity(data.len());
        let mut new = Vec::new();
        for (candidate, verdict) in data.into_iter().zip(verdicts) {
            let verdict = prove(&candidate, verdict);
            match &verdict {
                Verdict::Stored(content, _, _) => contents.push(*content),
                Verdict::Written | Verdict::New { .. } => contents.push(Content::Own(candidate.id)),
            }
            match verdict {
                Verdict::New { replaces } => new.push((candidate, replaces)),
                _ => self.tally.shared_bytes += candidate.len_bytes,
            }
        }
        self.append_data(&new)?;
        Ok(contents)
    }

    /// Looks chunks up in the own domain and the public one, and leases what is found.
    fn look_up(&mut self, data: &[Candidate<'_>]) -> Result<Vec<Verdict>> {
        let leases = Arc::clone(&self.base.leases);
        let look = leases.look();
        let verdicts = self.base.kv.read(|get| {
            let mut new = HashSet::new();
            let verdict = |candidate: &Candidate<'_>| {
                if self.written.contains_key(&candidate.id) || new.contains(&candidate.id) {
                    return Ok(Verdict::Written);
                }
                let verdict = self.verdict(get, candidate.id)?;
                if matches!(verdict, Verdict::New { .. }) {
                    new.insert(candidate.id);
                }
                Ok(verdict)
            };
            data.iter().map(verdict).collect::<Result<Vec<_>>>()
        })?;
        let found: Vec<ChunkKey> = verdicts
            .iter()
            .filter_map(|verdict| match verdict {
                Verdict::Stored(_, key, _) => Some(*key),
                _ => None,
            })
            .collect();
        look.lease(&found, &mut self.leased);
        Ok(verdicts)
    }

    fn verdict(&self, get: &dyn Get, id: ChunkId) -> Result<Verdict> {
        let own = self.target.key(ChunkKind::Data, id);
        let public = ChunkKey {
            domain: PUBLIC_DOMAIN,
            ..own
        };
        for (key, content) in [(own, Content::Own(id)), (public, Content::Public(id))] {
            if content != Content::Own(id) && key == own {
                continue;
            }
            let Some(row) = places::chunk(get, &key)? else {
                continue;
            };
            // A pack that cannot be opened just now is no reason to fail: the data is at hand.
            if let Ok(found) = self.base.open(get, key.store, &row) {
                return Ok(Verdict::Stored(content, key, found));
            }
            return Ok(Verdict::New {
                replaces: key == own,
            });
        }
        Ok(Verdict::New { replaces: false })
    }

    fn append_data(&mut self, new: &[(Candidate<'_>, bool)]) -> Result<()> {
        let chunks = new.iter().map(|(candidate, _)| NewChunk {
            kind: ChunkKind::Data,
            id: candidate.id,
            parts: candidate.parts.clone(),
        });
        let places = self.append(&chunks.collect::<Vec<_>>())?;
        for ((candidate, replaces), written) in new.iter().zip(places) {
            self.tally.new_bytes += candidate.len_bytes;
            self.written.insert(
                candidate.id,
                Written {
                    replaces: *replaces,
                    ..written
                },
            );
        }
        Ok(())
    }

    /// Appends chunks to the pack of this upload, and returns where they lie.
    fn append(&mut self, chunks: &[NewChunk<'_>]) -> Result<Vec<Written>> {
        if chunks.is_empty() {
            return Ok(Vec::new());
        }
        let (store, max_bytes) = (self.target.store, self.bounds.max_bytes);
        let proved = {
            let writer = self.writer()?;
            let pack = writer.pack();
            self.base.packs.proved(store, pack)
        };
        let writer = self.writer()?;
        let (pack, mut offset) = (writer.pack(), writer.append(chunks)?);
        let mut places = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            let len: usize = chunk.parts.iter().map(|part| part.len()).sum();
            let len_bytes = u32::try_from(len).expect("a chunk has at most 256 KiB");
            proved.mark_fresh(Place { offset, len_bytes }, max_bytes.saturating_mul(2));
            places.push(Written {
                pack,
                offset,
                len_bytes,
                replaces: false,
            });
            offset += u64::from(len_bytes);
        }
        Ok(places)
    }

    fn writer(&mut self) -> Result<&mut PackWriter> {
        if self.writer.is_none() {
            let mut writer = self.open_packs.borrow(&self.base, self.target.store)?;
            let held = self.base.leases.hold_pack(self.target.store, writer.pack());
            self.held.push(held);
            self.named = writer.mark();
            writer.set_domain(self.target.domain)?;
            self.writer = Some(writer);
        }
        Ok(self.writer.as_mut().expect("it was set just above"))
    }

    /// Names what is finished so far, so that memory stays bounded.
    pub(super) fn name_batch(&mut self) -> Result<()> {
        let batch = self.prepare_batch(End::NotYet)?;
        self.base
            .kv
            .write(Durability::Later, |put| self.name(put, &batch))?;
        self.forget_named(&batch);
        Ok(())
    }

    /// Writes pages that are new, and makes everything that was written durable.
    pub(super) fn prepare_batch(&mut self, end: End) -> Result<Batch> {
        let pages = std::mem::take(&mut self.pages);
        let absent = self.absent_pages(&pages)?;
        let chunks = absent.iter().map(|(index, _)| NewChunk {
            kind: ChunkKind::Page,
            id: pages[*index].id,
            parts: vec![&pages[*index].bytes],
        });
        let places = self.append(&chunks.collect::<Vec<_>>())?;
        let mut written = vec![None; pages.len()];
        for ((index, replaces), place) in absent.into_iter().zip(places) {
            written[index] = Some(Written { replaces, ..place });
        }
        let built = pages
            .into_iter()
            .zip(written)
            .map(|(page, written)| BuiltPage {
                id: page.id,
                level: page.level,
                children: page.children,
                written,
            });
        let pages = built.collect();
        Ok(Batch {
            pages,
            pack: self.make_durable(end)?,
        })
    }

    /// Returns the pages that are not stored, or damaged, and leases those that are stored.
    fn absent_pages(&mut self, pages: &[NewPage]) -> Result<Vec<(usize, bool)>> {
        let key = |page: &NewPage| self.target.key(ChunkKind::Page, page.id);
        let leases = Arc::clone(&self.base.leases);
        let look = leases.look();
        let stored = self.base.kv.read(|get| {
            let stored = |page| Ok(places::chunk(get, &key(page))?.is_some());
            pages.iter().map(stored).collect::<Result<Vec<bool>>>()
        })?;
        let found = pages.iter().zip(&stored).filter(|(_, stored)| **stored);
        let found: Vec<ChunkKey> = found.map(|(page, _)| key(page)).collect();
        look.lease(&found, &mut self.leased);
        drop(look);
        let (mut absent, mut seen) = (Vec::new(), HashSet::new());
        for (index, (page, stored)) in pages.iter().zip(stored).enumerate() {
            let whole = stored && self.base.page(&key(page)).is_ok();
            if !whole && seen.insert(page.id) {
                absent.push((index, stored));
            }
        }
        Ok(absent)
    }

    fn make_durable(&mut self, end: End) -> Result<Option<WrittenPack>> {
        let (bounds, named) = (self.bounds, self.named);
        let seals = self.base.packs.store(self.target.store)?.seals_uploads();
        let Some(writer) = &mut self.writer else {
            return Ok(None);
        };
        let len = writer.len_bytes();
        if len == named.end {
            return Ok(None);
        }
        let full = len >= bounds.max_bytes || end == End::Of && len >= bounds.seal_from_bytes;
        // Where nothing is durable before it is sealed, nothing is named before.
        let (len_bytes, fate) = if full || seals {
            (self.base.trust(writer.seal())?, PackFate::Sealed)
        } else {
            self.base.trust(writer.sync())?;
            (writer.mark().end, PackFate::Open)
        };
        Ok(Some(WrittenPack {
            id: writer.pack(),
            len_bytes,
            mark: writer.mark(),
            fate,
        }))
    }

    /// Names a batch inside a transaction.
    pub(super) fn name(&self, put: &mut dyn Put, batch: &Batch) -> Result<()> {
        if let Some(pack) = batch.pack {
            let mut row = places::known_pack(put, self.target.store, pack.id)?;
            (row.len_bytes, row.fate) = (pack.len_bytes, pack.fate);
            row.chunk_bytes = pack.mark.chunk_bytes;
            row.written_at = self.base.now().as_micros();
            places::put_pack(put, self.target.store, pack.id, &row)?;
        }
        refs::name_pages(put, self.target, &batch.pages, &self.written)
    }

    /// Forgets what is named now; what no page names yet stays written and leased.
    pub(super) fn forget_named(&mut self, batch: &Batch) {
        if let Some(pack) = batch.pack {
            self.named = pack.mark;
            if pack.fate == PackFate::Sealed {
                self.writer = None;
                self.base.packs.reopen(self.target.store, pack.id);
            }
        }
        let pending: HashSet<Content> = self
            .builder
            .iter()
            .flat_map(|builder| builder.pending())
            .collect();
        self.written
            .retain(|id, _| pending.contains(&Content::Own(*id)));
        let still: Vec<ChunkKey> = pending
            .iter()
            .filter_map(|content| self.target.child(0, *content))
            .collect();
        let mut leased = self.base.leases.none();
        let leases = Arc::clone(&self.base.leases);
        leases.look().lease(&still, &mut leased);
        self.leased = leased;
    }

    /// Gives the pack back to the pool, without what nothing names.
    pub(super) fn let_go_of_pack(&mut self) {
        if let Some(writer) = self.writer.take() {
            let (base, named) = (&self.base, self.named);
            self.open_packs.give_back_as_it_was(base, writer, named);
        }
    }
}

/// Looks at a stored chunk before new data is stored onto it; a damaged one is stored anew.
fn prove(candidate: &Candidate<'_>, verdict: Verdict) -> Verdict {
    let Verdict::Stored(content, key, found) = verdict else {
        return verdict;
    };
    let whole = u64::from(found.place.len_bytes) == candidate.len_bytes
        && (found.pack.is_trusted(found.place)
            || found
                .pack
                .chunk(found.place, &candidate.id, Verify::Once)
                .is_ok());
    if whole {
        return Verdict::Stored(content, key, found);
    }
    tracing::error!(pack = %found.pack.id(), chunk = %candidate.id, "a damaged chunk is stored anew");
    Verdict::New {
        replaces: matches!(content, Content::Own(_)),
    }
}

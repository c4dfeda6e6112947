//! The storing lane of an upload: cut, zero test, identity, look-up, pack, pages.
//!
//! Memory is bounded: a batch of chunks and pages is named in the index, under holds of the
//! upload, as soon as it is durable; a crash or a failed upload gives the holds back.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use super::batch::{Batch, End};
use super::lane::Work;
use super::packs::OpenPacks;
use super::ring::Frozen;
use crate::base::Base;
use crate::chunk::{Cut, Cutter, CutterKind, Mark, PackWriter, Piece as CutPiece};
use crate::error::{Error, ErrorCode, Result};
use crate::hash::chunk_id;
use crate::id::{ChunkId, ChunkKey, ChunkKind};
use crate::index::Put;
use crate::index::refs::{Target, Written};
use crate::lease::{HeldPack, Leased};
use crate::limits::{BLOCK_LEN_BYTES, CHUNK_MAX_BYTES};
use crate::manifest::{Content, NewPage, Piece, TreeBuilder};

/// New chunks after which a batch is named.
const BATCH_CHUNKS: usize = 4096;
/// Leased chunks after which a batch is named.
const BATCH_LEASES: usize = 8192;
/// Finished pages after which a batch is named.
const BATCH_PAGES: usize = 64;
/// Buffers of the ring that may wait for the end of a chunk; a ring has more.
const CARRY_BUFFERS: usize = 3;
/// Bytes that the cutter may not have decided about.
const UNDECIDED_BYTES: u64 = (CHUNK_MAX_BYTES + BLOCK_LEN_BYTES) as u64;

/// Bounds of packs, from the settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PackBounds {
    /// A finished upload seals its pack from this length on, in bytes.
    pub(crate) seal_from_bytes: u64,
    /// A pack is sealed at this length, in bytes.
    pub(crate) max_bytes: u64,
}

/// What an upload has stored, counted as it goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) new_bytes: u64,
    pub(crate) shared_bytes: u64,
}

/// The storing lane.
#[derive(Debug)]
pub(crate) struct Storer {
    pub(super) base: Arc<Base>,
    pub(super) open_packs: Arc<OpenPacks>,
    pub(super) target: Target,
    pub(super) bounds: PackBounds,
    cutter: Option<Cutter>,
    /// Bytes taken, and bytes cut.
    fed: u64,
    cut: u64,
    /// Buffers with bytes that are not cut yet, and where they begin in the stream.
    carry: Vec<(u64, Bytes)>,
    pub(super) builder: Option<TreeBuilder>,
    pub(super) writer: Option<PackWriter>,
    /// Up to where the index knows the writer's pack.
    pub(super) named: Mark,
    pub(super) written: HashMap<ChunkId, Written>,
    pub(super) pages: Vec<NewPage>,
    pub(super) leased: Leased,
    /// Every pack that this upload has written, until it ends.
    pub(super) held: Vec<HeldPack>,
    pub(super) tally: Tally,
}

/// A stretch of the stream whose kind is known.
enum Stretch {
    Zero(u64),
    Data { parts: Vec<Bytes>, len_bytes: u64 },
}

/// A chunk of the stream of which it is not known whether it is stored.
pub(super) struct Candidate<'a> {
    pub(super) id: ChunkId,
    pub(super) parts: Vec<&'a [u8]>,
    pub(super) len_bytes: u64,
}

/// A finished tree whose last batch is durable in packs but not yet named.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) root: ChunkKey,
    pub(crate) len_bytes: u64,
    pub(crate) zero_bytes: u64,
    pub(crate) tally: Tally,
    storer: Storer,
    batch: Batch,
}

impl Storer {
    pub(crate) fn new(
        base: Arc<Base>,
        open_packs: Arc<OpenPacks>,
        target: Target,
        bounds: PackBounds,
        cutter: CutterKind,
    ) -> Self {
        let leased = base.leases.none();
        Self {
            base,
            open_packs,
            target,
            bounds,
            cutter: Some(Cutter::new(cutter)),
            fed: 0,
            cut: 0,
            carry: Vec::new(),
            builder: Some(TreeBuilder::new(|bytes| chunk_id(&[bytes]))),
            writer: None,
            named: Mark::default(),
            written: HashMap::new(),
            pages: Vec::new(),
            leased,
            held: Vec::new(),
            tally: Tally::default(),
        }
    }

    fn feed(&mut self, buffer: &Frozen) -> Result<()> {
        let mut cuts = Vec::new();
        if let Some(cutter) = &mut self.cutter {
            cutter.feed(buffer, &mut |cut| cuts.push(cut));
        }
        let bytes = Bytes::from_owner(buffer.clone());
        self.carry.push((self.fed, bytes));
        self.fed += buffer.len() as u64;
        self.store_cuts(&cuts)
    }

    fn feed_zeros(&mut self, len_bytes: u64) -> Result<()> {
        let mut cuts = Vec::new();
        if let Some(cutter) = &mut self.cutter {
            cutter.skip_zeros(len_bytes, &mut |cut| cuts.push(cut));
        }
        self.fed += len_bytes;
        self.store_cuts(&cuts)
    }

    fn store_cuts(&mut self, cuts: &[Cut]) -> Result<()> {
        let stretches: Vec<Stretch> = cuts.iter().map(|cut| self.stretch(*cut)).collect();
        let undecided = self.cut.max(self.fed.saturating_sub(UNDECIDED_BYTES));
        self.carry
            .retain(|(start, buffer)| start + buffer.len() as u64 > undecided);
        if self.carry.len() > CARRY_BUFFERS {
            self.copy_carry(undecided);
        }
        if !stretches.is_empty() {
            self.store(&stretches)?;
        }
        let writer = self.writer.as_ref();
        let full = writer.is_some_and(|writer| writer.len_bytes() >= self.bounds.max_bytes);
        if full
            || self.written.len() >= BATCH_CHUNKS
            || self.leased.count() >= BATCH_LEASES
            || self.pages.len() >= BATCH_PAGES
        {
            self.name_batch()?;
        }
        Ok(())
    }

    /// Copies what is not cut yet, so that many short buffers go back to the ring.
    fn copy_carry(&mut self, undecided: u64) {
        for (start, buffer) in &mut self.carry {
            let skip = undecided.saturating_sub(*start);
            let from = usize::try_from(skip).map_or(buffer.len(), |skip| skip.min(buffer.len()));
            *buffer = Bytes::copy_from_slice(&buffer[from..]);
            *start += from as u64;
        }
    }

    /// Finds the bytes of a cut in the buffers.
    fn stretch(&mut self, cut: Cut) -> Stretch {
        let range = self.cut..self.cut + cut.len_bytes;
        self.cut = range.end;
        if cut.piece == CutPiece::Zero {
            return Stretch::Zero(cut.len_bytes);
        }
        let parts = self.carry.iter().filter_map(|(start, buffer)| {
            let from = range.start.max(*start);
            let to = range.end.min(start + buffer.len() as u64);
            let place = |at: u64| usize::try_from(at - start).ok();
            if from >= to {
                return None;
            }
            Some(buffer.slice(place(from)?..place(to)?))
        });
        Stretch::Data {
            parts: parts.collect(),
            len_bytes: cut.len_bytes,
        }
    }

    /// Stores what is new of some stretches and hands their pieces to the tree.
    fn store(&mut self, stretches: &[Stretch]) -> Result<()> {
        let mut data = Vec::new();
        for stretch in stretches {
            let Stretch::Data { parts, len_bytes } = stretch else {
                continue;
            };
            let slices: Vec<&[u8]> = parts.iter().map(|part| &**part).collect();
            let held: u64 = slices.iter().map(|slice| slice.len() as u64).sum();
            if held != *len_bytes {
                let message = format!("a cut of {len_bytes} bytes has {held} bytes at hand");
                return Err(Error::new(ErrorCode::Internal, message));
            }
            data.push(Candidate {
                id: chunk_id(&slices),
                parts: slices,
                len_bytes: *len_bytes,
            });
        }
        let mut contents = self.settle(data)?.into_iter();
        for stretch in stretches {
            let piece = match stretch {
                Stretch::Zero(len_bytes) => Piece {
                    content: Content::Zero,
                    len_bytes: *len_bytes,
                },
                Stretch::Data { len_bytes, .. } => {
                    let content = contents.next().expect("one for each stretch of data");
                    Piece {
                        content,
                        len_bytes: *len_bytes,
                    }
                }
            };
            let pages = &mut self.pages;
            if let Some(builder) = &mut self.builder {
                builder.push(piece, &mut |page| pages.push(page));
            }
        }
        Ok(())
    }

    /// Ends the stream: the last batch is durable in packs when this returns, but not yet named.
    pub(crate) fn finish(mut self) -> Result<Stored> {
        let mut cuts = Vec::new();
        if let Some(cutter) = self.cutter.take() {
            cutter.finish(&mut |cut| cuts.push(cut));
        }
        let root = match self.store_cuts(&cuts).and_then(|()| self.end_tree()) {
            Ok(root) => root,
            Err(error) => return Err(self.abandon(error)),
        };
        let batch = match self.prepare_batch(End::Of) {
            Ok(batch) => batch,
            Err(error) => return Err(self.abandon(error)),
        };
        let (root, len_bytes, zero_bytes) = root;
        Ok(Stored {
            root,
            len_bytes,
            zero_bytes,
            tally: self.tally,
            storer: self,
            batch,
        })
    }

    fn end_tree(&mut self) -> Result<(ChunkKey, u64, u64)> {
        let ended = || Error::new(ErrorCode::Internal, "the tree was ended already");
        let builder = self.builder.take().ok_or_else(ended)?;
        let (len_bytes, zero_bytes) = (builder.len_bytes(), builder.zero_bytes());
        let pages = &mut self.pages;
        let root = builder.finish(&mut |page| pages.push(page));
        Ok((
            self.target.key(ChunkKind::Page, root),
            len_bytes,
            zero_bytes,
        ))
    }

    /// Ends a failed upload on the side of packs and returns why it failed.
    pub(crate) fn abandon(mut self, why: Error) -> Error {
        self.let_go_of_pack();
        why
    }
}

impl Drop for Storer {
    fn drop(&mut self) {
        self.let_go_of_pack();
    }
}

impl Stored {
    /// Names the last batch; the upload holds the root afterwards.
    pub(crate) fn name(&self, put: &mut dyn Put) -> Result<()> {
        self.storer.name(put, &self.batch)
    }

    /// Ends the upload after its names are durable.
    pub(crate) fn done(mut self) {
        let Tally {
            new_bytes,
            shared_bytes,
        } = self.tally;
        tracing::debug!(root = %self.root.id, new_bytes, shared_bytes, "an upload is stored");
        self.storer.forget_named(&self.batch);
        self.storer.let_go_of_pack();
    }

    /// Ends the upload whose names were refused, and returns why.
    pub(crate) fn abandon(self, why: Error) -> Error {
        self.storer.abandon(why)
    }
}

impl Work for Storer {
    fn take(&mut self, buffer: &Frozen) -> Result<()> {
        self.feed(buffer)
    }

    fn zeros(&mut self, len_bytes: u64) -> Result<()> {
        self.feed_zeros(len_bytes)
    }
}

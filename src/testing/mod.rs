//! Doors for tests, benches and fuzz targets. Not part of the API: anything here may change.

pub mod disks;
mod fill;
mod image;
mod packs;
mod patch;

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use crate::chunk::{Cut, Cutter, CutterKind, Piece};
use crate::disk::Disk;
use crate::engine::Engine;
use crate::error::Result;
use crate::hash::{Algorithm, Digest, Hasher, chunk_id};
use crate::index::rows::PackFate;
use crate::index::{Durability, Kv, KvOptions, Order, RedbKv, Table, names, places};
use crate::ingest::{Frozen, Gang, Lane, Pool, Ring, Work};
use crate::limits::CHUNK_AVG_BYTES;
use crate::manifest;

pub use fill::{MadeImage, put_images};
pub use image::store_image;
pub use packs::{
    NewSegment, PackChunk, PackSegment, check_pack, make_pack, mend_pack_sums, pack_segments,
};
pub use patch::{apply_patch, check_record, image_with, make_image};

/// Decodes any stored record and asserts that decode, encode and decode agree; returns whether the
/// bytes are a record.
///
/// # Panics
/// When they don't agree, which is what a fuzz target looks for.
pub fn decode_record(bytes: &[u8]) -> bool {
    crate::index::decode_and_compare(bytes)
}

/// Decodes any bytes as a page of a manifest and asserts that decode and encode agree, and that
/// the piece that holds a byte is the one that counting finds; returns whether the bytes are a page.
///
/// # Panics
/// When they don't agree, which is what a fuzz target looks for.
pub fn decode_page(bytes: &[u8], offsets: &[u64]) -> bool {
    manifest::decode_and_compare(bytes, offsets)
}

/// Cuts a stream of slices, and says for each piece whether it is data, and its length.
pub fn cut(kind: CutterKind, slices: &[&[u8]], emit: &mut dyn FnMut(bool, u64)) {
    let mut cutter = Cutter::new(kind);
    let emit = &mut |cut: Cut| emit(cut.piece == Piece::Data, cut.len_bytes);
    slices.iter().for_each(|slice| cutter.feed(slice, emit));
    cutter.finish(emit);
}

/// Returns the identity of a chunk.
pub fn identity(bytes: &[u8]) -> [u8; 32] {
    *chunk_id(&[bytes]).as_bytes()
}

/// As many as an upload has.
const RING_BUFFERS: usize = 12;

/// The lane machinery of an engine, without the engine.
#[derive(Debug)]
pub struct Lanes(Pool, Arc<Gang<Hasher>>);

impl Lanes {
    /// Makes it with the threads that an engine would have.
    #[expect(clippy::new_without_default, reason = "a door, not an interface")]
    pub fn new() -> Self {
        Self(Pool::new(), Arc::new(Gang::of_digests()))
    }

    /// Feeds one upload to a lane for each algorithm and one for identities of fixed 64 KiB;
    /// returns the digests and how many identities there were.
    ///
    /// # Errors
    /// Those of the lanes.
    pub fn digest(&self, algorithms: &[Algorithm], bytes: &[u8]) -> Result<(Vec<Digest>, u64)> {
        let (ring, _active) = (Ring::new(RING_BUFFERS), self.0.enter());
        let lanes: Vec<_> = algorithms
            .iter()
            .map(|&algorithm| Lane::digest(algorithm, &self.0, &self.1))
            .collect();
        let identities = Lane::new("identity", &self.0, Identities(0));
        let mut rest = bytes;
        while !rest.is_empty() {
            let mut buffer = ring.take();
            rest = &rest[buffer.fill(rest)..];
            let buffer = buffer.freeze();
            lanes
                .iter()
                .try_for_each(|lane| lane.push(buffer.clone()))?;
            identities.push(buffer)?;
        }
        let digests: Result<_> = lanes
            .into_iter()
            .map(|l| Ok(l.finish()?.finish()))
            .collect();
        Ok((digests?, identities.finish()?.0))
    }
}

struct Identities(u64);

impl Work for Identities {
    fn take(&mut self, buffer: &Frozen) -> Result<()> {
        for chunk in buffer.chunks(CHUNK_AVG_BYTES) {
            std::hint::black_box(chunk_id(&[chunk]));
            self.0 += 1;
        }
        Ok(())
    }

    fn zeros(&mut self, _len_bytes: u64) -> Result<()> {
        Ok(())
    }
}

/// The ordered byte map under the index, with its default settings.
#[derive(Debug)]
pub struct ByteMap(RedbKv);

impl ByteMap {
    /// Opens the map of a disk, and makes it if there is none.
    pub fn open(disk: Arc<dyn Disk>) -> Result<Self> {
        RedbKv::open(disk, KvOptions::default(), &mut |_, _| {}).map(Self)
    }

    /// Sets the value of a key; durable on return.
    pub fn put_durably(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.0
            .write(Durability::Now, |txn| txn.put(Table::Images, key, value))
    }

    /// Sets the values of keys in one transaction that becomes durable with the next.
    pub fn put_all(&self, pairs: &[(Vec<u8>, Vec<u8>)]) -> Result<()> {
        self.0.write(Durability::Later, |txn| {
            let mut pairs = pairs.iter();
            pairs.try_for_each(|(key, value)| txn.put(Table::Images, key, value))
        })
    }

    /// Returns the length of a value.
    pub fn value_len(&self, key: &[u8]) -> Result<Option<usize>> {
        self.0.read(|view| {
            let mut len = None;
            view.get(Table::Images, key, &mut |value| len = Some(value.len()))?;
            Ok(len)
        })
    }

    /// Makes the index durable up to now.
    pub fn checkpoint(&self) -> Result<()> {
        self.0.checkpoint()
    }
}

/// A cutter that is fed as the bytes come.
#[derive(Debug)]
pub struct StreamCutter(Cutter);

impl StreamCutter {
    /// Makes it for a new stream.
    pub fn new(kind: CutterKind) -> Self {
        Self(Cutter::new(kind))
    }

    /// Takes the next bytes, and says for each piece that is certain whether it is data, and its
    /// length.
    pub fn feed(&mut self, slice: &[u8], emit: &mut dyn FnMut(bool, u64)) {
        let emit = &mut |cut: Cut| emit(cut.piece == Piece::Data, cut.len_bytes);
        self.0.feed(slice, emit);
    }

    /// Ends the stream and says what is left.
    pub fn finish(self, emit: &mut dyn FnMut(bool, u64)) {
        let emit = &mut |cut: Cut| emit(cut.piece == Piece::Data, cut.len_bytes);
        self.0.finish(emit);
    }
}

/// Returns the checksum of records, format file and log entries.
pub fn sum(seed: u64, bytes: &[u8]) -> u64 {
    crate::sum::sum64(seed, bytes)
}

/// Keys and values of tables, by the number of the table.
pub type Rows = BTreeMap<(u8, Vec<u8>), Vec<u8>>;

/// A pack as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a door for tests")]
pub struct PackSeen {
    /// Number of its store: 0 is the directory of the engine.
    pub store: u16,
    /// Name of its file, below the directory of packs.
    pub file: String,
    /// Length that the index knows.
    pub len_bytes: u64,
    /// Whether it may grow.
    pub is_open: bool,
    /// Whether it is to be unlinked.
    pub is_dead: bool,
}

/// Returns all rows of some tables: those of the names, or all.
///
/// # Errors
/// As reading the index.
pub fn rows(engine: &Engine, all: bool) -> Result<Rows> {
    let tables: &[Table] = if all { &Table::ALL } else { &Table::NAMES };
    let mut rows = Rows::new();
    engine.inner.base.kv.read(|get| {
        rows.clear();
        for &table in tables {
            let (from, to) = (Bound::Unbounded, Bound::Unbounded);
            get.scan(table, from, to, Order::Ascending, &mut |key, value| {
                rows.insert((table as u8, key.to_vec()), value.to_vec());
                ControlFlow::Continue(())
            })?;
        }
        Ok(())
    })?;
    Ok(rows)
}

/// Returns the rows of the names as snapshot and log hold them, without the index.
///
/// # Errors
/// `Corrupt` where they don't.
pub fn restored_names(disk: &Arc<dyn Disk>) -> Result<Rows> {
    let mut rows = Rows::new();
    names::restore(disk, &mut |table, key, value| {
        rows.insert((table as u8, key.to_vec()), value.to_vec());
        Ok(())
    })?;
    Ok(rows)
}

/// Returns the packs that the index knows.
///
/// # Errors
/// As reading the index.
pub fn packs(engine: &Engine) -> Result<Vec<PackSeen>> {
    let packs = engine.inner.base.kv.read(|get| places::packs(get))?;
    let seen = packs.into_iter().map(|(store, pack, row)| PackSeen {
        store,
        file: format!("{pack}.pack"),
        len_bytes: row.len_bytes,
        is_open: row.fate == PackFate::Open,
        is_dead: row.fate == PackFate::Dead,
    });
    Ok(seen.collect())
}

/// Returns the ids of all images and of all deleted ones.
pub fn ids(rows: &Rows) -> (Vec<[u8; 16]>, Vec<[u8; 16]>) {
    let of = |table: Table| {
        let keys = rows
            .keys()
            .filter(move |(number, _)| *number == table as u8);
        keys.filter_map(|(_, key)| key.as_slice().try_into().ok())
            .collect()
    };
    (of(Table::Images), of(Table::Tombstones))
}

/// Returns the ids of all images for which data is staged.
pub fn staged_ids(rows: &Rows) -> Vec<[u8; 16]> {
    let staged = rows.keys().filter(|(t, _)| *t == Table::Staged as u8);
    let ids = staged.filter_map(|(_, key)| key.as_slice().try_into().ok());
    ids.collect()
}

/// Returns how many uploads the index believes to run.
pub fn running_uploads(rows: &Rows) -> usize {
    let sessions = rows
        .keys()
        .filter(|(table, _)| *table == Table::Sessions as u8);
    sessions.count()
}

/// Returns how many rows the index has of chunks, packs, uploads and references.
pub fn byte_rows(rows: &Rows) -> usize {
    let names = Table::NAMES.map(|table| table as u8);
    let of_bytes = rows.keys().filter(|(table, _)| !names.contains(table));
    of_bytes.count()
}

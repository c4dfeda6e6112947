//! Making a lost index anew: places from packs, names from their snapshot and the log.

use serde::Serialize;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::chunk::{Pack, Place, Proved, Segment, Verify, salvage_pack};
use crate::clock::Timestamp;
use crate::disk::Disk;
use crate::error::{Error, ErrorCode, ErrorKind, Result};
use crate::id::{ChunkKey, ChunkKind, PackId};
use crate::image::{Image, Status};
use crate::index::places::{self, Counter, LiveChanges};
use crate::index::refs::child_key;
use crate::index::rows::{ChunkRow, PackFate, PackRow};
use crate::index::{KvOptions, Put, RedbKv, Table, images, stores};
use crate::limits::BLOCK_LEN_BYTES;
use crate::manifest::{Piece, decode};
use crate::store::{PackSource, PackState, Store};

/// What was found when an index was made anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RebuildReport {
    /// Packs read.
    pub pack_count: u64,
    /// Chunks and manifest pages found, each counted once.
    pub chunk_count: u64,
    /// Images found among the names.
    pub image_count: u64,
    /// Uploads that were running; their images are queued again.
    pub upload_count: u64,
    /// What could not be brought back: damaged packs, and images whose manifests are missing.
    pub lost: Vec<String>,
}

/// Makes the index of a disk anew, as a whole or not at all.
pub(crate) fn rebuild(
    disk: &Arc<dyn Disk>,
    options: KvOptions,
    (own, named): (&Arc<dyn Store>, &[(String, Arc<dyn Store>)]),
    now: Timestamp,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(RedbKv, RebuildReport)> {
    let mut report = RebuildReport::default();
    let kv = RedbKv::rebuild(Arc::clone(disk), options, &mut |put| {
        report = RebuildReport::default();
        let mut stores = BTreeMap::from([(stores::OWN, Arc::clone(own))]);
        for (name, number) in stores::all(put)? {
            let given = named.iter().find(|(known, _)| *known == name);
            match given {
                Some((_, store)) => drop(stores.insert(number, Arc::clone(store))),
                None => {
                    let message = format!("store {name} is not given, and its packs are needed");
                    return Err(Error::new(ErrorCode::InvalidSettings, message));
                }
            }
        }
        let mut work = Rebuild {
            put,
            stores,
            report: &mut report,
            now,
            packs: Vec::new(),
            places: HashMap::new(),
            copies: HashMap::new(),
            refs: HashMap::new(),
            lost_pages: HashSet::new(),
            unread: false,
        };
        work.packs(progress)?;
        work.images()?;
        work.rows()
    })?;
    Ok((kv, report))
}

/// Where a copy of a chunk lies.
#[derive(Debug, Clone, Copy)]
struct At {
    store: u16,
    pack: PackId,
    place: Place,
}

struct Rebuild<'a> {
    put: &'a mut dyn Put,
    stores: BTreeMap<u16, Arc<dyn Store>>,
    report: &'a mut RebuildReport,
    now: Timestamp,
    packs: Vec<Known>,
    /// Everything found in packs, garbage included.
    places: HashMap<ChunkKey, At>,
    /// Further copies of chunks that lie in packs more than once, in the order of `places`.
    copies: HashMap<ChunkKey, Vec<At>>,
    /// What images hold, and how many references hold it.
    refs: HashMap<ChunkKey, u64>,
    /// Pages of these that no pack gives; what they name is not held by them.
    lost_pages: HashSet<ChunkKey>,
    /// Whether the medium failed to give something: it may give it another time.
    unread: bool,
}

/// A pack that was read.
struct Known {
    store: u16,
    pack: PackId,
    /// The row that it gets.
    row: PackRow,
    /// Ranges whose descriptors are damaged.
    skipped: Vec<Range<u64>>,
    /// Bytes behind the last whole segment of an unsealed pack: never acknowledged, or damaged.
    tail: Range<u64>,
}

impl Rebuild<'_> {
    /// Finds out what lies in packs; nothing is referred to yet.
    fn packs(&mut self, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        let mut all = Vec::new();
        for (number, store) in &self.stores {
            all.extend(store.list()?.into_iter().map(|pack| (*number, pack)));
        }
        let total = all.len() as u64;
        let mut next_pack = places::counter(self.put, Counter::NextPack)?;
        for (done, (store, pack)) in all.into_iter().enumerate() {
            progress(done as u64, total);
            next_pack = next_pack.max(pack.0.saturating_add(1));
            self.pack(store, pack)?;
        }
        progress(total, total);
        self.report.chunk_count = self.places.len() as u64;
        places::set_counter(self.put, Counter::NextPack, next_pack)
    }

    fn open(&self, store: u16, pack: PackId) -> Result<Arc<dyn PackSource>> {
        let place = self.stores.get(&store).ok_or_else(|| {
            let message = format!("store {store} is named by no name");
            Error::corrupt(message)
        })?;
        place.open(pack, PackState::Open)
    }

    fn pack(&mut self, store: u16, pack: PackId) -> Result<()> {
        self.report.pack_count += 1;
        let source = self.open(store, pack)?;
        let mut row = PackRow::new(PackFate::Sealed, self.now.as_micros());
        row.len_bytes = source.len_bytes()?;
        let salvage = match salvage_pack(&*source, pack) {
            Ok(salvage) => salvage,
            Err(error) if error.is_unreadable() => {
                if row.len_bytes > BLOCK_LEN_BYTES as u64 {
                    let what = format!("pack {pack}: {error}; its file is left as it is");
                    self.report.lost.push(what);
                } else {
                    // A file without room for a segment: collection removes it.
                    self.known((store, pack), row, Vec::new(), 0..0);
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let mut tail = 0..0;
        if !salvage.sealed && salvage.skipped.is_empty() {
            tail = salvage.end..row.len_bytes;
            (row.fate, row.len_bytes) = (PackFate::Open, salvage.end);
        }
        for segment in &salvage.segments {
            row.chunk_bytes += self.segment(store, pack, segment);
        }
        self.known((store, pack), row, salvage.skipped, tail);
        Ok(())
    }

    fn known(
        &mut self,
        (store, pack): (u16, PackId),
        row: PackRow,
        skipped: Vec<Range<u64>>,
        tail: Range<u64>,
    ) {
        self.packs.push(Known {
            store,
            pack,
            row,
            skipped,
            tail,
        });
    }

    /// Remembers where chunks lie; returns their bytes.
    fn segment(&mut self, store: u16, pack: PackId, segment: &Segment) -> u64 {
        let mut chunk_bytes = 0;
        for (offset, entry) in segment.places() {
            let len_bytes = entry.len_bytes;
            chunk_bytes += u64::from(len_bytes);
            let key = ChunkKey {
                store,
                domain: segment.domain,
                kind: entry.kind,
                id: entry.id,
            };
            let place = Place { offset, len_bytes };
            let at = At { store, pack, place };
            match self.places.entry(key) {
                Entry::Occupied(_) => self.copies.entry(key).or_default().push(at),
                Entry::Vacant(none) => drop(none.insert(at)),
            }
        }
        chunk_bytes
    }

    /// Takes back uploads that were running, and walks from each image to all that it holds.
    fn images(&mut self) -> Result<()> {
        let all = places::collect(self.put, Table::Images, usize::MAX, &mut |_, value| {
            images::decode(value).map(|(_, image)| image)
        })?;
        for mut image in all {
            self.report.image_count += 1;
            if image.status() == Status::Saving {
                self.report.upload_count += 1;
                image.back_to_queued(self.now)?;
            }
            images::restore(self.put, &image)?;
            self.reach(&image)?;
        }
        Ok(())
    }

    /// Counts the references of an image, and those of pages that no image before has reached.
    fn reach(&mut self, image: &Image) -> Result<()> {
        for root in image.copies().map(images::root_key) {
            self.reach_copy(image, root)?;
        }
        Ok(())
    }

    fn reach_copy(&mut self, image: &Image, root: ChunkKey) -> Result<()> {
        if !self.places.contains_key(&root) {
            let (id, root) = (image.id(), root.id);
            let what = format!("image {id}: its manifest {root} is in no pack");
            self.report.lost.push(what);
        }
        let mut pages = Vec::new();
        self.refer(root, &mut pages);
        while let Some(page) = pages.pop() {
            match self.children(&page)? {
                Ok(children) => children
                    .into_iter()
                    .for_each(|child| self.refer(child, &mut pages)),
                Err(error) => {
                    let what = format!("manifest page {}: {error}", page.id);
                    self.report.lost.push(what);
                    self.lost_pages.insert(page);
                }
            }
        }
        Ok(())
    }

    /// Counts a reference; a page that is met for the first time is to be read.
    fn refer(&mut self, key: ChunkKey, pages: &mut Vec<ChunkKey>) {
        let count = self.refs.entry(key).or_insert(0);
        *count += 1;
        if *count == 1 && key.kind == ChunkKind::Page {
            pages.push(key);
        }
    }

    /// Returns what a page names, as often as it names it; nothing where it is in no pack.
    ///
    /// The inner error is about bytes that cannot be read.
    fn children(&mut self, key: &ChunkKey) -> Result<Result<Vec<ChunkKey>>> {
        let Some(at) = self.choose(key)? else {
            return Ok(Ok(Vec::new()));
        };
        let page = self.read(key, at)?.and_then(|bytes| decode(&bytes));
        Ok(page.map(|page| {
            let children = page.pieces();
            let key = |piece: Piece| child_key(key, page.level(), piece.content);
            children.filter_map(key).collect()
        }))
    }

    /// Returns where a chunk lies: of several copies the newest one that proves to be whole, or
    /// the newest one if none does.
    fn choose(&mut self, key: &ChunkKey) -> Result<Option<At>> {
        let Some(oldest) = self.places.get(key).copied() else {
            return Ok(None);
        };
        let Some(newer) = self.copies.remove(key) else {
            return Ok(Some(oldest));
        };
        let mut chosen = newer.last().copied().unwrap_or(oldest);
        for at in newer.into_iter().rev().chain([oldest]) {
            if self.read(key, at)?.is_ok() {
                chosen = at;
                break;
            }
        }
        self.places.insert(*key, chosen);
        Ok(Some(chosen))
    }

    /// Reads a copy of a chunk, and proves it. The inner error is about bytes that cannot be read.
    fn read(&mut self, key: &ChunkKey, at: At) -> Result<Result<Bytes>> {
        let source = self.open(at.store, at.pack)?;
        let pack = Pack::new(at.pack, PackState::Open, source, Arc::<Proved>::default())?;
        match pack.chunk_copied(at.place, &key.id, Verify::Always) {
            Err(error) if !error.is_unreadable() => Err(error),
            read => {
                let failed = |error: &Error| error.kind() != ErrorKind::Corrupt;
                self.unread |= read.as_ref().is_err_and(failed);
                Ok(read)
            }
        }
    }

    /// Makes rows of packs, and of the chunks that images hold. What no image holds has no row: it
    /// is garbage of its pack, like what an upload wrote and never named.
    fn rows(&mut self) -> Result<()> {
        let (mut live, mut named) = (LiveChanges::default(), HashSet::new());
        let mut held: Vec<_> = std::mem::take(&mut self.refs).into_iter().collect();
        held.sort_unstable_by_key(|(key, _)| key.to_bytes());
        for (key, refs) in held {
            let row = self.row(&key, refs)?;
            places::put_chunk(self.put, &key, None, &row)?;
            live.add(&key, &row);
            named.insert((key.store, PackId(row.pack)));
        }
        let in_doubt = !self.report.lost.is_empty();
        for known in std::mem::take(&mut self.packs) {
            let is_named = named.contains(&(known.store, known.pack));
            self.pack_row(known, is_named, in_doubt)?;
        }
        live.write(self.put)
    }

    /// Returns the row of a chunk that is referred to.
    fn row(&mut self, key: &ChunkKey, refs: u64) -> Result<ChunkRow> {
        if self.lost_pages.contains(key) {
            return Ok(ChunkRow::lost(refs));
        }
        let Some(at) = self.choose(key)? else {
            let what = format!("{:?} {} is referred to and in no pack", key.kind, key.id);
            self.report.lost.push(what);
            return Ok(ChunkRow::lost(refs));
        };
        Ok(ChunkRow {
            pack: at.pack.0,
            offset: at.place.offset,
            len_bytes: at.place.len_bytes,
            refs,
        })
    }

    /// Makes the row of a pack. One without a row is not touched by collection: what is not
    /// understood in it may have been live.
    fn pack_row(&mut self, known: Known, is_named: bool, in_doubt: bool) -> Result<()> {
        let Known {
            store,
            pack,
            mut row,
            skipped,
            tail,
        } = known;
        let mut what = Vec::new();
        if !skipped.is_empty() {
            what.push(format!("damaged descriptors, skipped bytes {skipped:?}"));
        }
        if in_doubt && !tail.is_empty() {
            // Something is lost that may be here, so nothing is cut off or written over.
            what.push(format!("bytes {tail:?} behind its last whole segment"));
            (row.fate, row.len_bytes) = (PackFate::Sealed, tail.end);
        }
        let left = match is_named {
            true => "",
            false => "; its file is left as it is",
        };
        let lost = what.iter().map(|what| format!("pack {pack}: {what}{left}"));
        self.report.lost.extend(lost);
        if self.unread {
            // What was not read may come back, and what it names with it: nothing is copied away
            // from a pack, or unlinked, before everything that is known of it goes.
            row.chunk_bytes = 0;
        }
        if is_named || what.is_empty() && !self.unread {
            places::put_pack(self.put, store, pack, &row)?;
        }
        Ok(())
    }
}

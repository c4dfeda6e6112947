//! Making a lost index anew: places from packs, names from their snapshot and the log.

use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;

use crate::chunk::{Pack, Place, Proved, Verify, scan_pack};
use crate::clock::Timestamp;
use crate::disk::Disk;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChunkKey, ChunkKind, PackId};
use crate::image::{Image, Status};
use crate::index::places::{self, Counter, LiveChanges};
use crate::index::record::decode_image;
use crate::index::refs::child_key;
use crate::index::rows::{ChunkRow, PackFate, PackRow};
use crate::index::{KvOptions, Put, RedbKv, Table, images};
use crate::manifest::decode;
use crate::store::{PackState, Store};

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
    store: &Arc<dyn Store>,
    now: Timestamp,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(RedbKv, RebuildReport)> {
    let mut report = RebuildReport::default();
    let kv = RedbKv::rebuild(Arc::clone(disk), options, &mut |put| {
        report = RebuildReport::default();
        let mut work = Rebuild {
            put,
            store,
            report: &mut report,
            now,
        };
        work.packs(progress)?;
        work.pages()?;
        work.images()
    })?;
    Ok((kv, report))
}

struct Rebuild<'a> {
    put: &'a mut dyn Put,
    store: &'a Arc<dyn Store>,
    report: &'a mut RebuildReport,
    now: Timestamp,
}

/// The one local store.
const STORE: u16 = 0;

impl Rebuild<'_> {
    /// Makes rows of packs and of the chunks in them; nothing is referred to yet.
    fn packs(&mut self, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        let all = self.store.list()?;
        let total = all.len() as u64;
        let mut next_pack = places::counter(self.put, Counter::NextPack)?;
        for (done, pack) in all.into_iter().enumerate() {
            progress(done as u64, total);
            next_pack = next_pack.max(pack.0.saturating_add(1));
            match self.pack(pack) {
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    self.report.lost.push(error.message().to_owned());
                }
                done => done?,
            }
        }
        progress(total, total);
        places::set_counter(self.put, Counter::NextPack, next_pack)
    }

    fn pack(&mut self, pack: PackId) -> Result<()> {
        self.report.pack_count += 1;
        let source = self.store.open(pack, PackState::Open)?;
        let mut row = PackRow::new(PackFate::Sealed, self.now.as_micros());
        row.len_bytes = source.len_bytes()?;
        // Made first: a pack that cannot be read is still known, and collection removes it.
        places::put_pack(self.put, STORE, pack, &row)?;
        let mut segments = Vec::new();
        let (end, sealed) = scan_pack(&*source, pack, &mut |segment| {
            segments.push(segment);
            Ok(())
        })?;
        if !sealed {
            (row.fate, row.len_bytes) = (PackFate::Open, end);
        }
        let mut live = LiveChanges::default();
        for segment in &segments {
            for (offset, entry) in segment.places() {
                row.chunk_bytes += u64::from(entry.len_bytes);
                let (domain, kind, id) = (segment.domain, entry.kind, entry.id);
                let key = ChunkKey {
                    store: STORE,
                    domain,
                    kind,
                    id,
                };
                if places::chunk(self.put, &key)?.is_some() {
                    continue;
                }
                let (pack, len_bytes) = (pack.0, entry.len_bytes);
                let chunk = ChunkRow {
                    pack,
                    offset,
                    len_bytes,
                    refs: 0,
                };
                places::put_chunk(self.put, &key, None, &chunk)?;
                live.add(&key, &chunk);
                self.report.chunk_count += 1;
            }
        }
        places::put_pack(self.put, STORE, pack, &row)?;
        live.write(self.put)
    }

    /// Counts what pages refer to.
    fn pages(&mut self) -> Result<()> {
        let keys = places::collect(self.put, Table::Chunks, usize::MAX, &mut |key, _| {
            places::chunk_key(Table::Chunks, key)
        })?;
        let mut refs: HashMap<ChunkKey, u64> = HashMap::new();
        for key in keys.into_iter().filter(|key| key.kind == ChunkKind::Page) {
            match self.children(&key) {
                Ok(children) => children.for_each(|child| *refs.entry(child).or_insert(0) += 1),
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    self.report
                        .lost
                        .push(format!("manifest page {}: {error}", key.id));
                }
                Err(error) => return Err(error),
            }
        }
        for (key, count) in refs {
            self.refer(&key, count)?;
        }
        Ok(())
    }

    fn children(&self, key: &ChunkKey) -> Result<impl Iterator<Item = ChunkKey> + use<>> {
        let row = places::chunk(self.put, key)?;
        let row = row.ok_or_else(|| Error::corrupt("its row has vanished"))?;
        let pack = PackId(row.pack);
        let source = self.store.open(pack, PackState::Open)?;
        let pack = Pack::new(pack, PackState::Open, source, Arc::<Proved>::default())?;
        let place = Place {
            offset: row.offset,
            len_bytes: row.len_bytes,
        };
        let page = decode(&pack.chunk_copied(place, &key.id, Verify::Always)?)?;
        let (key, level) = (*key, page.level());
        let pieces: Vec<_> = page.pieces().collect();
        Ok(pieces
            .into_iter()
            .filter_map(move |piece| child_key(&key, level, piece.content)))
    }

    fn refer(&mut self, key: &ChunkKey, count: u64) -> Result<()> {
        let Some(before) = places::chunk(self.put, key)? else {
            let what = format!("{:?} {} is referred to and in no pack", key.kind, key.id);
            self.report.lost.push(what);
            return Ok(());
        };
        let row = ChunkRow {
            refs: before.refs + count,
            ..before
        };
        places::put_chunk(self.put, key, Some(&before), &row)
    }

    /// Lets images refer to their manifests, and takes back uploads that were running.
    fn images(&mut self) -> Result<()> {
        let all = places::collect(self.put, Table::Images, usize::MAX, &mut |_, value| {
            decode_image(value)
        })?;
        for mut image in all {
            self.report.image_count += 1;
            if image.status() == Status::Saving {
                self.report.upload_count += 1;
                image.back_to_queued(self.now)?;
                images::put(self.put, &image)?;
            }
            self.root(&image)?;
        }
        Ok(())
    }

    fn root(&mut self, image: &Image) -> Result<()> {
        let Some(root) = image.data().map(images::root_key) else {
            return Ok(());
        };
        if places::chunk(self.put, &root)?.is_none() {
            let what = format!(
                "image {}: its manifest {} is in no pack",
                image.id(),
                root.id
            );
            self.report.lost.push(what);
            return Ok(());
        }
        self.refer(&root, 1)
    }
}

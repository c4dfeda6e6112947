//! Reading every byte of every pack, from the medium where the disk can be told so.

use std::collections::{HashMap, HashSet};

use super::{Damage, VerifyProgress, VerifyReport, counts, image};
use crate::base::Base;
use crate::chunk::{Segment, check_segment, salvage_pack, walk_back};
use crate::error::{ErrorKind, Result};
use crate::id::{ChunkKey, PackId};
use crate::index::rows::{PackFate, PackRow};
use crate::index::{Kv, places};
use crate::store::{PackSource, PackState};

/// Checks packs, rows, counts and images.
pub(crate) fn check_all(
    base: &Base,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<VerifyReport> {
    let rows = base.kv.read(|get| places::packs(get))?;
    let live = |row: &PackRow| row.fate != PackFate::Dead && row.len_bytes > 0;
    let rows: Vec<_> = rows.into_iter().filter(|(.., row)| live(row)).collect();
    let total_bytes = rows.iter().map(|(.., row)| row.len_bytes).sum();
    let mut check = Check {
        base,
        report: VerifyReport::default(),
        bad: HashMap::new(),
        met: HashSet::new(),
        unmet: HashMap::new(),
    };
    let mut done_bytes = 0;
    for (store, pack, row) in rows {
        progress(VerifyProgress {
            done_bytes,
            total_bytes,
        });
        check.pack(store, pack, &row)?;
        done_bytes += row.len_bytes;
    }
    progress(VerifyProgress {
        done_bytes,
        total_bytes,
    });
    check.miss()?;
    let Check {
        mut report,
        mut bad,
        ..
    } = check;
    counts::check(base, &mut report, &mut bad)?;
    image::trace(base, &bad, &mut report)?;
    Ok(report)
}

/// Chunks that rows name and that cannot be read, with the index of the damage that is to name
/// their images, where it names no chunk.
pub(super) type Bad = HashMap<ChunkKey, Option<usize>>;

struct Check<'a> {
    base: &'a Base,
    report: VerifyReport,
    bad: Bad,
    /// Offsets of the chunks that were met in the pack that is read.
    met: HashSet<u64>,
    /// Packs in which chunks may be missing: what was met in them, and the index of the damage.
    unmet: HashMap<(u16, PackId), (HashSet<u64>, usize)>,
}

impl Check<'_> {
    fn pack(&mut self, store: u16, pack: PackId, row: &PackRow) -> Result<()> {
        self.met.clear();
        let before = self.report.damage.len();
        self.read(store, pack, row)?;
        // Damage of a chunk or of padding stands at its place; that of the pack names no chunk.
        let of_pack = |damage: &Damage| damage.chunk.is_none();
        let new = &self.report.damage[before..];
        if let Some(index) = new.iter().position(of_pack) {
            let met = std::mem::take(&mut self.met);
            self.unmet.insert((store, pack), (met, before + index));
        }
        Ok(())
    }

    /// Adds to `bad` what rows name in damaged packs and was not met there.
    fn miss(&mut self) -> Result<()> {
        if self.unmet.is_empty() {
            return Ok(());
        }
        let Self {
            base, bad, unmet, ..
        } = self;
        base.kv.read(|get| {
            counts::each_chunk(get, &mut |key, row| {
                if let Some((met, damage)) = unmet.get(&(key.store, PackId(row.pack)))
                    && !met.contains(&row.offset)
                {
                    bad.insert(key, Some(*damage));
                }
                Ok(())
            })
        })
    }

    fn read(&mut self, store: u16, pack: PackId, row: &PackRow) -> Result<()> {
        self.report.pack_count += 1;
        let opened = self.base.packs.store(store);
        let source = match opened.and_then(|store| store.open(pack, PackState::Open)) {
            Ok(source) => source,
            Err(error)
                if error.kind() == ErrorKind::NotFound || !self.base.packs.has_store(store) =>
            {
                self.report
                    .damage
                    .push(Damage::of_pack(pack, None, error.message()));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let len = source.len_bytes()?;
        let sealed = row.fate == PackFate::Sealed;
        if len < row.len_bytes || sealed && len != row.len_bytes {
            let what = format!(
                "pack {pack} is {len} bytes, the index knows {}",
                row.len_bytes
            );
            self.report.damage.push(Damage::of_pack(pack, len, what));
        }
        let end = (!sealed).then_some(row.len_bytes);
        let walked = walk_back(&*source, pack, end, &mut |segment| {
            self.segment(store, pack, &*source, &segment)
        });
        match walked {
            Err(error) if error.is_unreadable() => {
                self.report
                    .damage
                    .push(Damage::of_pack(pack, None, error.message()));
            }
            done => return done,
        }
        // What lies before the damage is read as well.
        let salvage = match salvage_pack(&*source, pack) {
            Ok(salvage) => salvage,
            Err(error) if error.is_unreadable() => return Ok(()),
            Err(error) => return Err(error),
        };
        for segment in &salvage.segments {
            if segment.end <= row.len_bytes && !self.met.contains(&segment.start) {
                self.segment(store, pack, &*source, segment)?;
            }
        }
        Ok(())
    }

    fn segment(
        &mut self,
        store: u16,
        pack: PackId,
        source: &dyn PackSource,
        segment: &Segment,
    ) -> Result<()> {
        source.forget(segment.start..segment.end);
        self.met.extend(segment.places().map(|(offset, _)| offset));
        let domain = segment.domain;
        check_segment(source, segment, &mut |offset, entry, what| match what {
            None => {
                self.report.chunk_count += 1;
                self.report.chunk_bytes += u64::from(entry.map_or(0, |entry| entry.len_bytes));
            }
            Some(what) => {
                let message = format!("pack {pack}, offset {offset}: {what}");
                let mut damage = Damage::of_pack(pack, offset, message);
                if let Some(entry) = entry {
                    damage.chunk = Some(entry.id);
                    let key = ChunkKey {
                        store,
                        domain,
                        kind: entry.kind,
                        id: entry.id,
                    };
                    self.bad.insert(key, None);
                }
                self.report.damage.push(damage);
            }
        })
    }
}

//! Reading every byte of every pack, from the medium where the disk can be told so.

use std::collections::HashSet;

use super::{Damage, VerifyProgress, VerifyReport, counts, image};
use crate::base::Base;
use crate::chunk::{Segment, check_segment, walk_back};
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
        bad: HashSet::new(),
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
    let Check {
        mut report, bad, ..
    } = check;
    counts::check(base, &mut report)?;
    image::trace(base, &bad, &mut report)?;
    Ok(report)
}

struct Check<'a> {
    base: &'a Base,
    report: VerifyReport,
    /// Chunks that rows name and that cannot be read.
    bad: HashSet<ChunkKey>,
}

impl Check<'_> {
    fn pack(&mut self, store: u16, pack: PackId, row: &PackRow) -> Result<()> {
        self.report.pack_count += 1;
        let source = match self.base.packs.store(store)?.open(pack, PackState::Open) {
            Ok(source) => source,
            Err(error) if error.kind() == ErrorKind::NotFound => {
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
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                self.report
                    .damage
                    .push(Damage::of_pack(pack, None, error.message()));
                Ok(())
            }
            done => done,
        }
    }

    fn segment(
        &mut self,
        store: u16,
        pack: PackId,
        source: &dyn PackSource,
        segment: &Segment,
    ) -> Result<()> {
        source.forget(segment.start..segment.end);
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
                    self.bad.insert(ChunkKey {
                        store,
                        domain,
                        kind: entry.kind,
                        id: entry.id,
                    });
                }
                self.report.damage.push(damage);
            }
        })
    }
}

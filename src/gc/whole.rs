//! What becomes of whole packs: unlinked, sealed, or picked for a copy.

use super::GcOptions;
use super::compact::Ground;
use super::plan::is_worth_a_copy;
use super::run::GcReport;
use crate::base::Base;
use crate::error::{Error, Result};
use crate::id::PackId;
use crate::index::rows::{PackFate, PackRow};
use crate::index::{Durability, Kv, places};

/// Packs that one step unlinks at most.
const UNLINK_AT_ONCE: usize = 16;

/// A pack of a store.
pub(super) type PackOf = (u16, PackId);

/// What is to be done with packs, from one snapshot.
#[derive(Debug, Default)]
pub(super) struct Picked {
    /// Open ones that rest, are empty, or hold too much garbage.
    pub(super) seal: Vec<PackOf>,
    /// Sealed ones whose live chunks are to be copied.
    pub(super) copy: Vec<PackOf>,
}

/// Returns the packs that hold nothing live and may be unlinked.
pub(super) fn dead(base: &Base) -> Result<Vec<PackOf>> {
    let rows = base.kv.read(|get| places::packs(get))?;
    let mut dead = rows;
    dead.retain(|(store, _, row)| is_dead(row) && base.packs.has_store(*store));
    let dead = dead.into_iter();
    Ok(dead.map(|(store, pack, _)| (store, pack)).collect())
}

fn is_dead(row: &PackRow) -> bool {
    row.fate == PackFate::Dead || row.fate == PackFate::Sealed && row.live_chunks == 0
}

/// Unlinks some packs that hold nothing live and that no upload needs.
pub(super) fn unlink_some(
    base: &Base,
    dead: &mut Vec<PackOf>,
    report: &mut GcReport,
) -> Result<()> {
    let some = dead.split_off(dead.len().saturating_sub(UNLINK_AT_ONCE));
    let doomed = base.kv.write(Durability::Now, |put| {
        let mut doomed = Vec::new();
        for (store, pack) in &some {
            let Some(mut row) = places::pack(put, *store, *pack)? else {
                continue;
            };
            if row.fate == PackFate::Dead && row.live_chunks > 0 {
                let chunks = row.live_chunks;
                let what = format!("pack {pack} is dead and holds {chunks} live chunks");
                return Err(Error::corrupt(what));
            }
            if is_dead(&row) && !base.leases.is_pack_held(*store, *pack) {
                row.fate = PackFate::Dead;
                // Said again where it was said before: a name goes when this is durable.
                places::put_pack(put, *store, *pack, &row)?;
                doomed.push((*store, *pack, row.len_bytes));
            }
        }
        Ok(doomed)
    })?;
    for (store, pack, len_bytes) in doomed {
        // Handles go before, as a store may have to keep what somebody reads, and after, as one may
        // have been opened in between.
        base.packs.remove(store, pack);
        base.trust(base.packs.store(store)?.delete(pack))?;
        base.packs.remove(store, pack);
        base.kv.write(Durability::Later, |put| {
            places::delete_pack(put, store, pack)
        })?;
        report.unlinked_packs += 1;
        report.freed_bytes += len_bytes;
    }
    Ok(())
}

/// Picks the packs to be sealed and to be copied.
pub(super) fn pick(base: &Base, options: &GcOptions) -> Result<Picked> {
    let now_ms = base.now().as_micros() / 1000;
    let mut picked = Picked::default();
    for (store, pack, row) in base.kv.read(|get| places::packs(get))? {
        if base.leases.is_pack_held(store, pack) || !base.packs.has_store(store) {
            continue;
        }
        let garbage = is_worth_a_copy(&row, options);
        match row.fate {
            PackFate::Sealed if row.live_chunks > 0 && garbage => picked.copy.push((store, pack)),
            PackFate::Open => {
                let age_ms = now_ms.saturating_sub(row.written_at / 1000);
                let rests = u64::try_from(age_ms).is_ok_and(|age| age >= options.seal_after_ms);
                if row.live_chunks == 0 || garbage || rests {
                    picked.seal.push((store, pack));
                }
            }
            _ => {}
        }
    }
    Ok(picked)
}

/// Takes an open pack out of use: declared dead if it is empty, sealed if not. Tells whether it is
/// sealed now and worth a copy; an upload may use it, and then nothing is done.
pub(super) fn seal(
    ground: &Ground<'_>,
    (store, pack): PackOf,
    options: &GcOptions,
) -> Result<bool> {
    let Ground {
        base, open_packs, ..
    } = ground;
    let taken = open_packs.take(|w| (w.store(), w.pack()) == (store, pack));
    let Some(mut writer) = taken.into_iter().next() else {
        return Ok(false);
    };
    // Read again: an upload may have filled it since it was picked. Nobody can now.
    let named = writer.mark();
    let row = match base.kv.read(|get| places::known_pack(get, store, pack)) {
        Ok(row) => row,
        Err(error) => {
            open_packs.give_back(writer);
            return Err(error);
        }
    };
    if row.live_chunks == 0 {
        drop(writer);
        set_fate(base, (store, pack), PackFate::Dead, None)?;
        return Ok(false);
    }
    let len_bytes = match base.trust(writer.seal()) {
        Ok(len_bytes) => len_bytes,
        Err(error) => {
            open_packs.give_back_as_it_was(base, writer, named);
            return Err(error);
        }
    };
    set_fate(base, (store, pack), PackFate::Sealed, Some(len_bytes))?;
    base.packs.reopen(store, pack);
    Ok(is_worth_a_copy(&row, options))
}

fn set_fate(
    base: &Base,
    (store, pack): PackOf,
    fate: PackFate,
    len_bytes: Option<u64>,
) -> Result<()> {
    base.kv.write(Durability::Now, |put| {
        let mut row = places::known_pack(put, store, pack)?;
        row.fate = fate;
        row.len_bytes = len_bytes.unwrap_or(row.len_bytes);
        places::put_pack(put, store, pack, &row)
    })
}

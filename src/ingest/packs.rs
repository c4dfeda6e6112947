//! Open packs that running uploads borrow, so that a million small images don't make a million
//! files.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::base::Base;
use crate::chunk::{Mark, PackWriter};
use crate::error::{ErrorKind, Result};
use crate::id::PackId;
use crate::index::places::{self, Counter};
use crate::index::rows::{PackFate, PackRow};
use crate::index::{Durability, Kv};

/// Packs that are open and borrowed by nobody.
#[derive(Debug, Default)]
pub(crate) struct OpenPacks {
    idle: Mutex<Vec<PackWriter>>,
}

impl OpenPacks {
    fn idle(&self) -> MutexGuard<'_, Vec<PackWriter>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends an open pack of a store, the fullest one first, or makes one.
    pub(crate) fn borrow(&self, base: &Base, store: u16) -> Result<PackWriter> {
        let mut idle = self.idle();
        let of_store = (0..idle.len()).filter(|&index| idle[index].store() == store);
        if let Some(index) = of_store.max_by_key(|&index| idle[index].mark().end) {
            return Ok(idle.swap_remove(index));
        }
        drop(idle);
        create(base, store)
    }

    /// Takes back a pack that ends with a whole segment.
    pub(crate) fn give_back(&self, writer: PackWriter) {
        self.idle().push(writer);
    }

    /// Takes back a pack without what lies behind a mark, which nothing names.
    ///
    /// Where that is not known for sure, or the disk failed, the pack is left alone until the
    /// engine is opened: a commit of which an error was said may be there all the same.
    ///
    /// Where packs are sealed with their uploads, nothing in it is named: it is given up.
    pub(crate) fn give_back_as_it_was(&self, base: &Base, mut writer: PackWriter, named: Mark) {
        let (store, pack) = (writer.store(), writer.pack());
        let seals = base.packs.store(store).is_ok_and(|it| it.seals_uploads());
        if seals && (writer.is_lost() || !writer.ends_at(named)) {
            drop(writer);
            return give_up(base, store, pack);
        }
        if writer.is_lost() || base.kv.health().is_err() {
            tracing::warn!(%pack, "a pack is left alone until the engine is opened");
            return;
        }
        if !writer.ends_at(named)
            && let Err(error) = writer.cut_back(named)
        {
            tracing::warn!(%pack, %error, "a pack is left alone until the engine is opened");
            return;
        }
        self.give_back(writer);
    }

    /// Takes out the packs that `wanted` picks.
    pub(crate) fn take(&self, wanted: impl Fn(&PackWriter) -> bool) -> Vec<PackWriter> {
        let mut idle = self.idle();
        let (taken, kept) = std::mem::take(&mut *idle)
            .into_iter()
            .partition(|w| wanted(w));
        *idle = kept;
        taken
    }
}

/// Makes a pack. Its number is durable before its file exists, so that no crash leaves a file of
/// which the index knows nothing, and no number is used twice.
fn create(base: &Base, store: u16) -> Result<PackWriter> {
    let written_at = base.now().as_micros();
    let row = |fate| PackRow::new(fate, written_at);
    let pack = base.kv.write(Durability::Now, |put| {
        let pack = PackId(places::next(put, Counter::NextPack, 1)?);
        places::put_pack(put, store, pack, &row(PackFate::Open))?;
        Ok(pack)
    })?;
    let mut salt = [0; 32];
    salt[..16].copy_from_slice(&base.random.bytes());
    salt[16..].copy_from_slice(&base.random.bytes());
    let made = PackWriter::create(store, &**base.packs.store(store)?, pack, salt);
    if made.is_err() {
        // What is left of the file goes with the next collection.
        base.kv.write(Durability::Later, |put| {
            places::put_pack(put, store, pack, &row(PackFate::Dead))
        })?;
    }
    made
}

/// Declares a pack dead in which nothing was ever named, so that the next collection deletes it.
pub(crate) fn give_up(base: &Base, store: u16, pack: PackId) {
    let declared = base.kv.write(Durability::Later, |put| {
        let row = places::known_pack(put, store, pack)?;
        if row.fate == PackFate::Open && row.len_bytes == 0 {
            let fate = PackFate::Dead;
            places::put_pack(put, store, pack, &PackRow { fate, ..row })?;
        }
        Ok(())
    });
    if let Err(error) = declared {
        // It is declared dead when the engine is opened again.
        tracing::warn!(%pack, store, %error, "a pack is left alone until the engine is opened");
    }
}

/// Takes an unsealed pack up again after the engine was opened.
///
/// A pack without any whole segment is declared dead. One that is shorter than the index knows is
/// damaged: it grows no more, and what is left of it stays readable. One that the medium does not
/// give is left alone until the engine is opened again.
pub(crate) fn resume(
    base: &Base,
    store: u16,
    pack: PackId,
    row: &PackRow,
) -> Result<Option<PackWriter>> {
    let Ok(place) = base.packs.store(store) else {
        return Ok(None);
    };
    let fate = if row.len_bytes == 0 {
        PackFate::Dead
    } else {
        let mark = Mark {
            end: row.len_bytes,
            chunk_bytes: row.chunk_bytes,
        };
        match PackWriter::resume(store, &**place, pack, mark) {
            Ok(writer) => return Ok(Some(writer)),
            Err(error) => match error.kind() {
                ErrorKind::Corrupt | ErrorKind::NotFound => {
                    tracing::error!(%pack, store, %error, "an open pack is damaged");
                    PackFate::Sealed
                }
                _ if error.is_unreadable() => {
                    tracing::error!(%pack, store, %error, "an open pack grows no more for now");
                    return Ok(None);
                }
                _ => return Err(error),
            },
        }
    };
    let row = PackRow { fate, ..*row };
    base.kv.write(Durability::Later, |put| {
        places::put_pack(put, store, pack, &row)
    })?;
    Ok(None)
}

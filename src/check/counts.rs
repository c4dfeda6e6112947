//! Counting again what the index keeps counts of.

use std::collections::HashMap;

use super::packs::Bad;
use super::{Damage, VerifyReport};
use crate::base::{Base, lost};
use crate::chunk::{Place, Verify};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChunkKey, ChunkKind, PackId};
use crate::index::lists;
use crate::index::places::{self, Counter};
use crate::index::refs::child_key;
use crate::index::rows::{ChunkRow, PackFate, ReleaseRow};
use crate::index::{Get, Kv, Table, cached, codec, images, staged};
use crate::manifest::decode;

/// Chunks whose references are counted in one pass; more of them take more passes.
const CHUNKS_AT_ONCE: u64 = 4 << 20;

/// Compares references, live bytes and sums over images with what they are made of.
///
/// All from one snapshot; the caller sees to it that nothing is collected meanwhile.
///
/// Chunks that are lost are put to the `bad` ones.
pub(super) fn check(base: &Base, report: &mut VerifyReport, bad: &mut Bad) -> Result<()> {
    let before = report.damage.len();
    let found_bad = bad.clone();
    base.kv.read(|get| {
        // A read may begin again.
        report.damage.truncate(before);
        bad.clone_from(&found_bad);
        let chunk_count = packs(get, report, bad)?;
        sums(get, report)?;
        lists::check(get, &mut |what| report.damage.push(Damage::of_index(what)))?;
        let passes = chunk_count.div_ceil(CHUNKS_AT_ONCE).clamp(1, 256);
        for pass in 0..passes {
            references(base, get, report, &|key| {
                u64::from(key.id.0[31]) % passes == pass
            })?;
        }
        Ok(())
    })
}

/// Compares rows of packs with the rows of the chunks in them; returns the number of chunks.
fn packs(get: &dyn Get, report: &mut VerifyReport, bad: &mut Bad) -> Result<u64> {
    let mut found: HashMap<(u16, PackId), (u64, u64, u64)> = HashMap::new();
    let mut chunk_count = 0;
    each_chunk(get, &mut |key, row| {
        chunk_count += 1;
        if row.is_lost() {
            let mut damage = Damage::of_index(lost(&key).message());
            damage.chunk = Some(key.id);
            report.damage.push(damage);
            bad.insert(key, None);
            return Ok(());
        }
        let live = found.entry((key.store, PackId(row.pack))).or_default();
        match key.kind {
            ChunkKind::Data => live.0 += u64::from(row.len_bytes),
            ChunkKind::Page => live.1 += u64::from(row.len_bytes),
        }
        live.2 += 1;
        Ok(())
    })?;
    for (store, pack, row) in places::packs(get)? {
        let found = found.remove(&(store, pack)).unwrap_or_default();
        let known = (row.live_bytes, row.page_bytes, row.live_chunks);
        if found != known {
            let what = format!("pack {pack} has live {known:?}, its chunks make {found:?}");
            report.damage.push(Damage::of_index(what));
        }
        if found.2 > 0 && row.fate == PackFate::Dead {
            report
                .damage
                .push(Damage::of_index(format!("pack {pack} is dead and named")));
        }
    }
    for (_, pack) in found.into_keys() {
        report.damage.push(Damage::of_index(format!(
            "pack {pack} is named and has no row"
        )));
    }
    Ok(chunk_count)
}

/// Compares the sums over images with the images.
fn sums(get: &dyn Get, report: &mut VerifyReport) -> Result<()> {
    let (mut count, mut logical, mut zero) = (0, 0, 0);
    let read = &mut |_: &[u8], value: &[u8]| {
        let (_, image) = images::decode(value)?;
        count += u64::from(image.copies().next().is_some());
        for data in image.copies() {
            logical += data.len_bytes;
            zero += data.zero_bytes;
        }
        Ok(())
    };
    let all = places::collect(get, Table::Images, usize::MAX, read)?;
    report.image_count = all.len() as u64;
    for (counter, found) in [
        (Counter::ImageCount, count),
        (Counter::LogicalBytes, logical),
        (Counter::ZeroBytes, zero),
    ] {
        let known = places::counter(get, counter)?;
        if known != found {
            let what = format!("counter {counter:?} is {known}, the images make {found}");
            report.damage.push(Damage::of_index(what));
        }
    }
    Ok(())
}

/// Compares the references of some chunks with who refers to them.
fn references(
    base: &Base,
    get: &dyn Get,
    report: &mut VerifyReport,
    wanted: &dyn Fn(&ChunkKey) -> bool,
) -> Result<()> {
    let mut found: HashMap<ChunkKey, u64> = HashMap::new();
    let mut refer = |key: ChunkKey, count: u64| {
        if wanted(&key) {
            *found.entry(key).or_insert(0) += count;
        }
    };
    places::collect(get, Table::Images, usize::MAX, &mut |_, value| {
        let (_, image) = images::decode(value)?;
        let roots = image.copies().map(images::root_key);
        roots.for_each(|root| refer(root, 1));
        Ok(())
    })?;
    for (_, staged) in staged::all(get)? {
        refer(images::root_key(&staged.data), 1);
    }
    for (_, cached) in cached::all(get)? {
        refer(images::root_key(&cached.data), 1);
    }
    places::collect(get, Table::Holds, usize::MAX, &mut |key, value| {
        let count = value.try_into().map_or(0, u64::from_le_bytes);
        refer(
            places::chunk_key(Table::Holds, key.get(8..).unwrap_or(&[]))?,
            count,
        );
        Ok(())
    })?;
    places::collect(get, Table::Releases, usize::MAX, &mut |_, value| {
        let row = codec::decode::<ReleaseRow>(value)?;
        refer(places::chunk_key(Table::Releases, &row.key)?, row.count);
        Ok(())
    })?;
    let mut unread = 0u64;
    each_chunk(get, &mut |key, row| {
        if key.kind == ChunkKind::Page && !row.is_lost() {
            match children(base, get, &key, row) {
                Ok(children) => children.into_iter().for_each(|child| refer(child, 1)),
                Err(error) if is_lost(&error) => unread += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    })?;
    if unread > 0 {
        // The pages themselves were reported where they lie; what they name cannot be counted.
        let what = format!("{unread} manifest pages cannot be read: references are not compared");
        report.damage.push(Damage::of_index(what));
        return Ok(());
    }
    compare(get, report, wanted, found)
}

/// Tells whether a page is lost, alone or with its pack.
fn is_lost(error: &Error) -> bool {
    error.is_unreadable() || error.kind() == ErrorKind::NotFound
}

fn compare(
    get: &dyn Get,
    report: &mut VerifyReport,
    wanted: &dyn Fn(&ChunkKey) -> bool,
    mut found: HashMap<ChunkKey, u64>,
) -> Result<()> {
    let mut miscounted = Vec::new();
    each_chunk(get, &mut |key, row| {
        if !wanted(&key) {
            return Ok(());
        }
        let count = found.remove(&key).unwrap_or(0);
        let listed = get.get(Table::Unreferenced, &key.to_bytes(), &mut |_| {})?;
        if count != row.refs || listed != (row.refs == 0) {
            let of = format!("{:?} {} of domain {}", key.kind, key.id, key.domain);
            miscounted.push(format!(
                "{of} has {} references, {count} were found",
                row.refs
            ));
        }
        Ok(())
    })?;
    for key in found.into_keys() {
        let of = format!("{:?} {} of domain {}", key.kind, key.id, key.domain);
        miscounted.push(format!("{of} is referred to and has no row"));
    }
    report
        .damage
        .extend(miscounted.into_iter().map(Damage::of_index));
    Ok(())
}

/// Returns what a page names, as often as it names it.
fn children(base: &Base, get: &dyn Get, key: &ChunkKey, row: &ChunkRow) -> Result<Vec<ChunkKey>> {
    let found = base.open(get, key.store, row)?;
    let place = Place {
        offset: row.offset,
        len_bytes: row.len_bytes,
    };
    let page = decode(&found.pack.chunk_copied(place, &key.id, Verify::Always)?)?;
    Ok(page
        .pieces()
        .filter_map(|piece| child_key(key, page.level(), piece.content))
        .collect())
}

pub(super) fn each_chunk(
    get: &dyn Get,
    visit: &mut dyn FnMut(ChunkKey, &ChunkRow) -> Result<()>,
) -> Result<()> {
    places::collect(get, Table::Chunks, usize::MAX, &mut |key, value| {
        let key = places::chunk_key(Table::Chunks, key)?;
        visit(key, &codec::decode::<ChunkRow>(value)?)
    })?;
    Ok(())
}

//! One image: every page and chunk that it needs, read from packs and proved.

use std::collections::{HashMap, HashSet};

use super::packs::Bad;
use super::{Damage, VerifyReport};
use crate::base::Base;
use crate::chunk::Verify;
use crate::error::{Error, Result};
use crate::id::{ChunkKey, ChunkKind, ImageId};
use crate::image::{DataRef, Image};
use crate::index::refs::child_key;
use crate::index::{Kv, Table, images, places};
use crate::manifest::{Content, Page};

/// Reads everything that an image needs.
pub(crate) fn check_image(base: &Base, image: &Image) -> Result<VerifyReport> {
    let mut report = VerifyReport {
        image_count: 1,
        ..VerifyReport::default()
    };
    for data in image.copies() {
        check_copy(base, image.id(), data, &mut report)?;
    }
    Ok(report)
}

fn check_copy(base: &Base, id: &ImageId, data: &DataRef, report: &mut VerifyReport) -> Result<()> {
    let (mut seen, before) = (HashSet::new(), report.damage.len());
    let len = walk(
        base,
        images::root_key(data),
        None,
        &mut seen,
        &mut |key, read| match read {
            Ok(len_bytes) => {
                report.chunk_count += 1;
                report.chunk_bytes += len_bytes;
            }
            Err(error) => {
                let mut damage = Damage::of_index(error.message());
                damage.chunk = Some(key.id);
                damage.images = vec![*id];
                report.damage.push(damage);
            }
        },
    )?;
    if report.damage.len() == before && len != data.len_bytes {
        let what = format!("image {id} is {} bytes, its manifest {len}", data.len_bytes);
        let mut damage = Damage::of_index(what);
        damage.images = vec![*id];
        report.damage.push(damage);
    }
    Ok(())
}

/// Walks a manifest, reading each page and each chunk once; returns the length that it covers.
fn walk(
    base: &Base,
    key: ChunkKey,
    len_bytes: Option<u64>,
    seen: &mut HashSet<ChunkKey>,
    visit: &mut dyn FnMut(&ChunkKey, Result<u64, Error>),
) -> Result<u64> {
    let read = match key.kind {
        ChunkKind::Page => read_page(base, &key).map(Some),
        ChunkKind::Data => read_data(base, &key, len_bytes).map(|()| None),
    };
    match read {
        Ok(None) => {
            let len = len_bytes.unwrap_or(0);
            visit(&key, Ok(len));
            Ok(len)
        }
        Ok(Some(page)) => {
            visit(&key, Ok(0));
            for piece in page.pieces() {
                let child = child_key(&key, page.level(), piece.content);
                if let Some(child) = child.filter(|child| seen.insert(*child)) {
                    let len = (child.kind == ChunkKind::Data).then_some(piece.len_bytes);
                    walk(base, child, len, seen, visit)?;
                }
            }
            Ok(page.len_bytes())
        }
        Err(error) if error.is_unreadable() => {
            visit(&key, Err(error));
            Ok(0)
        }
        Err(error) => Err(error),
    }
}

fn read_page(base: &Base, key: &ChunkKey) -> Result<Page> {
    let found = base.find(key)?;
    found.pack.forget(found.place);
    base.page_from_pack(key)
}

fn read_data(base: &Base, key: &ChunkKey, len_bytes: Option<u64>) -> Result<()> {
    let found = base.find(key)?;
    if len_bytes.is_some_and(|len| len != u64::from(found.place.len_bytes)) {
        let (has, id) = (found.place.len_bytes, key.id);
        return Err(Error::corrupt(format!(
            "chunk {id} is {has} bytes, its page says otherwise"
        )));
    }
    found.pack.forget(found.place);
    found
        .pack
        .chunk_copied(found.place, &key.id, Verify::Always)
        .map(drop)
}

/// Finds the images that need something of `bad`, and names them in the damage: in that which names
/// the chunk, or in that of which the index stands with it.
pub(super) fn trace(base: &Base, bad: &Bad, report: &mut VerifyReport) -> Result<()> {
    if bad.is_empty() {
        return Ok(());
    }
    let all = base.kv.read(|get| {
        places::collect(get, Table::Images, usize::MAX, &mut |_, value| {
            images::decode(value).map(|(_, image)| image)
        })
    })?;
    let mut needs: HashMap<ChunkKey, bool> = HashMap::new();
    let mut touched: HashMap<ChunkKey, Vec<ImageId>> = HashMap::new();
    for image in &all {
        let mut hit = HashSet::new();
        for data in image.copies() {
            find_bad(base, images::root_key(data), bad, &mut needs, &mut hit);
        }
        hit.into_iter()
            .for_each(|key| touched.entry(key).or_default().push(*image.id()));
    }
    for (key, images) in &touched {
        if let Some(index) = bad.get(key).copied().flatten() {
            report.damage[index].images.extend(images);
        }
    }
    for damage in &mut report.damage {
        if let Some(chunk) = damage.chunk {
            for (_, images) in touched.iter().filter(|(key, _)| key.id == chunk) {
                damage.images.extend(images);
            }
        }
        damage.images.sort_unstable();
        damage.images.dedup();
    }
    Ok(())
}

/// Collects what of `bad` lies below a page, and remembers pages below which nothing does.
fn find_bad(
    base: &Base,
    key: ChunkKey,
    bad: &Bad,
    needs: &mut HashMap<ChunkKey, bool>,
    hit: &mut HashSet<ChunkKey>,
) -> bool {
    if bad.contains_key(&key) {
        hit.insert(key);
        return true;
    }
    if key.kind == ChunkKind::Data || needs.get(&key) == Some(&false) {
        return false;
    }
    let Ok(page) = base.page(&key) else {
        return true;
    };
    let mut any = false;
    for piece in page.page().pieces() {
        if piece.content == Content::Zero {
            continue;
        }
        if let Some(child) = child_key(&key, page.page().level(), piece.content) {
            any |= find_bad(base, child, bad, needs, hit);
        }
    }
    needs.insert(key, any);
    any
}

//! Judges what a crash left: is everything there that must be, and nothing else?

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use smalti::chunk::Verify;
use smalti::disk::Disk;
use smalti::disk::sim::SimDisk;
use smalti::read::ReadOptions;
use smalti::testing;
use smalti::{Engine, Error, ErrorCode, Image, ImageId, Images, Status, UploadOptions};

use super::script::{Copies, Fact, Facts, stores_of};
use super::stage::{SLOW, Stage, all_garbage};
use super::{Pattern, bytes, caller, new_image};

/// How much of a disk's use is tried after it was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trial {
    /// None.
    Look,
    /// Uploads and collection, which change nothing of what must be there.
    Use,
    /// The same, then everything is deleted and collected.
    Empty,
}

/// The first byte of ids that trials use.
const TRIAL: u8 = 0xee;

pub(crate) fn say<'a, E: std::fmt::Display>(deed: &'a str) -> impl Fn(E) -> String + 'a {
    move |error| format!("{deed}: {error}")
}

/// Opens an engine on what a crash left and returns what is wrong.
pub(crate) fn judge(disk: &SimDisk, facts: &Facts, trial: Trial) -> Result<(), String> {
    let stage = Stage::new(disk.digest());
    let engine = opened(&stage, disk, facts)?;
    used(&stage, disk, engine, facts, trial)
}

/// Opens an engine on what a crash left, and looks at it.
pub(crate) fn opened(stage: &Stage, disk: &SimDisk, facts: &Facts) -> Result<Engine, String> {
    let engine = stage.open(disk).map_err(say("open"))?;
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    look(&shared, &engine, facts)?;
    Ok(engine)
}

/// Uses an engine that was looked at, as far as the trial goes.
pub(crate) fn used(
    stage: &Stage,
    disk: &SimDisk,
    engine: Engine,
    facts: &Facts,
    trial: Trial,
) -> Result<(), String> {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    if trial == Trial::Look {
        return Ok(());
    }
    let content = bytes(Pattern::Random(2), 150_000);
    for store in engine.stores() {
        upload(&engine, &store.name, &content).map_err(say("upload after recovery"))?;
    }
    collect(&shared, &engine)?;
    look(&shared, &engine, facts).map_err(say("after use"))?;
    engine.close(Duration::ZERO).map_err(say("close"))?;
    drop(engine);
    let engine = stage.open(disk).map_err(say("open once more"))?;
    look(&shared, &engine, facts).map_err(say("after close"))?;
    if trial == Trial::Empty {
        empty(&shared, &engine)?;
    }
    Ok(())
}

/// Compares what an engine holds with what must be there.
pub(crate) fn look(disk: &Arc<dyn Disk>, engine: &Engine, facts: &Facts) -> Result<(), String> {
    let rows = testing::rows(engine, true).map_err(say("read rows"))?;
    let running = testing::running_uploads(&rows);
    if running > 0 {
        return Err(format!("{running} uploads run after recovery"));
    }
    let (there, deleted) = testing::ids(&rows);
    let images = engine.images(&caller());
    let known = facts.keys().chain(&there).chain(&deleted);
    for id in known.copied().collect::<BTreeSet<_>>() {
        let seen = match (there.contains(&id), deleted.contains(&id)) {
            (true, true) => return Err(format!("{id:02x?} is both there and deleted")),
            (false, gone) => gone,
            (true, false) => {
                image(&images, &id, facts)?;
                continue;
            }
        };
        let fits =
            |fact: &Fact| matches!((fact, seen), (Fact::Deleted, true) | (Fact::Absent, false));
        let allowed = facts.get(&id).map_or(&[][..], Vec::as_slice);
        if id[0] != TRIAL && !allowed.iter().any(fits) {
            let what = if seen { "deleted" } else { "absent" };
            return Err(format!(
                "image {id:02x?} is {what}, it must be {}",
                named(allowed)
            ));
        }
        if seen {
            let again = images.create(new_image().id(ImageId::from_bytes(id)));
            let code = again.map_or_else(|error| Some(error.code()), |_| None);
            if code != Some(ErrorCode::Duplicate) {
                return Err(format!("a deleted id was used again: {code:?}"));
            }
        }
    }
    names(disk, engine)?;
    packs(disk, engine)
}

fn named(facts: &[Fact]) -> String {
    let names = facts.iter().map(|fact| match fact {
        Fact::Absent => "absent",
        Fact::Queued(_) => "queued",
        Fact::Broken(_) => "queued with a failed store",
        Fact::Staged(..) => "uploading",
        Fact::Active(..) => "active",
        Fact::Copied(..) => "active in some stores",
        Fact::Deleted => "deleted",
    });
    names.collect::<Vec<_>>().join(" or ")
}

fn image(images: &Images, id: &[u8; 16], facts: &Facts) -> Result<(), String> {
    let shown = images
        .show(&ImageId::from_bytes(*id))
        .map_err(say("show"))?;
    let content = match shown.status() {
        Status::Active => Some(read(images, shown.id())?),
        _ => None,
    };
    if id[0] == TRIAL {
        return Ok(());
    }
    let allowed = facts.get(id).map_or(&[][..], Vec::as_slice);
    let fits = |fact: &Fact| match (fact, shown.status()) {
        (Fact::Queued(record), Status::Queued) => {
            shown.size().is_none() && record.as_ref().is_none_or(|record| *record == shown)
        }
        (Fact::Broken(store), Status::Queued) => {
            shown.size().is_none() && shown.locations().is_empty() && has_failed(&shown, store)
        }
        (Fact::Staged(record, bytes), Status::Uploading) => {
            shown.size() == Some(bytes.len() as u64)
                && record.as_ref().is_none_or(|record| *record == shown)
        }
        (Fact::Copied(copies, bytes), Status::Active) => {
            content.as_ref() == Some(&**bytes)
                && shown.size() == Some(bytes.len() as u64)
                && is_between(&shown, copies)
        }
        (Fact::Active(record, bytes), Status::Active) => {
            content.as_ref() == Some(&**bytes)
                && shown.size() == Some(bytes.len() as u64)
                && record.as_ref().is_none_or(|record| *record == shown)
        }
        _ => false,
    };
    if allowed.iter().any(fits) {
        return Ok(());
    }
    let (status, must) = (shown.status(), named(allowed));
    Err(format!(
        "image {id:02x?} is {status}, or its record or bytes differ; it must be {must}"
    ))
}

/// Tells whether an image says that an import into a store has failed.
fn has_failed(image: &Image, store: &str) -> bool {
    let failed = image.property("os_glance_failed_import");
    failed.is_some_and(|failed| failed.split(',').any(|name| name == store))
}

/// Tells whether an image has the copies that are sure, and no others than are coming; those that
/// did not come have failed.
fn is_between(image: &Image, copies: &Copies) -> bool {
    let has = stores_of(image);
    let came_or_failed = |store: &&str| has.contains(store) || has_failed(image, store);
    let may = |store| copies.sure.contains(store) || copies.coming.contains(store);
    copies.sure.iter().all(|store| has.contains(store))
        && has.iter().all(may)
        && copies.coming.iter().all(came_or_failed)
}

/// Reads an image, with proof of every byte.
pub(crate) fn read(images: &Images, id: &ImageId) -> Result<Vec<u8>, String> {
    let options = ReadOptions {
        verify: Verify::Always,
        ..ReadOptions::default()
    };
    let reader = images.open_with(id, options).map_err(say("open image"))?;
    let reader = reader.ok_or("an active image holds no data")?;
    let mut found = Vec::new();
    for slice in reader.slices(..).map_err(say("slices"))? {
        found.extend_from_slice(&slice.map_err(say("read"))?);
    }
    Ok(found)
}

/// Snapshot and log must hold the names without the index.
fn names(disk: &Arc<dyn Disk>, engine: &Engine) -> Result<(), String> {
    let indexed = testing::rows(engine, false).map_err(say("read names"))?;
    let restored = match testing::restored_names(disk) {
        // Nothing was ever named.
        Err(_) if indexed.is_empty() => return Ok(()),
        restored => restored.map_err(say("restore names"))?,
    };
    if restored == indexed {
        return Ok(());
    }
    let (has, must) = (restored.len(), indexed.len());
    Err(format!(
        "snapshot and log hold {has} names, the index {must}, or they differ"
    ))
}

/// The index must know every file of the packs of every store, and its length.
fn packs(disk: &Arc<dyn Disk>, engine: &Engine) -> Result<(), String> {
    let known = testing::packs(engine).map_err(say("read packs"))?;
    let files = pack_files(disk, engine)?;
    for (store, dir, file) in &files {
        let is_it = |pack: &&testing::PackSeen| pack.store == *store && pack.file == *file;
        let Some(pack) = known.iter().find(is_it) else {
            return Err(format!("{dir}/{file} is unknown to the index"));
        };
        let open = disk.open(&format!("{dir}/{file}"), smalti::disk::Access::Read);
        let len = open.and_then(|file| file.len()).map_err(say("measure"))?;
        if !pack.is_dead && len != pack.len_bytes {
            let known = pack.len_bytes;
            return Err(format!(
                "{dir}/{file} is {len} bytes, the index knows {known}"
            ));
        }
    }
    let is_there = |pack: &testing::PackSeen| {
        let mut files = files.iter();
        files.any(|(store, _, file)| *store == pack.store && *file == pack.file)
    };
    match known.iter().find(|pack| !pack.is_dead && !is_there(pack)) {
        Some(pack) => Err(format!("the index names {}, which is not there", pack.file)),
        None => Ok(()),
    }
}

/// Returns the files of the packs of all stores, with number and directory of the store. Its mark
/// is no pack.
fn pack_files(disk: &Arc<dyn Disk>, engine: &Engine) -> Result<Vec<(u16, String, String)>, String> {
    let mut stores = vec![(0, "packs".to_owned())];
    if engine.stores().iter().any(|store| store.name == SLOW) {
        stores.push((1, format!("{SLOW}/packs")));
    }
    let mut all = Vec::new();
    for (number, dir) in stores {
        let files = disk.list(&dir).map_err(say("list packs"))?;
        let files = files.into_iter().filter(|file| file != "OWNER");
        all.extend(files.map(|file| (number, dir.clone(), file)));
    }
    Ok(all)
}

fn upload(engine: &Engine, store: &str, content: &[u8]) -> Result<(), Error> {
    let images = engine.images(&caller());
    let mut id = [0; 16];
    super::Rng(engine.stats()?.log_bytes).fill(&mut id);
    id[0] = TRIAL;
    let image = loop {
        match images.create(new_image().id(ImageId::from_bytes(id))) {
            Err(error) if error.code() == ErrorCode::Duplicate => id[1] = id[1].wrapping_add(1),
            created => break created?,
        }
    };
    let options = UploadOptions {
        store: Some(store.to_owned()),
        ..UploadOptions::default()
    };
    let mut upload = images.upload_with(image.id(), options)?;
    upload
        .write_all(content)
        .map_err(|e| e.downcast::<Error>().expect("an error of ours"))?;
    upload.finish()?;
    Ok(())
}

/// Collects all garbage, after which no byte may be unaccounted for.
pub(crate) fn collect(disk: &Arc<dyn Disk>, engine: &Engine) -> Result<(), String> {
    let collected = engine.gc(all_garbage()).and_then(smalti::gc::Gc::run);
    let report = collected.map_err(say("collect"))?;
    let stats = engine.stats().map_err(say("stats"))?;
    if stats.garbage_bytes > 0 || !report.damaged.is_empty() {
        return Err(format!("after collection: {report:?}, {stats:?}"));
    }
    let packs = pack_files(disk, engine)?;
    if packs.len() as u64 != stats.pack_count {
        let (files, known) = (packs.len(), stats.pack_count);
        return Err(format!("{files} packs are there, the index knows {known}"));
    }
    Ok(())
}

/// Deletes and collects everything, after which nothing may be left of the bytes.
fn empty(disk: &Arc<dyn Disk>, engine: &Engine) -> Result<(), String> {
    let images = engine.images(&caller());
    let rows = testing::rows(engine, false).map_err(say("read rows"))?;
    for id in testing::ids(&rows).0 {
        images
            .delete(&ImageId::from_bytes(id))
            .map_err(say("delete"))?;
    }
    collect(disk, engine).map_err(say("when all is deleted"))?;
    let stats = engine.stats().map_err(say("stats"))?;
    let left = testing::byte_rows(&testing::rows(engine, true).map_err(say("read rows"))?);
    let packs = pack_files(disk, engine)?;
    if left > 0 || !packs.is_empty() || stats.logical_bytes + stats.image_count > 0 {
        return Err(format!(
            "{left} rows and {packs:?} are left of nothing, {stats:?}"
        ));
    }
    Ok(())
}

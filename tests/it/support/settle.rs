//! Judges what a crash left of imports and copies, and brings all of it to an end.

use std::collections::BTreeSet;
use std::sync::Arc;

use smalti::disk::Disk;
use smalti::disk::sim::SimDisk;
use smalti::import::{Request, Requester};
use smalti::task::{Task, TaskStatus};
use smalti::testing;
use smalti::{Engine, ErrorCode, Image, ImageId, Images, ListQuery, Status, UploadOptions};

use super::caller;
use super::judge::{collect, look, read, say};
use super::script::{Fact, Facts, admin, bytes_of, small, stores_of};
use super::stage::{FAST, SLOW};

/// What was brought to its end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settled {
    /// Staged data that was imported.
    pub(crate) staged: usize,
    /// Images that were queued, and got data by an import.
    pub(crate) queued: usize,
    /// Copies of active images, each of which was then read alone.
    pub(crate) copies: usize,
}

impl Settled {
    pub(crate) fn add(&mut self, other: &Self) {
        self.staged += other.staged;
        self.queued += other.queued;
        self.copies += other.copies;
    }
}

/// Tests that no import runs or holds its lock after recovery, that what was said of ended ones is
/// true, and that every byte of every store is there and counted.
pub(crate) fn look_at_imports(
    engine: &Engine,
    ended: &[(ImageId, TaskStatus)],
) -> Result<(), String> {
    if let Some(store) = engine.stores().iter().find(|store| !store.is_available) {
        return Err(format!("store {} is not there", store.name));
    }
    let tasks = engine.images(&admin()).all_tasks().map_err(say("tasks"))?;
    for task in &tasks {
        if !matches!(task.status, TaskStatus::Success | TaskStatus::Failure) {
            return Err(format!("task {} is {:?}", task.id, task.status));
        }
    }
    for (id, status) in ended {
        let found = tasks.iter().find(|task| task.id == *id);
        if found.map(|task| task.status) != Some(*status) {
            return Err(format!("task {id} ended as {status:?}, it is {found:?}"));
        }
    }
    let page = engine.images(&caller()).list(&ListQuery::new());
    let page = page.map_err(say("list"))?;
    locks(page.images())?;
    staged_rows(engine, page.images())?;
    let report = engine.verify(|_| {}).map_err(say("verify"))?;
    match report.damage.first() {
        Some(damage) => Err(format!("verify: {damage:?}")),
        None => Ok(()),
    }
}

/// Tests that no image is locked for an import.
fn locks(images: &[Image]) -> Result<(), String> {
    for image in images {
        let running = image.property("os_glance_importing_to_stores");
        let lock = image.property("os_glance_import_task");
        if lock.is_some() || running.is_some_and(|stores| !stores.is_empty()) {
            let id = image.id();
            return Err(format!("{id} is locked by {lock:?}, into {running:?}"));
        }
    }
    Ok(())
}

/// Tests that data is staged for the images that say so, and for no others, where it would take up
/// room for as long as they are there.
fn staged_rows(engine: &Engine, images: &[Image]) -> Result<(), String> {
    let rows = testing::rows(engine, false).map_err(say("read rows"))?;
    let uploading = images.iter().filter(|it| it.status() == Status::Uploading);
    let uploading: BTreeSet<_> = uploading.map(|it| *it.id().as_bytes()).collect();
    let staged = BTreeSet::from_iter(testing::staged_ids(&rows));
    match staged == uploading {
        true => Ok(()),
        false => Err(format!(
            "data is staged for {staged:02x?}, and {uploading:02x?} wait for an import"
        )),
    }
}

/// Brings every image to its end: what is staged is imported, what is queued is staged and
/// imported, and what is active gets the copy that it lacks and is read from that alone.
pub(crate) fn settle(disk: &SimDisk, engine: &Engine, facts: &Facts) -> Result<Settled, String> {
    let images = engine.images(&admin());
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (mut settled, mut must) = (Settled::default(), Facts::new());
    for (id, facts) in facts {
        let key = ImageId::from_bytes(*id);
        let image = match images.show(&key) {
            Ok(image) => image,
            Err(error) if error.code() == ErrorCode::NotFound => {
                must.insert(*id, facts.clone());
                continue;
            }
            Err(error) => return Err(say("show")(error)),
        };
        let data = end(&images, &image, facts, &mut settled)?;
        must.insert(*id, vec![Fact::Active(None, data)]);
    }
    collect(&shared, engine)?;
    look(&shared, engine, &must).map_err(say("settled"))?;
    look_at_imports(engine, &[]).map_err(say("settled"))?;
    Ok(settled)
}

/// Makes an image active in one store, and returns its bytes.
fn end(
    images: &Images,
    image: &Image,
    facts: &[Fact],
    settled: &mut Settled,
) -> Result<Arc<Vec<u8>>, String> {
    let id = image.id();
    let direct = Request::glance_direct().stores([SLOW, FAST]);
    let data = match image.status() {
        Status::Queued => {
            let data = small();
            stage(images, id, &data).map_err(say("stage after recovery"))?;
            run(images, id, &direct)?;
            settled.queued += 1;
            Arc::new(data)
        }
        status => {
            if status == Status::Uploading {
                run(images, id, &direct)?;
                settled.staged += 1;
            }
            bytes_of(facts, image).ok_or("an image holds bytes that nothing is known of")?
        }
    };
    let image = images.show(id).map_err(say("show"))?;
    let has = stores_of(&image);
    if has.len() == 1 {
        run(images, id, &Request::copy_image().all_stores())?;
        settled.copies += 1;
    }
    images
        .delete_from_store(id, has[0])
        .map_err(say("delete a copy"))?;
    match read(images, id)? == **data {
        true => Ok(data),
        false => Err(format!("the other copy of {id} differs")),
    }
}

fn stage(images: &Images, id: &ImageId, mut data: &[u8]) -> smalti::Result<()> {
    let mut upload = images.stage(id, UploadOptions::default())?;
    upload.read_from(&mut data)?;
    upload.finish().map(drop)
}

fn run(images: &Images, id: &ImageId, request: &Request) -> Result<Task, String> {
    let import = images.import(id, request, &Requester::default());
    let import = import.map_err(|error| format!("import after recovery: {error}"))?;
    let import = import.ok_or("there is nothing to import")?;
    let task = import.run().map_err(say("import after recovery"))?;
    match task.status {
        TaskStatus::Success => Ok(task),
        _ => Err(format!("an import after recovery fails: {}", task.message)),
    }
}

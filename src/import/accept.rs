//! Accepting an import: every test in the order of the API, then the task and the lock in one
//! transaction.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use super::importer::Importer;
use super::job::{Deed, Job};
use super::request::Request;
use super::targets::resolve;
use super::{Import, Requester};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::id::ImageId;
use crate::image::{Image, ImportLock, ImportMethod};
use crate::index::owners::Use;
use crate::index::{Durability, Get, Kv, Put, images, staged, tasks};
use crate::quota::{Kind, Reservation};
use crate::task::{JsonObject, Task, TaskKind, TaskStatus};

/// Decides whether a caller may import into an image; calls the test of its state where that has
/// its turn.
pub(crate) type Admit<'a> = dyn Fn(&dyn Get, &Image, &dyn Fn() -> Result<()>) -> Result<()> + 'a;

impl Importer {
    /// Accepts an import, or says why not; nothing where everything is done already.
    pub(crate) fn accept(
        self: &Arc<Self>,
        id: &ImageId,
        request: &Request,
        who: &Requester,
        admit: &Admit<'_>,
    ) -> Result<Option<Import>> {
        let counted = self.ingest.count_in();
        let base = self.base();
        base.expect_open()?;
        let (planned, targets) = base.kv.read(|get| self.plan(get, id, request, admit))?;
        if let (ImportMethod::WebDownload, Some((_, filter))) = (request.method, &self.sources.web)
        {
            // Names are looked up, so that no transaction may wait for it.
            filter.check(request.uri().unwrap_or_default())?;
        }
        if targets.is_empty() {
            return Ok(None);
        }
        let input = input(id, request, &targets);
        let task = self.new_task(TaskKind::ApiImageImport, id, input, who);
        let now = task.created_at;
        let shows_stores = base.stores.are_named();
        let mut reserved = self.reserve_for(&planned, request, targets.len())?;
        reserved.settle();
        let targets = base.kv.write(Durability::Now, |put| {
            let (mut image, targets) = self.plan(put, id, request, admit)?;
            if targets.is_empty() {
                return Ok(targets);
            }
            let came_in = Use::of(&image).uploading;
            take_over(put, &mut image, now)?;
            let listed = match shows_stores {
                true => &targets[..],
                false => &[],
            };
            image.begin_import(request.method, &task.id.to_string(), listed, now)?;
            images::put(put, &image)?;
            if Use::of(&image).uploading > came_in {
                self.ingest.quota.check_uploading(put, image.owner())?;
            }
            tasks::insert(put, &task, now)?;
            Ok(targets)
        })?;
        if targets.is_empty() {
            return Ok(None);
        }
        let job = Job {
            task: task.id,
            image: *id,
            deed: Deed::Store(request.clone()),
            targets,
            shows_stores,
            noted_at: AtomicI64::new(now.as_micros()),
            _counted: counted,
        };
        Ok(Some(Import {
            importer: Arc::clone(self),
            job: Some(job),
        }))
    }

    /// Sees that there is room for what is asked for, as far as that is known, and reserves what
    /// counts as staged from now on: what is copied does, as long as that lasts.
    fn reserve_for(&self, image: &Image, request: &Request, stores: usize) -> Result<Reservation> {
        let id = image.id();
        let size = image.size().unwrap_or(0);
        let copies = if request.needs_all() {
            stores as u64
        } else {
            1
        };
        let stored =
            self.ingest
                .reserve(id, Some(Kind::Stored), Some(size.saturating_mul(copies)))?;
        drop(stored.1?);
        let staged = match request.method {
            ImportMethod::CopyImage => Some(size),
            ImportMethod::GlanceDirect => Some(0),
            _ => None,
        };
        self.ingest.reserve(id, Some(Kind::Staged), staged)?.1
    }

    /// Tests everything that the index knows; returns the image and the stores.
    fn plan(
        &self,
        get: &dyn Get,
        id: &ImageId,
        request: &Request,
        admit: &Admit<'_>,
    ) -> Result<(Image, Vec<String>)> {
        let image = images::visible(get, id)?;
        admit(get, &image, &|| {
            image.check_import(request.method)?;
            if request.method == ImportMethod::GlanceDirect && staged::find(get, id)?.is_none() {
                let message = "data of the image is still being staged";
                return Err(Error::new(ErrorCode::InvalidState, message));
            }
            request
                .region
                .as_ref()
                .map_or(Ok(()), |region| region.check())
        })?;
        let holder = holder(get, &image)?;
        lock_of(holder.as_ref(), self.base().now()).expect_free()?;
        let targets = resolve(request, &self.base().stores, &image)?;
        Ok((image, targets))
    }
}

fn input(id: &ImageId, request: &Request, targets: &[String]) -> JsonObject {
    let mut input = JsonObject::new();
    input.insert("image_id".to_owned(), id.to_string().into());
    input.insert("import_req".to_owned(), request.body.clone().into());
    input.insert("backend".to_owned(), targets.to_vec().into());
    input
}

/// Returns the task that holds the import lock of an image, if it is there.
pub(super) fn holder(get: &dyn Get, image: &Image) -> Result<Option<Task>> {
    let Some(Ok(id)) = image.lock().map(str::parse) else {
        return Ok(None);
    };
    tasks::find(get, &id)
}

pub(super) fn lock_of(holder: Option<&Task>, now: Timestamp) -> ImportLock {
    match holder {
        None => ImportLock::Free,
        Some(task) if task.status == TaskStatus::Pending => ImportLock::Waiting(task.idle(now)),
        Some(task) => ImportLock::Begun(task.idle(now)),
    }
}

/// Ends the import that held the lock before and slept too long.
pub(super) fn take_over(put: &mut dyn Put, image: &mut Image, now: Timestamp) -> Result<()> {
    let Some(mut task) = holder(put, image)? else {
        return Ok(());
    };
    let stores = stores_of(&task);
    image.forget_stores(&stores, now);
    if !task.is_over() {
        task.fail(
            "another import took the lock over, as this one had stopped",
            now,
        )?;
        tasks::update(put, &task)?;
    }
    Ok(())
}

fn stores_of(task: &Task) -> Vec<String> {
    let input = task.input.as_ref();
    let backend = input.and_then(|input| input.get("backend")?.as_array());
    let names = backend
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str());
    names.map(str::to_owned).collect()
}

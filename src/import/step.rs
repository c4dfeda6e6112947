//! The transactions of an import that runs. Each tests that it still holds the lock, and touches
//! nothing if it does not.

use std::time::Duration;

use super::importer::Importer;
use super::job::{Deed, Job};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ImageId, ProjectId};
use crate::image::{ContainerFormat, DiskFormat, Image};
use crate::index::{Durability, Get, Kv, Put, images, staged, tasks};
use crate::limits::MIB;
use crate::task::{JsonObject, Task};

/// How often a task says how it goes.
const NOTE_EVERY: Duration = Duration::from_secs(2);

/// How an import has ended.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// Why it has failed, if it has.
    pub(super) failure: Option<String>,
    /// Stores in which it has failed and that are not listed so yet.
    pub(super) failed: Vec<String>,
    /// Stores that were not tried, or whose copies are undone.
    pub(super) undone: Vec<String>,
    /// What there is to say of a success.
    pub(super) message: String,
}

/// Returns the image of a job, which still has its lock.
pub(super) fn owned(get: &dyn Get, image: &ImageId, task: &ImageId) -> Result<Image> {
    let image = images::find(get, image)?.ok_or_else(|| {
        let message = format!("image {image} was deleted while it was imported");
        Error::new(ErrorCode::GoneDuringUpload, message)
    })?;
    image.expect_lock(task)?;
    Ok(image)
}

fn find_task(get: &dyn Get, id: &ImageId) -> Result<Task> {
    tasks::find(get, id)?.ok_or_else(|| {
        let message = format!("task {id} has vanished");
        Error::new(ErrorCode::NotFound, message)
    })
}

impl Importer {
    fn change_task(&self, id: &ImageId, change: &dyn Fn(&mut Task) -> Result<()>) -> Result<()> {
        self.base().kv.write(Durability::Now, |put| {
            let mut task = find_task(put, id)?;
            change(&mut task)?;
            tasks::update(put, &task)
        })
    }

    /// Returns the task of an import.
    pub(super) fn task(&self, id: &ImageId) -> Result<Task> {
        self.base().kv.read(|get| find_task(get, id))
    }

    /// Returns the project that the task of an import belongs to.
    pub(super) fn owner(&self, job: &Job) -> Result<Option<ProjectId>> {
        Ok(self.task(&job.task)?.owner)
    }

    /// Begins the task of an import.
    pub(super) fn begin_task(&self, job: &Job) -> Result<()> {
        let now = self.base().now();
        self.change_task(&job.task, &|task| task.begin(now))
    }

    /// Says how far an import is, every now and then, which also keeps its lock from being taken
    /// over.
    pub(super) fn note(&self, job: &Job, deed: &str, done_bytes: u64) -> Result<()> {
        let now = self.base().now();
        if !job.is_due(now, NOTE_EVERY) {
            return Ok(());
        }
        let message = format!("{deed} {} MiB", done_bytes / MIB);
        self.base().kv.write(Durability::Later, |put| {
            owned(put, &job.image, &job.task)?;
            let mut task = find_task(put, &job.task)?;
            task.note(message.clone(), now);
            tasks::update(put, &task)
        })
    }

    /// Takes formats and properties over that data came with.
    pub(super) fn adopt(
        &self,
        job: &Job,
        formats: (Option<DiskFormat>, Option<ContainerFormat>),
        properties: &[(&str, &str)],
    ) -> Result<()> {
        let now = self.base().now();
        self.base().kv.write(Durability::Now, |put| {
            let mut image = owned(put, &job.image, &job.task)?;
            image.adopt(formats, properties, now)?;
            images::put(put, &image)
        })
    }

    /// Writes down in which store an import has failed.
    pub(super) fn store_failed(&self, job: &Job, store: &str) -> Result<()> {
        if !job.shows_stores {
            return Ok(());
        }
        let (now, stores) = (self.base().now(), [store.to_owned()]);
        self.base().kv.write(Durability::Now, |put| {
            let mut image = owned(put, &job.image, &job.task)?;
            image.stores_failed(&stores, now);
            images::put(put, &image)
        })
    }

    /// Writes down how an import has ended, and lets go of the lock and of what was staged.
    pub(super) fn end(&self, job: &Job, ended: &Ended) -> Result<()> {
        let now = self.base().now();
        self.base().kv.write(Durability::Now, |put| {
            match owned(put, &job.image, &job.task) {
                Ok(image) => release(put, image, job, ended, now)?,
                Err(error) if is_no_more_ours(&error) => {}
                Err(error) => return Err(error),
            }
            let mut task = find_task(put, &job.task)?;
            if task.is_over() {
                return Ok(());
            }
            match &ended.failure {
                Some(why) => task.fail(why.as_str(), now)?,
                None => {
                    task.note(ended.message.as_str(), now);
                    task.succeed(result(&job.image), now)?;
                }
            }
            tasks::update(put, &task)
        })
    }

    /// Ends an import that never ran.
    pub(super) fn give_up(&self, job: &Job, why: &str) {
        let ended = Ended {
            failure: Some(why.to_owned()),
            failed: job.listed().to_vec(),
            ..Ended::default()
        };
        if let Err(error) = self.end(job, &ended) {
            tracing::error!(task = %job.task, %error, "an import that was given up stays locked");
        }
    }
}

fn result(image: &ImageId) -> JsonObject {
    let mut result = JsonObject::new();
    result.insert("image_id".to_owned(), image.to_string().into());
    result
}

/// Tells whether the image is gone, or in the hands of another import.
pub(super) fn is_no_more_ours(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::GoneDuringUpload | ErrorCode::ImportLocked
    )
}

fn release(
    put: &mut dyn Put,
    mut image: Image,
    job: &Job,
    ended: &Ended,
    now: Timestamp,
) -> Result<()> {
    let failed = match job.shows_stores {
        true => &ended.failed[..],
        false => &[],
    };
    match (&ended.failure, &job.deed) {
        (None, _) => image.import_done(now),
        (Some(_), Deed::Store(_)) => image.import_failed(failed, &ended.undone, now)?,
        (Some(_), Deed::Locate(_)) => image.location_failed(now)?,
    }
    if matches!(job.deed, Deed::Store(_)) {
        staged::remove(put, image.id())?;
    }
    images::put(put, &image)
}

//! Import: data that was staged, lies on the web, in another region or in another store, into the
//! stores of an image.
//!
//! What is asked for is a [`Request`]; what was accepted is an [`Import`], whose task is recorded
//! and whose image is locked for it. All bytes come in by the one path of uploads, and what is
//! staged is linked where it lies: no data byte is written twice.
//!
//! Source: the Images API v2, "Interoperable image import"; Glance,
//! `glance/async_/flows/api_image_import.py`.

mod accept;
mod care;
mod copy;
mod digests;
mod hook;
mod importer;
mod job;
mod location;
mod request;
mod run;
mod source;
mod step;
mod targets;
mod web;

use std::sync::Arc;

use crate::error::Result;
use crate::id::{ImageId, ProjectId};
use crate::task::Task;

pub use crate::image::ImportMethod;
pub use hook::{ImportHook, StagedData};
pub use location::NewLocation;
pub use request::Request;
pub use source::{RegionData, RegionImage, RegionSource};
pub use web::WebLocations;

pub(crate) use care::recover;
pub(crate) use copy::pump;
pub(crate) use digests::Known;
pub(crate) use importer::{Importer, Sources};
use job::Job;

/// Who asks for an import, as its task shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "written with `..Requester::default()`"
)]
pub struct Requester {
    /// The project.
    pub owner: Option<ProjectId>,
    /// The user.
    pub user_id: Option<String>,
    /// The request.
    pub request_id: Option<String>,
}

/// An import that was accepted. Its task is recorded, and its image is locked for it.
///
/// Dropping it unrun ends the task as a failure and leaves the image as after any other.
#[must_use = "nothing is imported before `run` or `spawn`"]
#[derive(Debug)]
pub struct Import {
    importer: Arc<Importer>,
    job: Option<Job>,
}

impl Import {
    /// Returns the id of the task.
    pub fn task_id(&self) -> ImageId {
        self.job
            .as_ref()
            .map_or(ImageId::from_bytes([0; 16]), |job| job.task)
    }

    /// Runs the import to its end on this thread, and returns its task: a success, or a failure
    /// with its message.
    ///
    /// # Errors
    /// `Unavailable` or `Poisoned` where the index cannot even take note of how it ended; opening
    /// the engine anew ends the task then. `NotFound` if the task has vanished.
    pub fn run(mut self) -> Result<Task> {
        let job = self.job.take().ok_or_else(job::over)?;
        self.importer.run(job)
    }

    /// Hands the import to the threads of the engine, of which a few run imports at a time
    /// (`max_running_imports`). Its task tells how it goes.
    pub fn spawn(mut self) {
        if let Some(job) = self.job.take() {
            self.importer.spawn(job);
        }
    }
}

impl Drop for Import {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            self.importer
                .give_up(&job, "the import was given up before it began");
        }
    }
}

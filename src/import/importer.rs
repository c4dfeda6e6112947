//! What all imports of an engine share.

use std::fmt;
use std::sync::Arc;

use super::Requester;
use super::hook::ImportHook;
use super::job::{Deed, Job};
use super::request::unknown;
use super::source::RegionSource;
use crate::base::{Base, Offload};
use crate::error::Result;
use crate::fetch::{Fetch, FetchLimits, UriFilter};
use crate::id::ImageId;
use crate::image::{ImportMethod, LocationSource, NoSource};
use crate::ingest::Ingest;
use crate::task::{JsonObject, Task, TaskKind, TaskStatus};

/// Where imports may take data from.
#[derive(Clone)]
pub(crate) struct Sources {
    /// The methods that are enabled, of those for which there is a source.
    pub(crate) methods: Vec<ImportMethod>,
    /// Who fetches from urls, and which of them may be fetched.
    pub(crate) web: Option<(Arc<dyn Fetch>, UriFilter)>,
    pub(crate) limits: FetchLimits,
    /// Who fetches from other regions.
    pub(crate) regions: Option<Arc<dyn RegionSource>>,
    /// What is taken over of an image of another region: properties that begin so.
    pub(crate) region_properties: Vec<String>,
    /// Work on what is staged.
    pub(crate) hooks: Vec<Arc<dyn ImportHook>>,
    /// What stands behind urls of locations.
    pub(crate) locations: Arc<dyn LocationSource + Send + Sync>,
    /// Whether the digests of data at locations are computed.
    pub(crate) do_secure_hash: bool,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            methods: Vec::new(),
            web: None,
            limits: FetchLimits::default(),
            regions: None,
            region_properties: Vec::new(),
            hooks: Vec::new(),
            locations: Arc::new(NoSource),
            do_secure_hash: true,
        }
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("methods", &self.methods)
            .finish_non_exhaustive()
    }
}

impl Sources {
    /// Returns the methods that are enabled.
    pub(crate) fn enabled(&self) -> Vec<ImportMethod> {
        let has_source = |method: &&ImportMethod| match method {
            ImportMethod::WebDownload => self.web.is_some(),
            ImportMethod::GlanceDownload => self.regions.is_some(),
            _ => true,
        };
        self.methods.iter().filter(has_source).copied().collect()
    }

    /// Tests that a method is enabled.
    ///
    /// # Errors
    /// `UnknownImportMethod`.
    pub(crate) fn expect_enabled(&self, method: ImportMethod) -> Result<()> {
        match self.enabled().contains(&method) {
            true => Ok(()),
            false => Err(unknown(method.as_str())),
        }
    }
}

/// What all imports of an engine share.
pub(crate) struct Importer {
    pub(super) ingest: Arc<Ingest>,
    pub(crate) sources: Sources,
    /// A few, so that imports do not take the machine from everybody else.
    threads: Offload,
    /// As many for those that wait for other machines, so that a slow one holds up nobody else.
    downloads: Offload,
}

impl fmt::Debug for Importer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Importer")
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}

impl Importer {
    /// Runs up to `max_running` imports at a time, and as many that wait for other machines.
    pub(crate) fn new(ingest: Arc<Ingest>, sources: Sources, max_running: usize) -> Self {
        let threads = Offload::for_long_jobs(max_running);
        Self {
            ingest,
            sources,
            threads,
            downloads: Offload::for_long_jobs(max_running),
        }
    }

    pub(super) fn base(&self) -> &Arc<Base> {
        &self.ingest.base
    }

    /// Queues a job for the threads.
    pub(super) fn spawn(self: &Arc<Self>, job: Job) {
        let (importer, pool) = (Arc::clone(self), self.pool(&job.deed));
        let run = move || {
            let task = job.task;
            if let Err(error) = importer.run(job) {
                tracing::error!(%task, %error, "the end of an import could not be written down");
            }
        };
        pool.threads().submit(Box::new(run));
    }

    fn pool(&self, deed: &Deed) -> &Offload {
        match deed {
            Deed::Store(request) if !request.is_fetched() => &self.threads,
            _ => &self.downloads,
        }
    }

    /// Makes the record of a task that is yet to begin.
    pub(super) fn new_task(
        &self,
        kind: TaskKind,
        image: &ImageId,
        input: JsonObject,
        who: &Requester,
    ) -> Task {
        let base = self.base();
        let now = base.now();
        Task {
            id: ImageId::from_bytes(base.random.bytes()),
            kind,
            status: TaskStatus::Pending,
            owner: who.owner.clone(),
            image_id: Some(*image),
            request_id: who.request_id.clone(),
            user_id: who.user_id.clone(),
            input: Some(input),
            result: None,
            message: String::new(),
            expires_at: None,
            created_at: now,
            updated_at: now,
        }
    }
}

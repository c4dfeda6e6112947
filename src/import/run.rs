//! An import that runs: staged where it has to be, judged once, then one store after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::copy::pump;
use super::digests::Known;
use super::importer::Importer;
use super::job::{Deed, Job};
use super::request::Request;
use super::source::Source;
use super::step::{Ended, is_no_more_ours, owned};
use crate::error::{Error, ErrorCode, Result};
use crate::hash::Algorithm;
use crate::image::{Image, Location, StoresNeeded, Uploaded};
use crate::index::staged::Staged;
use crate::index::{Durability, Kv, Put, images, refs};
use crate::ingest::{CopyGoal, Goal, Judging, Upload, UploadOptions, Verified};
use crate::quota::Kind;
use crate::task::Task;

impl Importer {
    /// Runs an import to its end, and returns its task.
    pub(super) fn run(&self, job: Job) -> Result<Task> {
        // Hooks are code of the host: what panics there is a failure of the import and no more.
        let work = || match &job.deed {
            Deed::Store(request) => self.work(&job, request),
            Deed::Locate(location) => self.locate(&job, location),
        };
        let run = catch_unwind(AssertUnwindSafe(work));
        let ended = run.unwrap_or_else(|_| whole_failure(&job, "the import panicked"));
        self.end(&job, &ended)?;
        self.task(&job.task)
    }

    fn work(&self, job: &Job, request: &Request) -> Ended {
        let whole = |error: Error| whole_failure(job, &told(&error));
        let ready = || {
            self.begin_task(job).map_err(whole)?;
            let refused = self.fetch(job, request)?;
            self.run_hooks(job, request).map_err(whole)?;
            let source = self.source(job, request).map_err(whole)?;
            Ok((source, refused))
        };
        match ready() {
            Ok((source, refused)) => self.store_all(job, request, &source, &refused),
            Err(ended) => ended,
        }
    }

    /// Stages the data of an import whose source is elsewhere, in the first store that takes it.
    /// Returns the stores that did not, which are listed as failed by now.
    fn fetch(&self, job: &Job, request: &Request) -> Result<Vec<Refused>, Ended> {
        let mut refused: Vec<Refused> = Vec::new();
        if !request.is_fetched() {
            return Ok(refused);
        }
        for store in &job.targets {
            let error = match self.fetch_into(job, request, store) {
                Ok(()) => return Ok(refused),
                Err(error) => error,
            };
            let why = told(&error);
            if !is_of_a_store(&error) {
                return Err(whole_failure(job, &why));
            }
            tracing::warn!(task = %job.task, store, %error, "a store takes no data of an import");
            if request.needs_all() {
                return Err(failed_in(job, store, format!("store {store}: {why}")));
            }
            let listed = self.store_failed(job, store);
            listed.map_err(|error| whole_failure(job, &told(&error)))?;
            let store = store.clone();
            refused.push(Refused { store, why });
        }
        let faults: Vec<String> = refused.iter().map(Refused::told).collect();
        Err(whole_failure(job, &faults.join("; ")))
    }

    /// Brings the data into each store in turn.
    fn store_all(
        &self,
        job: &Job,
        request: &Request,
        source: &Source,
        refused: &[Refused],
    ) -> Ended {
        let verified = match self.judge(job, source) {
            Ok(verified) => Arc::new(verified),
            Err(error) => return refused_everywhere(job, request, &told(&error)),
        };
        let needs_all = request.needs_all();
        let (mut done, mut faults) = (Vec::new(), Vec::new());
        for (index, store) in job.targets.iter().enumerate() {
            if let Some(refused) = refused.iter().find(|refused| refused.store == *store) {
                faults.push(refused.told());
                continue;
            }
            let is_last = index + 1 == job.targets.len();
            let needed = match needs_all && !is_last {
                true => StoresNeeded::More,
                false => StoresNeeded::Met,
            };
            let step = Step {
                job,
                source,
                verified: &verified,
                store,
                needed,
            };
            let error = match self.store(&step) {
                Ok(()) => {
                    done.push(store.clone());
                    continue;
                }
                Err(error) => error,
            };
            tracing::warn!(task = %job.task, store, %error, "an import fails in a store");
            faults.push(format!("store {store}: {}", told(&error)));
            if needs_all {
                return failed_in(job, store, faults.join("; "));
            }
            if is_no_more_ours(&error) || self.store_failed(job, store).is_err() {
                return Ended {
                    failure: Some(faults.join("; ")),
                    failed: vec![store.clone()],
                    ..Ended::default()
                };
            }
        }
        let message = faults.join("; ");
        Ended {
            failure: done.is_empty().then(|| message.clone()),
            message,
            ..Ended::default()
        }
    }

    /// Looks at the data, and verifies its signature, where that is to be done before it may become
    /// that of the image.
    fn judge(&self, job: &Job, source: &Source) -> Result<Verified> {
        if source.staged.is_none() {
            return Ok(Verified::default());
        }
        let mut judging = Judging::begin(&self.ingest, source.reader.image())?;
        if judging.is_needed() {
            let note = |done| self.note(job, "Inspected", done);
            pump(&source.reader, &mut judging, &note)?;
        }
        judging.finish(&self.ingest)
    }

    fn store(&self, step: &Step<'_>) -> Result<()> {
        let number = self.base().stores.to_write(Some(step.store))?;
        match &step.source.staged {
            Some(staged) if staged.data.store == number => self.link(step, staged),
            _ => self.copy(step),
        }
    }

    /// Makes staged data that of the image, where it lies.
    fn link(&self, step: &Step<'_>, staged: &Staged) -> Result<()> {
        let Step { job, verified, .. } = step;
        let (ingest, now) = (&self.ingest, self.base().now());
        let len_bytes = Some(staged.data.len_bytes);
        let (_, reserved) = ingest.reserve(&job.image, Some(Kind::Stored), len_bytes)?;
        let mut reserved = reserved?;
        reserved.settle();
        self.base().kv.write(Durability::Now, |put| {
            let mut image = owned(put, &job.image, &job.task)?;
            verified.expect(ingest, &image)?;
            refs::retain_root(put, &images::root_key(&staged.data))?;
            let location = Location::in_store(step.store, image.id(), staged.data);
            let learned = learned(staged, location, verified);
            image.store_done(now, learned, step.needed)?;
            images::put(put, &image)
        })
    }

    /// Writes a copy of the data into one more store, and holds it against its digest.
    fn copy(&self, step: &Step<'_>) -> Result<()> {
        let Step { job, source, .. } = step;
        let (ingest, now) = (Arc::clone(&self.ingest), self.base().now());
        let (staged, needed) = (source.staged.clone(), step.needed);
        let verified = Arc::clone(step.verified);
        let commit = move |put: &mut dyn Put, mut image: Image, copy: Uploaded| {
            let learned = match &staged {
                Some(staged) => {
                    verified.expect(&ingest, &image)?;
                    learned(staged, copy.location, &verified)
                }
                None => copy,
            };
            image.store_done(now, learned, needed)?;
            images::put(put, &image)?;
            Ok(image)
        };
        let (proof, options) = expected(source, step.store);
        let goal = Goal::Copy(CopyGoal {
            task: Some(job.task),
            proof,
            commit: Arc::new(commit),
        });
        let flow = self
            .ingest
            .begin(job.image, options, goal, &|_, _| Ok(()))?;
        let mut upload = Upload::new(flow);
        let note = |done| self.note(job, "Copied", done);
        pump(&source.reader, &mut upload, &note)?;
        upload.finish().map(drop)
    }
}

/// A store that took no data, and why.
struct Refused {
    store: String,
    why: String,
}

impl Refused {
    fn told(&self) -> String {
        format!("store {}: {}", self.store, self.why)
    }
}

/// Tells whether a store is to blame, and not where the data comes from.
fn is_of_a_store(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::StorageFull | ErrorCode::StoreUnavailable | ErrorCode::StoreAddDisabled
    )
}

/// Data on its way into one store.
struct Step<'a> {
    job: &'a Job,
    source: &'a Source,
    verified: &'a Arc<Verified>,
    store: &'a str,
    needed: StoresNeeded,
}

/// Returns what a copy has to be.
fn expected(source: &Source, store: &str) -> (Option<Algorithm>, UploadOptions) {
    let known = match &source.staged {
        Some(staged) => Known::of_staged(staged),
        None => Known::of_image(source.reader.image()),
    };
    let (proof, mut options) = known.expected(source.reader.len_bytes());
    options.store = Some(store.to_owned());
    (proof, options)
}

fn learned(staged: &Staged, location: Location, verified: &Verified) -> Uploaded {
    Uploaded {
        size: staged.data.len_bytes,
        virtual_size: verified.virtual_size(),
        checksum: staged.checksum,
        os_hash: staged.os_hash.clone(),
        location,
    }
}

/// Ends an import whose data no store may take: the first that was to get it has failed, and the
/// others were not tried if none may fail.
fn refused_everywhere(job: &Job, request: &Request, why: &str) -> Ended {
    let (tried, untried) = match request.needs_all() {
        true => job.targets.split_at(job.targets.len().min(1)),
        false => (&job.targets[..], &[][..]),
    };
    Ended {
        failure: Some(why.to_owned()),
        failed: tried.to_vec(),
        undone: untried.to_vec(),
        ..Ended::default()
    }
}

/// Ends an import of which no store may fail, and one has.
fn failed_in(job: &Job, store: &str, why: String) -> Ended {
    let mut undone = job.targets.clone();
    undone.retain(|name| name != store);
    Ended {
        failure: Some(why),
        failed: vec![store.to_owned()],
        undone,
        ..Ended::default()
    }
}

fn whole_failure(job: &Job, why: &str) -> Ended {
    Ended {
        failure: Some(why.to_owned()),
        failed: job.listed().to_vec(),
        ..Ended::default()
    }
}

/// Returns what a task says of an error: its code stands for what can be done about it.
pub(super) fn told(error: &Error) -> String {
    match error.code() {
        ErrorCode::Internal => "an internal error".to_owned(),
        code => format!("{}: {}", code.name(), error.message()),
    }
}

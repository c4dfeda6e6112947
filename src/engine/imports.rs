//! What a caller does to have data imported: stage it, ask for the import, see its tasks.

use super::{Engine, Images};
use crate::error::{Error, ErrorCode, Result};
use crate::id::ImageId;
use crate::image::ImportMethod;
use crate::import::{Import, Importer, NewLocation, Request, Requester};
use crate::index::{Kv, tasks};
use crate::ingest::{Goal, Upload, UploadOptions};
use crate::policy::Action;
use crate::quota::Usage;
use crate::task::Task;
use std::sync::Arc;

impl Engine {
    /// Returns the methods of import that callers may ask for: those of the settings for which the
    /// engine was given a source.
    pub fn import_methods(&self) -> Vec<ImportMethod> {
        let importer = self.inner.importer.as_ref();
        importer.map(|it| it.sources.enabled()).unwrap_or_default()
    }
}

impl Images {
    /// Begins to stage data of a queued image, to be imported: its formats may be set later, and
    /// what the bytes are is looked at then. The image is `uploading` until an import takes the data
    /// over; a failure takes it back to `queued` (Glance: `glance/api/v2/image_data.py`, `stage`).
    ///
    /// # Errors
    /// `NotFound`, also where glance-direct is not enabled; `Forbidden`; `InvalidState` unless the
    /// image is queued; `ImageTooLarge`.
    pub fn stage(&self, id: &ImageId, options: UploadOptions) -> Result<Upload> {
        let methods = self.engine().import_methods();
        if !methods.contains(&ImportMethod::GlanceDirect) {
            let message = "import by glance-direct is not enabled";
            return Err(Error::new(ErrorCode::NotFound, message));
        }
        let policy = self.policy();
        let judge = self.judge(&*policy);
        judge.check_identity(Action::Stage)?;
        let flow = self
            .ingest()?
            .begin(*id, options, Goal::Stage, &|get, image| {
                judge.check(Action::Stage, image, self.membership(get, image)?)
            })?;
        Ok(Upload::new(flow))
    }

    /// Asks for an import: its task is recorded and the image locked, durably, when this returns.
    /// Nothing runs before [`Import::run`] or [`Import::spawn`]. `None` where the data is in every
    /// store already.
    ///
    /// # Errors
    /// In this order: `UnknownImportMethod` for one that is not enabled; `ReadOnlyCaller`;
    /// `NotFound`; `InvalidState`, then `MissingFormat`, both with status 409; `Forbidden`;
    /// `ImportLocked`; `ConflictingParameters`, `UnknownStore` with status 409, `StoreReadOnly`,
    /// `AlreadyInStore`, `MultiStoreRequired`; `UriNotAllowed`.
    pub fn import(
        &self,
        id: &ImageId,
        request: &Request,
        who: &Requester,
    ) -> Result<Option<Import>> {
        let importer = self.importer()?;
        importer.sources.expect_enabled(request.method())?;
        let action = match request.method() {
            ImportMethod::CopyImage => Action::CopyImage,
            _ => Action::Import,
        };
        let policy = self.policy();
        let judge = self.judge(&*policy);
        judge.check_identity(action)?;
        importer.accept(id, request, who, &|get, image, test| {
            let membership = self.membership(get, image)?;
            judge.check_after(action, image, membership, test)
        })
    }

    /// Asks for a location to be added to a queued image, which becomes active by it: the task looks
    /// at the data there, and computes its digests where that is wanted
    /// ([`Settings::do_secure_hash`](crate::Settings)). Nothing runs before [`Import::run`] or
    /// [`Import::spawn`].
    ///
    /// # Errors
    /// In this order: `UnsupportedCharacter`; `ReadOnlyCaller`; `SchemaViolation`; `NotFound`; `InvalidState` unless the
    /// image is queued; `Forbidden`, also for other than `http` urls and where there is no store for
    /// these, unless a service calls; `SchemaViolation` for a malformed digest; `UriNotAllowed`;
    /// `ImportLocked`.
    pub fn add_location(
        &self,
        id: &ImageId,
        location: &NewLocation,
        who: &Requester,
    ) -> Result<Import> {
        location.check_characters(&self.engine().settings().limits)?;
        let policy = self.policy();
        let judge = self.judge(&*policy);
        judge.check_identity(Action::LocationAdd)?;
        let is_open = self.caller.is_service() || self.takes(location);
        self.importer()?
            .accept_location(id, location, who, &|get, image, test| {
                let membership = self.membership(get, image)?;
                judge.check_after(Action::LocationAdd, image, membership, test)?;
                match is_open {
                    true => Ok(()),
                    false => {
                        let message = "no store of the engine takes the location from this caller";
                        Err(Error::new(ErrorCode::Forbidden, message))
                    }
                }
            })
    }

    /// Tells whether anybody may add a location.
    fn takes(&self, location: &NewLocation) -> bool {
        let mut stores = self.engine().inner.base.stores.infos();
        location.is_http() && stores.any(|info| info.kind == "http")
    }

    /// Returns the tasks of an image that belong to the project of the caller, all of them to
    /// administrators, oldest first. Those that ended two days ago are shown no more.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn tasks(&self, id: &ImageId) -> Result<Vec<Task>> {
        let policy = self.policy();
        let judge = self.judge(&*policy);
        judge.check_identity(Action::ImageTasks)?;
        let base = self.readable()?;
        let now = base.now();
        let mut tasks = base.kv.read(|get| {
            self.allowed(get, &judge, id, Action::ImageTasks)?;
            tasks::of_image(get, id, now)
        })?;
        let caller = &self.caller;
        tasks.retain(|task| caller.is_admin() || caller.acts_for(task.owner.as_ref()));
        Ok(tasks)
    }

    /// Returns all tasks that are still shown, by id, for administrators.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn all_tasks(&self) -> Result<Vec<Task>> {
        self.check_global(Action::Tasks)?;
        let base = self.readable()?;
        let now = base.now();
        base.kv.read(|get| tasks::all(get, now))
    }

    /// Returns a task, for administrators.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn task(&self, id: &ImageId) -> Result<Task> {
        self.check_global(Action::Tasks)?;
        let base = self.readable()?;
        let now = base.now();
        let found = base.kv.read(|get| tasks::find(get, id))?;
        found.filter(|task| !task.is_expired(now)).ok_or_else(|| {
            let message = format!("there is no task {id}");
            Error::new(ErrorCode::NotFound, message)
        })
    }

    /// Returns what the project of the caller uses of its limits; nothing where the engine was given
    /// none.
    ///
    /// # Errors
    /// `Closed`, `Unavailable`.
    pub fn usage(&self) -> Result<Option<Usage>> {
        let project = self.caller.project_id();
        let quota = &self.engine().inner.quota;
        self.readable()?.kv.read(|get| quota.usage(get, project))
    }

    fn importer(&self) -> Result<&Arc<Importer>> {
        self.ingest()?;
        let importer = self.engine().inner.importer.as_ref();
        importer.ok_or_else(|| {
            let message = "the engine was opened for reading only";
            Error::new(ErrorCode::ReadOnlyEngine, message)
        })
    }
}

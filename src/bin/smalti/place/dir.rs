//! A directory as a place: an engine that is opened for one command.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use smalti::http::UsageDocument;
use smalti::import::{Request, Requester};
use smalti::wire::{
    CacheDocument, ImageDocument, ImageOptions, ImageTasksDocument, ListDocument, MemberDocument,
    MembersDocument, PrunedDocument,
};
use smalti::{
    ByteRange, Caller, Engine, Error, ErrorCode, ExtentKind, Image, ImageId, Images, ListQuery,
    MemberStatus, NewImage, Patch, ProjectId, Reader, Upload, UploadOptions,
};

use super::known::strange;
use super::{Caching, Depth, Known, Listed, Need, Place, Switch, Tagging, stores, task};
use crate::config::Config;
use crate::fault::{Exit, Fault, Outcome};
use crate::files::{Sink, Source, Stretch};
use crate::interrupt;

/// How long a close waits for uploads, of which there are none then.
const CLOSE: Duration = Duration::from_secs(10);

/// The images of a directory, as one caller sees them.
#[derive(Debug)]
pub(crate) struct DirPlace {
    engine: Engine,
    images: Images,
    dir: PathBuf,
    asks_for_all: bool,
    /// Who asks, as tasks show it.
    requester: Requester,
}

/// Opens the engine of a directory. One that was not closed cleanly is opened for writing, which
/// recovers it, also for a command that only reads.
fn open_engine(dir: &Path, need: Need, config: &Config) -> Outcome<Engine> {
    let hint = "name a directory of images, or http://HOST:PORT, with --at";
    let builder = || {
        config.builder(dir).map_err(|fault| match fault.code() {
            "Usage" => fault.with_hint(hint),
            _ => fault,
        })
    };
    let opened = match need {
        Need::Create => builder()?.open(),
        Need::Write => builder()?.existing().open(),
        Need::Read => match builder()?.read_only().open() {
            Err(error) if error.code() == ErrorCode::NeedsRecovery => builder()?.existing().open(),
            opened => opened,
        },
    };
    opened.map_err(|error| match error.code() {
        ErrorCode::NotFound => {
            let message = format!("{}: there are no images", dir.display());
            Fault::new(Exit::NotFound, "NotFound", message).with_hint(
                "name the directory with --at DIR; `smalti put` and `smalti serve` make one",
            )
        }
        _ => named(Fault::from(error), dir),
    })
}

impl DirPlace {
    /// Opens a directory.
    pub(crate) fn open(dir: &Path, need: Need, caller: Caller, config: &Config) -> Outcome<Self> {
        let engine = open_engine(dir, need, config)?;
        let images = engine.images(&caller);
        let dir = dir.to_owned();
        Ok(Self {
            engine,
            images,
            dir,
            asks_for_all: caller.is_admin() && caller.project_id().is_none(),
            requester: Requester {
                owner: caller.project_id().cloned(),
                user_id: caller.user_id().map(str::to_owned),
                request_id: None,
            },
        })
    }

    /// Returns the engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Names the directory in a fault that is about it as a whole.
    pub(crate) fn named(&self, fault: Fault) -> Fault {
        named(fault, &self.dir)
    }

    /// Makes the fault of a call of the cache, which says how the cache is switched on where it is off.
    pub(crate) fn of_cache(&self, error: Error) -> Fault {
        match error.code() == ErrorCode::NotFound && !self.engine.settings().image_cache {
            true => Fault::from(error).with_hint("name a file with image_cache = true by --config"),
            false => error.into(),
        }
    }

    fn give(&self, reader: &Reader, range: Option<ByteRange>, sink: &mut dyn Sink) -> Outcome {
        if let Some(range) = range {
            let range = range.within(reader.len_bytes())?;
            sink.begin(range.end - range.start)?;
            return self.give_data(reader, range, sink);
        }
        sink.begin(reader.len_bytes())?;
        for extent in reader.extents() {
            let extent = extent?;
            match extent.kind {
                ExtentKind::Zero => sink.zeros(extent.range.end - extent.range.start)?,
                ExtentKind::Data => self.give_data(reader, extent.range, sink)?,
            }
        }
        Ok(())
    }

    fn give_data(&self, reader: &Reader, range: Range<u64>, sink: &mut dyn Sink) -> Outcome {
        for bytes in reader.slices(range)? {
            sink.bytes(bytes?)?;
        }
        Ok(())
    }

    fn fill(&self, mut upload: Upload, source: &mut Source) -> Outcome<Image> {
        while let Some(stretch) = source.next_stretch()? {
            match stretch {
                Stretch::Data => upload.read_from(source).map(drop),
                Stretch::Hole(len) => upload.skip(len),
            }
            .map_err(|error| source.why(error))?;
        }
        // Who was interrupted, like the program that feeds this one, wants no half image.
        interrupt::check()?;
        Ok(upload.finish()?)
    }

    fn known(&self, image: &Image) -> Outcome<Known> {
        Known::read(json(&self.document(image))?)
    }

    fn document<'a>(&self, image: &'a Image) -> ImageDocument<'a> {
        let options = match self.engine.has_named_stores() {
            true => ImageOptions::new().stores(),
            false => ImageOptions::new(),
        };
        ImageDocument::new(image).with_options(options)
    }
}

fn options(source: &Source, store: Option<&str>) -> UploadOptions {
    UploadOptions {
        expected_len_bytes: source.len_bytes(),
        store: store.map(str::to_owned),
        ..UploadOptions::default()
    }
}

impl Place for DirPlace {
    fn create(&self, body: &Value) -> Outcome<Known> {
        let limits = &self.engine.settings().limits;
        let new = NewImage::from_json(Some(body.to_string().as_bytes()), limits)?;
        self.known(&self.images.create(new)?)
    }

    fn show(&self, id: &ImageId) -> Outcome<Known> {
        self.known(&self.images.show(id)?)
    }

    fn list(&self, query: &ListQuery) -> Outcome<Listed> {
        let page = self.images.list(query)?;
        let images = page
            .images()
            .iter()
            .map(|image| self.document(image))
            .collect();
        let document = ListDocument::new(query, &self.engine.settings().page, images);
        Listed::read(json(&document)?)
    }

    fn update(&self, id: &ImageId, patch: &Patch) -> Outcome<Known> {
        self.known(&self.images.update(id, patch)?)
    }

    fn delete(&self, id: &ImageId) -> Outcome {
        Ok(self.images.delete(id)?)
    }

    fn switch(&self, id: &ImageId, switch: Switch) -> Outcome {
        let switched = match switch {
            Switch::Deactivate => self.images.deactivate(id),
            Switch::Reactivate => self.images.reactivate(id),
        };
        switched.map_err(Fault::from)
    }

    fn tag(&self, id: &ImageId, tagging: Tagging<'_>) -> Outcome {
        let tags = self.images.tags(id);
        let tagged = match tagging {
            Tagging::Add(tag) => tags.add(tag),
            Tagging::Remove(tag) => tags.remove(tag),
        };
        tagged.map_err(Fault::from)
    }

    fn members(&self, id: &ImageId) -> Outcome<Value> {
        json(&MembersDocument::new(&self.images.members(id).list()?))
    }

    fn add_member(&self, id: &ImageId, project: &ProjectId) -> Outcome<Value> {
        json(&MemberDocument::new(&self.images.members(id).add(project)?))
    }

    fn decide(&self, id: &ImageId, project: &ProjectId, status: MemberStatus) -> Outcome<Value> {
        let member = self.images.members(id).set_status(project, status)?;
        json(&MemberDocument::new(&member))
    }

    fn remove_member(&self, id: &ImageId, project: &ProjectId) -> Outcome {
        Ok(self.images.members(id).remove(project)?)
    }

    fn upload(&self, id: &ImageId, source: &mut Source, store: Option<&str>) -> Outcome<Known> {
        if store.is_some() {
            // Where there is one store, the engine does not look at names.
            stores::expect(&self.engine)?;
        }
        let filled = self.images.upload_with(id, options(source, store));
        let filled = filled.map_err(Fault::from);
        let filled = filled.and_then(|upload| self.fill(upload, source));
        self.known(&filled.map_err(|fault| self.named(fault))?)
    }

    fn stage(&self, id: &ImageId, source: &mut Source) -> Outcome {
        let staged = self.images.stage(id, options(source, None));
        let staged = staged.map_err(Fault::from);
        let staged = staged.and_then(|upload| self.fill(upload, source));
        staged.map(drop).map_err(|fault| self.named(fault))
    }

    fn import(&self, id: &ImageId, request: &Request, tell: &dyn Fn(&str)) -> Outcome<Known> {
        if let Some(import) = self.images.import(id, request, &self.requester)? {
            let task_id = import.task_id().to_string();
            import.spawn();
            let look = || {
                let tasks = json(&ImageTasksDocument::new(&self.images.tasks(id)?))?;
                let found = task::find(&tasks, &|id| id == task_id);
                found.ok_or_else(|| task::gone(id))
            };
            task::wait(&look, tell)?;
        }
        self.show(id)
    }

    fn stores(&self, depth: Depth) -> Outcome<Value> {
        json(&stores::document(&self.engine, &self.images, depth)?)
    }

    fn delete_copy(&self, id: &ImageId, store: &str) -> Outcome {
        stores::expect(&self.engine)?;
        Ok(self.images.delete_from_store(id, store)?)
    }

    fn usage(&self) -> Outcome<Value> {
        json(&UsageDocument::new(self.images.usage()?))
    }

    fn cache(&self) -> Outcome<Value> {
        let state = self.images.cache().state();
        json(&CacheDocument::from(
            state.map_err(|error| self.of_cache(error))?,
        ))
    }

    fn change_cache(&self, change: Caching<'_>) -> Outcome<Value> {
        let cache = self.images.cache();
        let pruned = match change {
            Caching::Queue(id) => cache.queue(id).map(|()| None),
            Caching::Remove(id) => cache.remove(id).map(|()| None),
            Caching::Clear(target) => cache.clear(target).map(|()| None),
            Caching::Prune => cache.prune().map(Some),
        };
        let pruned = pruned.map_err(|error| self.of_cache(error))?;
        json(&pruned.map(|it| PrunedDocument::new(it.copy_count, it.size_bytes)))
    }

    fn download(&self, id: &ImageId, range: Option<ByteRange>, sink: &mut dyn Sink) -> Outcome {
        match self.images.open(id)? {
            Some(reader) => self.give(&reader, range, sink),
            None => Err(super::no_data(id)),
        }
    }

    fn asks_for_all(&self) -> bool {
        self.asks_for_all
    }

    fn close(&self) -> Outcome {
        let closed = self.engine.close(CLOSE);
        closed.map_err(|error| self.named(error.into()))
    }
}

fn json(document: &impl Serialize) -> Outcome<Value> {
    serde_json::to_value(document).map_err(|error| strange("the engine", &error))
}

fn named(fault: Fault, dir: &Path) -> Fault {
    let is_whole = ["UnknownFormat", "StorageFull"].contains(&fault.code());
    match fault.exit() {
        Exit::Unavailable | Exit::Damaged => fault.about(dir.display()),
        _ if is_whole => fault.about(dir.display()),
        _ => fault,
    }
}

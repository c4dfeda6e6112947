//! A directory as a place: an engine that is opened for one command.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use smalti::wire::{ImageDocument, ListDocument, MemberDocument, MembersDocument};
use smalti::{
    ByteRange, Caller, Engine, ErrorCode, ExtentKind, Image, ImageId, Images, ListQuery,
    MemberStatus, NewImage, Patch, ProjectId, Reader, UploadOptions,
};

use super::known::strange;
use super::{Known, Listed, Need, Place, Switch, Tagging};
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
}

/// Opens the engine of a directory. One that was not closed cleanly is opened for writing, which
/// recovers it, also for a command that only reads.
fn open_engine(dir: &Path, need: Need) -> Outcome<Engine> {
    if dir.exists() && !dir.is_dir() {
        let message = format!("{} is no directory", dir.display());
        return Err(Fault::usage(message)
            .with_hint("name a directory of images, or http://HOST:PORT, with --at"));
    }
    let builder = Engine::builder(dir);
    let opened = match need {
        Need::Create => builder.open(),
        Need::Write => builder.existing().open(),
        Need::Read => match builder.read_only().open() {
            Err(error) if error.code() == ErrorCode::NeedsRecovery => {
                Engine::builder(dir).existing().open()
            }
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
    pub(crate) fn open(dir: &Path, need: Need, caller: Caller) -> Outcome<Self> {
        let engine = open_engine(dir, need)?;
        let images = engine.images(&caller);
        let dir = dir.to_owned();
        Ok(Self {
            engine,
            images,
            dir,
            asks_for_all: caller.is_admin() && caller.project_id().is_none(),
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

    fn fill(&self, id: &ImageId, source: &mut Source) -> Outcome<Image> {
        let options = UploadOptions {
            expected_len_bytes: source.len_bytes(),
            ..UploadOptions::default()
        };
        let mut upload = self.images.upload_with(id, options)?;
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
}

impl Place for DirPlace {
    fn create(&self, body: &Value) -> Outcome<Known> {
        let limits = &self.engine.settings().limits;
        let new = NewImage::from_json(Some(body.to_string().as_bytes()), limits)?;
        known(&self.images.create(new)?)
    }

    fn show(&self, id: &ImageId) -> Outcome<Known> {
        known(&self.images.show(id)?)
    }

    fn list(&self, query: &ListQuery) -> Outcome<Listed> {
        let page = self.images.list(query)?;
        let images = page.images().iter().map(ImageDocument::new).collect();
        let document = ListDocument::new(query, &self.engine.settings().page, images);
        Listed::read(json(&document)?)
    }

    fn update(&self, id: &ImageId, patch: &Patch) -> Outcome<Known> {
        known(&self.images.update(id, patch)?)
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

    fn upload(&self, id: &ImageId, source: &mut Source) -> Outcome<Known> {
        let filled = self.fill(id, source).map_err(|fault| self.named(fault))?;
        known(&filled)
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

fn known(image: &Image) -> Outcome<Known> {
    Known::read(json(&ImageDocument::new(image))?)
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

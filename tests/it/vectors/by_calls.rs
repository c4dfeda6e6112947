//! Vectors carried by calls of the engine, as a host makes them: bodies are read, calls are made,
//! and documents are printed.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde_json::Value;
use smalti::image::{Decision, Member, Patch};
use smalti::import::{Request, Requester};
use smalti::patch::Dialect;
use smalti::query::ListQuery;
use smalti::wire::{
    ErrorDocument, ImageDocument, ImageOptions, ImageTasksDocument, ListDocument, MemberDocument,
    MembersDocument, expect_no_body,
};
use smalti::{
    Caller, Engine, Error, Image, ImageId, Images, Limits, NewImage, Reader, Result, Status,
    Upload, UploadOptions,
};

use super::ask::{Answer, Ask, Face, Running, Transport};
use super::project;

/// Calls of the engine.
pub(super) struct Calls;

impl Transport for Calls {
    fn name(&self) -> &'static str {
        "the engine"
    }

    fn face(&self, engine: &Engine) -> Box<dyn Face + Send> {
        Box::new(engine.clone())
    }
}

impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        let document = json(&ErrorDocument::new(&error));
        let message = error.message();
        assert!(message.len() < 600, "{message}");
        Self {
            error: document["error"]["code"].as_str().map(str::to_owned),
            document,
            ..Self::new(error.http_status())
        }
    }
}

impl Face for Engine {
    fn ask(&self, caller: &Caller, ask: Ask<'_>) -> Answer {
        call(self, &self.images(caller), ask).unwrap_or_else(Answer::from)
    }

    fn begin(&self, caller: &Caller, id: &ImageId) -> Box<dyn Running> {
        let upload = self.images(caller).upload(id);
        Box::new(upload.expect("it is let in"))
    }
}

fn call(engine: &Engine, images: &Images, ask: Ask<'_>) -> Result<Answer> {
    let limits = &engine.settings().limits;
    let done = |result: Result<()>| result.map(|()| Answer::new(204));
    let one = |status: u16, image: Image| Answer {
        document: json(&document(engine, &image)),
        image: Some(image),
        ..Answer::new(status)
    };
    match ask {
        Ask::Create(body) => {
            let new = NewImage::from_json(body, limits)?;
            Ok(one(201, images.create(new)?))
        }
        Ask::Show(id) => Ok(one(200, images.show(id)?)),
        Ask::Patch(id, media_type, body) => {
            let dialect = Dialect::from_media_type(media_type)?;
            let patch = Patch::parse(dialect, body, limits)?;
            Ok(one(200, images.update(id, &patch)?))
        }
        Ask::Delete(id) => done(images.delete(id)),
        Ask::Deactivate(id) => done(images.deactivate(id)),
        Ask::Reactivate(id) => done(images.reactivate(id)),
        Ask::List(query) => list(engine, images, query),
        Ask::Upload(id, data) => done(upload(images, id, data)),
        Ask::Download(id) => read(images.open(id)?),
        Ask::DownloadFrom(id, store) => {
            let options = engine.settings().read;
            read(images.open_preferring(id, &[store], options)?)
        }
        Ask::Stage(id, data) => done(stage(images, id, data)),
        Ask::Import(id, store, body) => import(images, id, store, body),
        Ask::Tasks(id) => {
            let tasks = images.tasks(id)?;
            Ok(Answer::new(200).with(json(&ImageTasksDocument::new(&tasks))))
        }
        Ask::DeleteCopy(id, store) => done(images.delete_from_store(id, store)),
        Ask::Tag(id, method, tag, body) => done(tagged(images, id, method, tag, body)),
        Ask::Members(id, method, member, body) => {
            members(images, id, method, member.map(project), body, limits)
        }
    }
}

fn json(document: &impl Serialize) -> Value {
    serde_json::to_value(document).expect("JSON")
}

fn document<'a>(engine: &Engine, image: &'a Image) -> ImageDocument<'a> {
    let options = match engine.settings().show_multiple_locations {
        true => ImageOptions::new().locations(),
        false => ImageOptions::new(),
    };
    ImageDocument::new(image).with_options(options)
}

fn list(engine: &Engine, images: &Images, query: &str) -> Result<Answer> {
    let query: ListQuery = query.parse()?;
    let page = images.list(&query)?;
    let shown = page.images().iter().map(|image| document(engine, image));
    let shown = ListDocument::new(&query, &engine.settings().page, shown.collect());
    let shown = json(&shown);
    assert_eq!(shown["first"], page.first_link("/v2/images"));
    let next = shown["next"].as_str().map(str::to_owned);
    assert_eq!(next, page.next_link("/v2/images"));
    Ok(Answer::new(200).with(shown))
}

fn upload(images: &Images, id: &ImageId, data: &[u8]) -> Result<()> {
    let mut upload = images.upload(id)?;
    upload.write_all(data).expect("written");
    let image = upload.finish()?;
    assert_eq!(image.size(), Some(data.len() as u64));
    Ok(())
}

fn stage(images: &Images, id: &ImageId, data: &[u8]) -> Result<()> {
    let mut upload = images.stage(id, UploadOptions::default())?;
    upload.write_all(data).expect("written");
    let image = upload.finish()?;
    assert_eq!(image.status(), Status::Uploading);
    Ok(())
}

fn import(images: &Images, id: &ImageId, store: Option<&str>, body: &[u8]) -> Result<Answer> {
    let mut request = Request::parse(body)?;
    if let Some(store) = store {
        request = request.header_store(store);
    }
    if let Some(import) = images.import(id, &request, &Requester::default())? {
        import.spawn();
    }
    Ok(Answer::new(202))
}

fn read(reader: Option<Reader>) -> Result<Answer> {
    let Some(reader) = reader else {
        return Ok(Answer::new(204));
    };
    let slices: Result<Vec<_>> = reader.slices(..)?.collect();
    Ok(Answer {
        data: slices?.concat(),
        ..Answer::new(200)
    })
}

fn tagged(images: &Images, id: &ImageId, method: &str, tag: &str, body: &[u8]) -> Result<()> {
    // The calls of the engine take no body; a server refuses one before.
    expect_no_body(body)?;
    let tags = images.tags(id);
    match method {
        "PUT" => tags.add(tag),
        "DELETE" => tags.remove(tag),
        other => panic!("no call {other}"),
    }
}

fn members(
    images: &Images,
    id: &ImageId,
    method: &str,
    member: Option<smalti::ProjectId>,
    body: Option<&[u8]>,
    limits: &Limits,
) -> Result<Answer> {
    let members = images.members(id);
    let one = |member: Member| Answer::new(200).with(json(&MemberDocument::new(&member)));
    match (method, member) {
        ("POST", None) => {
            let project = Member::project_from_json(body, limits)?;
            members.add(&project).map(one)
        }
        ("GET", None) => {
            let members = members.list()?;
            Ok(Answer::new(200).with(json(&MembersDocument::new(&members))))
        }
        ("GET", Some(project)) => members.show(&project).map(one),
        ("PUT", Some(project)) => {
            let decision = Decision::from_json(body)?;
            members.set_status(&project, decision).map(one)
        }
        ("DELETE", Some(project)) => members.remove(&project).map(|()| Answer::new(204)),
        other => panic!("no call {other:?}"),
    }
}

impl Running for Upload {
    fn write(&mut self, data: &[u8]) {
        self.write_all(data).expect("written");
    }

    fn finish(self: Box<Self>) -> Answer {
        let finished = Upload::finish(*self);
        finished.map_or_else(Answer::from, |_| Answer::new(204))
    }

    fn fail(mut self: Box<Self>) -> Answer {
        let error = self.read_from(&mut Failing).expect_err("it fails");
        error.into()
    }
}

/// A source that breaks.
struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the line is dead"))
    }
}

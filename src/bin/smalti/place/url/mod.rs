//! A server of the Images API v2 as a place.

mod answer;
mod client;
mod feed;

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use smalti::cache::ClearTarget;
use smalti::import::Request;
use smalti::wire::ImageAnswer;
use smalti::{Algorithm, ByteRange, ImageId, ListQuery, MemberStatus, Patch, ProjectId};

use super::{Caching, Depth, Known, Listed, Place, Switch, Tagging, task};
use crate::fault::{Exit, Fault, Outcome};
use crate::files::{Sink, Source};
use client::{Client, Sent};

/// The digest that is computed beside an upload: the one that servers have by default.
const DIGEST: Algorithm = Algorithm::Sha512;

/// The images of a server, as the headers of the requests say.
#[derive(Debug)]
pub(crate) struct UrlPlace {
    client: Client,
    asks_for_all: bool,
}

impl UrlPlace {
    /// Makes ready to talk to a server; nothing is sent yet.
    pub(crate) fn open(
        url: &str,
        headers: &[(String, String)],
        timeout: Duration,
    ) -> Outcome<Self> {
        let client = Client::new(url, headers, timeout)?;
        Ok(Self {
            client,
            asks_for_all: headers.is_empty(),
        })
    }

    fn json(&self, method: Method, path: &[&str], body: Option<&Value>) -> Outcome<Value> {
        let body = body.map(|body| Sent::new("application/json", body.to_string()));
        self.client.call(method, path, None, body)?.json()
    }

    fn clear(&self, target: ClearTarget) -> Outcome {
        let mut request = self.client.request(Method::DELETE, &["cache"])?;
        if let Some(word) = target.word() {
            request = request.header("x-image-cache-clear-target", word);
        }
        self.client.send(request).map(drop)
    }

    fn nothing(&self, method: Method, path: &[&str]) -> Outcome {
        self.client.call(method, path, None, None).map(drop)
    }
}

impl Place for UrlPlace {
    fn create(&self, body: &Value) -> Outcome<Known> {
        Known::read(self.json(Method::POST, &["images"], Some(body))?)
    }

    fn show(&self, id: &ImageId) -> Outcome<Known> {
        Known::read(self.json(Method::GET, &["images", &id.to_string()], None)?)
    }

    fn list(&self, query: &ListQuery) -> Outcome<Listed> {
        let query = query.to_string();
        let answer = self
            .client
            .call(Method::GET, &["images"], Some(&query), None)?;
        Listed::read(answer.json()?)
    }

    fn update(&self, id: &ImageId, patch: &Patch) -> Outcome<Known> {
        let media_type = patch.dialect().media_type();
        let body = Sent::new(media_type, patch.to_string());
        let path = ["images", &id.to_string()];
        let answer = self.client.call(Method::PATCH, &path, None, Some(body))?;
        Known::read(answer.json()?)
    }

    fn delete(&self, id: &ImageId) -> Outcome {
        self.nothing(Method::DELETE, &["images", &id.to_string()])
    }

    fn switch(&self, id: &ImageId, switch: Switch) -> Outcome {
        let action = match switch {
            Switch::Deactivate => "deactivate",
            Switch::Reactivate => "reactivate",
        };
        self.nothing(
            Method::POST,
            &["images", &id.to_string(), "actions", action],
        )
    }

    fn tag(&self, id: &ImageId, tagging: Tagging<'_>) -> Outcome {
        let (method, tag) = match tagging {
            Tagging::Add(tag) => (Method::PUT, tag),
            Tagging::Remove(tag) => (Method::DELETE, tag),
        };
        self.nothing(method, &["images", &id.to_string(), "tags", tag])
    }

    fn members(&self, id: &ImageId) -> Outcome<Value> {
        self.json(Method::GET, &["images", &id.to_string(), "members"], None)
    }

    fn add_member(&self, id: &ImageId, project: &ProjectId) -> Outcome<Value> {
        let body = json!({ "member": project.as_str() });
        let path = ["images", &id.to_string(), "members"];
        self.json(Method::POST, &path, Some(&body))
    }

    fn decide(&self, id: &ImageId, project: &ProjectId, status: MemberStatus) -> Outcome<Value> {
        let body = json!({ "status": status.as_str() });
        let path = ["images", &id.to_string(), "members", project.as_str()];
        self.json(Method::PUT, &path, Some(&body))
    }

    fn remove_member(&self, id: &ImageId, project: &ProjectId) -> Outcome {
        let path = ["images", &id.to_string(), "members", project.as_str()];
        self.nothing(Method::DELETE, &path)
    }

    fn upload(&self, id: &ImageId, source: &mut Source, store: Option<&str>) -> Outcome<Known> {
        source.begin_digest(DIGEST);
        let path = ["images", &id.to_string(), "file"];
        feed::upload(&self.client, &path, source, store)?;
        let known = self.show(id)?;
        expect_same(&known.image, source)?;
        Ok(known)
    }

    fn stage(&self, id: &ImageId, source: &mut Source) -> Outcome {
        let path = ["images", &id.to_string(), "stage"];
        feed::upload(&self.client, &path, source, None)
    }

    fn import(&self, id: &ImageId, request: &Request, tell: &dyn Fn(&str)) -> Outcome<Known> {
        let path = id.to_string();
        let tasks = || self.json(Method::GET, &["images", &path, "tasks"], None);
        let before = ids(&tasks()?);
        let body = Sent::new("application/json", request.to_string());
        let to = ["images", &path, "import"];
        self.client.call(Method::POST, &to, None, Some(body))?;
        let find = |tasks: &Value| task::find(tasks, &|id| !before.iter().any(|known| known == id));
        // There is none where the data is in every store already.
        if find(&tasks()?).is_some() {
            let look = || find(&tasks()?).ok_or_else(|| task::gone(id));
            task::wait(&look, tell)?;
        }
        self.show(id)
    }

    fn stores(&self, depth: Depth) -> Outcome<Value> {
        match depth {
            Depth::Names => self.json(Method::GET, &["info", "stores"], None),
            Depth::Details => self.json(Method::GET, &["info", "stores", "detail"], None),
        }
    }

    fn delete_copy(&self, id: &ImageId, store: &str) -> Outcome {
        self.nothing(Method::DELETE, &["stores", store, &id.to_string()])
    }

    fn usage(&self) -> Outcome<Value> {
        self.json(Method::GET, &["info", "usage"], None)
    }

    fn cache(&self) -> Outcome<Value> {
        self.json(Method::GET, &["cache"], None)
    }

    fn change_cache(&self, change: Caching<'_>) -> Outcome<Value> {
        let done = match change {
            Caching::Queue(id) => self.nothing(Method::PUT, &["cache", &id.to_string()]),
            Caching::Remove(id) => self.nothing(Method::DELETE, &["cache", &id.to_string()]),
            Caching::Clear(target) => self.clear(target),
            Caching::Prune => return self.json(Method::POST, &["cache", "prune"], None),
        };
        done.map(|()| Value::Null)
    }

    fn download(&self, id: &ImageId, range: Option<ByteRange>, sink: &mut dyn Sink) -> Outcome {
        let path = ["images", &id.to_string(), "file"];
        let mut data = self.client.open(&path, range)?;
        let Some(len_bytes) = data.len_bytes()? else {
            return Err(super::no_data(id));
        };
        sink.begin(len_bytes)?;
        let mut left = len_bytes;
        while let Some(bytes) = data.next_bytes(&self.client)? {
            left = left
                .checked_sub(bytes.len() as u64)
                .ok_or_else(|| answer::cut(left))?;
            sink.bytes(bytes)?;
        }
        match left {
            0 => Ok(()),
            left => Err(answer::cut(left)),
        }
    }

    fn asks_for_all(&self) -> bool {
        self.asks_for_all
    }

    fn close(&self) -> Outcome {
        Ok(())
    }
}

/// Returns the ids of the tasks of a document.
fn ids(tasks: &Value) -> Vec<String> {
    let tasks = tasks["tasks"].as_array().into_iter().flatten();
    let ids = tasks.filter_map(|task| task["id"].as_str());
    ids.map(str::to_owned).collect()
}

/// Tests that a server has stored what it was sent: the size, and the digest where it computes the
/// same.
fn expect_same(image: &ImageAnswer, source: &mut Source) -> Outcome {
    let other = |what: &str| {
        let message = format!("image {} has another {what} than what was sent", image.id);
        Fault::new(Exit::Damaged, "HashConflict", message).with_hint("try again")
    };
    if image.size != Some(source.position()) {
        return Err(other("size"));
    }
    let sent = source.end_digest();
    let stored = image.os_hash_value.as_ref().map(ToString::to_string);
    match image.os_hash_algo.as_deref() == Some(DIGEST.name()) && sent != stored {
        true => Err(other(DIGEST.name())),
        false => Ok(()),
    }
}

//! The vectors of the specification, run through the public calls of an engine, as a host makes
//! them, and through requests to a server in front of one, by the same tables.
//!
//! The rooms run the same vectors at their own level, beside their code. What is seen here only is
//! that the engine and the front end put the rooms together as the specification says.

mod ask;
mod by_calls;
#[cfg(feature = "http")]
mod by_http;
mod calls;
mod create;
mod filters;
mod formats;
mod hash;
mod import;
mod lists;
mod members;
mod patch;
mod policy_overrides;
mod policy_rules;
mod property_protections;
#[cfg(feature = "http")]
mod range;
mod sort;
mod stage;
mod status;
mod tags;
mod tally;
#[cfg(feature = "http")]
mod upload;
mod visibility;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use smalti::image::{Expected, LocationSource};
use smalti::import::{Request, Requester};
use smalti::query::PageLimits;
use smalti::task::TaskStatus;
use smalti::wire::ImageAnswer;
use smalti::{
    Caller, Engine, Error, ErrorCode, Image, ImageId, Limits, ProjectId, Settings, testing,
};

use self::ask::Transport;
use crate::support::elsewhere::{with_sources, with_stores};
use crate::support::stage::Ticks;

/// What the calls of a vector say, or how they differ from what they must say.
type Checked = Result<(), String>;

/// A file of vectors.
struct File {
    name: &'static str,
    json: Value,
}

impl File {
    fn new(name: &'static str, text: &str) -> Self {
        let json = serde_json::from_str(text).expect("vectors are JSON");
        Self { name, json }
    }

    /// Returns a member of the file besides the vectors.
    fn part(&self, name: &str) -> &Value {
        &self.json[name]
    }

    /// Runs every vector, and says of all that fail how they do.
    fn run(&self, way: &dyn Transport, check: impl Fn(&Value) -> Checked) {
        let count = self.json["count"].as_u64().expect("a count");
        self.run_where(way, "", count, |_| true, check);
    }

    /// Runs the vectors that `pick` takes, of which there are `count`.
    fn run_where(
        &self,
        way: &dyn Transport,
        what: &str,
        count: u64,
        pick: impl Fn(&Value) -> bool,
        check: impl Fn(&Value) -> Checked,
    ) {
        let all = self.json["vectors"].as_array().expect("a list of vectors");
        let picked: Vec<&Value> = all.iter().filter(|vector| pick(vector)).collect();
        let ids: BTreeSet<&str> = picked.iter().map(|vector| text(vector, "id")).collect();
        let faults: Vec<String> = picked
            .iter()
            .filter_map(|vector| Some(format!("{}: {}", vector["id"], check(vector).err()?)))
            .collect();
        let (name, way, ran) = (self.name, way.name(), picked.len() as u64);
        println!("{name}.json{what}: {ran} of {count} vectors ran through {way}");
        assert!(faults.is_empty(), "{name}:\n{}", faults.join("\n"));
        assert_eq!((ran, ids.len() as u64), (count, count), "{name}{what}");
    }
}

/// Compares an answer with the one that a vector expects.
fn same(found: &Value, expected: &Value) -> Checked {
    match found == expected {
        true => Ok(()),
        false => Err(format!("{found} found, {expected} expected")),
    }
}

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    let found = json[name].as_str();
    found.unwrap_or_else(|| panic!("{name} of {json} is no text"))
}

fn texts(json: &Value) -> impl Iterator<Item = &str> {
    let list = json.as_array().into_iter().flatten();
    list.map(|item| item.as_str().expect("a text"))
}

fn project(text: &str) -> ProjectId {
    ProjectId::new(text).expect("a project")
}

/// Makes a caller of project, roles, and roles of a service; one that reads only has no identity.
fn caller(actor: &Value) -> Caller {
    if actor["read_only"] == true || actor["project"].is_null() {
        return Caller::anonymous();
    }
    let caller = Caller::authenticated(Some(project(text(actor, "project"))));
    let caller = texts(&actor["roles"]).fold(caller, Caller::with_role);
    texts(&actor["service_roles"]).fold(caller, Caller::with_service_role)
}

/// An administrator of a project that has nothing to do with any vector.
fn operator() -> Caller {
    Caller::project("operators").with_role("admin")
}

/// Reads the options of a vector.
fn settings(config: &Value) -> Settings {
    let quota = |name: &str, default: Option<u32>| match config[name].as_i64() {
        Some(limit) => u32::try_from(limit).ok(),
        None => default,
    };
    let (limits, page) = (Limits::default(), PageLimits::default());
    let number = |name: &str, default| config[name].as_u64().unwrap_or(default);
    Settings {
        limits: {
            let mut set = limits.clone();
            set.tags_max = quota("image_tag_quota", limits.tags_max);
            set.properties_max = quota("image_property_quota", limits.properties_max);
            set.members_max = quota("image_member_quota", limits.members_max);
            set
        },
        page: PageLimits {
            default: number("limit_param_default", page.default),
            max: number("api_limit_max", page.max),
        },
        show_multiple_locations: config["show_multiple_locations"] == true,
        reserve_len_bytes: 0,
        index_cache_bytes: 1 << 20,
        page_cache_bytes: 1 << 20,
        ..Settings::default()
    }
}

/// Opens an engine in memory, with the stores that vectors of locations assume.
fn engine(settings: Settings) -> Engine {
    let builder = Engine::builder_in_memory().settings(settings);
    let builder = builder.clock(Ticks::default()).locations(Stores);
    builder.open().expect("open")
}

/// Opens an engine in memory with stores that callers may choose among, and with all that imports
/// may take data from.
fn engine_with_stores(settings: Settings) -> Engine {
    let builder = Engine::builder_in_memory().settings(settings);
    let builder = builder.clock(Ticks::default()).locations(Stores);
    let builder = with_sources(with_stores(builder));
    builder.open().expect("open")
}

/// Copies the data of an active image to one more store.
fn copy_to(engine: &Engine, id: &ImageId, store: &str) {
    let (images, request) = (engine.images(&operator()), Request::copy_image());
    let copied = images.import(id, &request.stores([store]), &Requester::default());
    let task = copied.expect("it is let in").expect("it is not there yet");
    let task = task.run().expect("its end is noted");
    assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
}

/// The callers that files name, and the visibility of the image that goes with each.
fn actor(name: &str) -> (Caller, &'static str) {
    match name {
        "owner-member" => (Caller::project("p1"), "shared"),
        "owner-reader" => (Caller::reader("p1"), "shared"),
        "other-member-on-public" => (Caller::project("p9"), "public"),
        "other-member-on-private" => (Caller::project("p9"), "private"),
        "admin" => (operator(), "shared"),
        name => panic!("no actor {name}"),
    }
}

/// Stores that know http, https, rbd and swift, where 123 bytes are behind every url.
#[derive(Debug)]
struct Stores;

impl LocationSource for Stores {
    fn size_bytes(&self, url: &str) -> smalti::Result<u64> {
        let mut known = ["http:", "https:", "rbd:", "swift:"].iter();
        match known.any(|scheme| url.starts_with(scheme)) {
            true => Ok(123),
            false => Err(Error::new(ErrorCode::InvalidLocation, "no such store")),
        }
    }

    fn verify(&self, _: &str, _: &Expected<'_>) -> smalti::Result<()> {
        Ok(())
    }
}

/// Stores an image that a vector gives: a document in which anything may be left out, custom
/// properties may stand apart under `properties`, and `members` are projects with their statuses.
fn stored(engine: &Engine, given: &Value) -> Image {
    let mut document = json!({
        "id": "77777777-7777-7777-7777-777777777777", "name": null, "status": "queued",
        "visibility": "shared", "owner": null, "protected": false, "os_hidden": false,
        "disk_format": "raw", "container_format": "bare", "min_disk": 0, "min_ram": 0, "tags": [],
        "size": null, "virtual_size": null, "checksum": null, "os_hash_algo": null,
        "os_hash_value": null, "created_at": "2023-01-01T00:00:00Z",
        "updated_at": "2023-01-01T00:00:00Z", "self": "", "file": "", "schema": "",
    });
    let whole = document.as_object_mut().expect("an object");
    let mut given = given.as_object().expect("an object").clone();
    let members = given.remove("members").unwrap_or_default();
    let properties = given.remove("properties").unwrap_or_default();
    whole.extend(given);
    whole.extend(properties.as_object().cloned().unwrap_or_default());
    let document: ImageAnswer = serde_json::from_value(document).expect("a document");
    let members = members.as_object().into_iter().flatten();
    let members: Vec<_> = members
        .map(|(name, word)| {
            let status = word.as_str().expect("a word").parse();
            (project(name), status.expect("a status"))
        })
        .collect();
    testing::store_image(engine, &document, &members).expect("a record")
}

/// Returns the document of an image as vectors show it: without times and paths.
fn shown(document: &Value) -> Value {
    let mut document = document.clone();
    let members = document.as_object_mut().expect("an object");
    for name in ["created_at", "updated_at", "self", "file", "schema"] {
        assert!(members.remove(name).is_some(), "{name} is shown");
    }
    document
}

/// Returns the body of a request; long texts are written as `<65535 x v>` in the files.
fn body(json: &Value) -> Option<Vec<u8>> {
    match json {
        Value::Null => None,
        json => Some(expanded(json).to_string().into_bytes()),
    }
}

/// Writes out what is abbreviated in an object.
fn expanded(json: &Value) -> Value {
    let Value::Object(members) = json else {
        return json.clone();
    };
    let members = members.iter().map(|(name, value)| {
        let value = value
            .as_str()
            .and_then(repeated)
            .map_or_else(|| value.clone(), Value::from);
        (name.clone(), value)
    });
    Value::Object(members.collect::<Map<_, _>>())
}

fn repeated(text: &str) -> Option<String> {
    let inner = text.strip_prefix('<')?.strip_suffix('>')?;
    let (count, piece) = inner.split_once(" x ")?;
    Some(piece.repeat(count.parse().ok()?))
}

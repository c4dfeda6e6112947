//! The vectors of the specification, run against this room.
//!
//! Policy is that of the documents' defaults, written down once more in `gate`: these tests are of
//! images, and the room of policy has its own.

mod create;
mod formats;
mod gate;
mod members;
mod patch;
mod status;
mod tags;

use std::collections::BTreeSet;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::ProjectId;
use crate::image::{Image, ImageParts, Limits, Location, Status, TextMap, Visibility, hash_name};
use crate::json::{self, Json, Number, Object};

/// When the images of vectors were made.
const MADE: Timestamp = Timestamp::MIN;

/// A file of vectors.
struct File<'a> {
    vectors: Vec<Object<'a>>,
}

impl<'a> File<'a> {
    fn parse(text: &'a str) -> Self {
        let mut file = json::object(text.as_bytes()).unwrap();
        let count = integer(&file, "count");
        let Some(Json::Array(items)) = file.take("vectors") else {
            panic!("vectors are an array");
        };
        let items = items.into_iter().map(|item| match item {
            Json::Object(vector) => vector,
            other => panic!("vector is {}", other.kind()),
        });
        let vectors: Vec<_> = items.collect();
        assert_eq!(vectors.len(), usize::try_from(count).unwrap());
        Self { vectors }
    }

    /// Runs the vectors that `pick` takes, and tells how many; all faults are told at once.
    fn run(
        &self,
        name: &str,
        count: usize,
        pick: impl Fn(&Object<'_>) -> bool,
        check: impl Fn(&Object<'_>) -> Result<(), String>,
    ) {
        let picked: Vec<_> = self.vectors.iter().filter(|vector| pick(vector)).collect();
        let faults: Vec<String> = picked
            .iter()
            .filter_map(|vector| {
                check(vector)
                    .err()
                    .map(|e| format!("{}: {e}", text(vector, "id")))
            })
            .collect();
        println!("{name}: {} of {count} vectors ran", picked.len());
        assert_eq!(picked.len(), count, "{name}");
        assert!(faults.is_empty(), "{name}:\n{}", faults.join("\n"));
    }
}

fn text<'v>(object: &'v Object<'_>, name: &str) -> &'v str {
    match object.member(name) {
        Some(Json::Text(text)) => text,
        other => panic!("{name} is {other:?}"),
    }
}

fn optional_text<'v>(object: &'v Object<'_>, name: &str) -> Option<&'v str> {
    match object.member(name) {
        Some(Json::Text(text)) => Some(text),
        None | Some(Json::Null) => None,
        other => panic!("{name} is {other:?}"),
    }
}

fn integer(object: &Object<'_>, name: &str) -> i64 {
    optional_integer(object, name).unwrap_or_else(|| panic!("{name} is no number"))
}

fn optional_integer(object: &Object<'_>, name: &str) -> Option<i64> {
    match object.member(name) {
        Some(Json::Number(number)) => number.as_integer(),
        _ => None,
    }
}

fn is_true(object: &Object<'_>, name: &str) -> bool {
    object.member(name) == Some(&Json::Bool(true))
}

fn child<'v, 'a>(object: &'v Object<'a>, name: &str) -> &'v Object<'a> {
    match object.member(name) {
        Some(Json::Object(child)) => child,
        other => panic!("{name} is {other:?}"),
    }
}

fn texts(object: &Object<'_>, name: &str) -> Vec<String> {
    match object.member(name) {
        Some(Json::Array(items)) => items
            .iter()
            .map(|item| match item {
                Json::Text(text) => text.clone().into_owned(),
                other => panic!("{name} holds {other:?}"),
            })
            .collect(),
        None | Some(Json::Null) => Vec::new(),
        other => panic!("{name} is {other:?}"),
    }
}

/// Compares an error with what the vector expects: status, and code where there is one.
fn compare_error(error: &Error, expect: &Object<'_>) -> Result<(), String> {
    let found = (i64::from(error.http_status()), error.code().name());
    let wanted = (
        integer(expect, "status"),
        optional_text(expect, "error").unwrap_or("none"),
    );
    if found == wanted {
        return Ok(());
    }
    Err(format!("{found:?} found, {wanted:?} expected: {error}"))
}

/// Reads a quota: negative is unlimited.
fn quota(config: &Object<'_>, name: &str) -> Option<u32> {
    u32::try_from(optional_integer(config, name).unwrap_or(128)).ok()
}

fn limits(config: &Object<'_>) -> Limits {
    Limits {
        tags_max: quota(config, "image_tag_quota"),
        properties_max: quota(config, "image_property_quota"),
        members_max: quota(config, "image_member_quota"),
        ..Limits::default()
    }
}

/// The base properties of a document that are no custom properties.
const BASE: [&str; 17] = [
    "checksum",
    "container_format",
    "disk_format",
    "id",
    "locations",
    "min_disk",
    "min_ram",
    "name",
    "os_hash_algo",
    "os_hash_value",
    "os_hidden",
    "owner",
    "protected",
    "size",
    "status",
    "tags",
    "virtual_size",
];

/// Makes the image of a document.
fn image(document: &Object<'_>) -> Image {
    let length = |name| optional_integer(document, name).map(|n| u64::try_from(n).unwrap());
    let digest = |name| optional_text(document, name).map(|it| it.parse().unwrap());
    let small = |name| u32::try_from(integer(document, name)).unwrap();
    Image::from_parts(ImageParts {
        id: text(document, "id").parse().unwrap(),
        revision: 1,
        name: optional_text(document, "name").map(str::to_owned),
        status: text(document, "status").parse().unwrap(),
        visibility: text(document, "visibility").parse().unwrap(),
        protected: is_true(document, "protected"),
        os_hidden: is_true(document, "os_hidden"),
        owner: optional_text(document, "owner").map(|it| ProjectId::new(it).unwrap()),
        disk_format: optional_text(document, "disk_format").map(|it| it.parse().unwrap()),
        container_format: optional_text(document, "container_format").map(|it| it.parse().unwrap()),
        min_disk: small("min_disk"),
        min_ram: small("min_ram"),
        created_at: MADE,
        updated_at: MADE,
        size: length("size"),
        virtual_size: length("virtual_size"),
        checksum: digest("checksum"),
        os_hash_algo: optional_text(document, "os_hash_algo").map(hash_name),
        os_hash_value: digest("os_hash_value"),
        tags: texts(document, "tags").into_iter().collect(),
        properties: properties(document),
        locations: locations(document),
    })
    .unwrap()
}

fn properties(document: &Object<'_>) -> TextMap {
    let is_custom = |name: &str| name != "visibility" && !BASE.contains(&name);
    let custom = document.iter().filter(|(name, _)| is_custom(name));
    custom
        .map(|(name, _)| (name, text(document, name)))
        .collect()
}

fn locations(document: &Object<'_>) -> Vec<Location> {
    let Some(Json::Array(items)) = document.member("locations") else {
        return Vec::new();
    };
    let places = items.iter().map(|item| match item {
        Json::Object(place) => {
            let metadata = child(place, "metadata");
            let pairs = metadata.iter().map(|(key, _)| (key, text(metadata, key)));
            Location::new(text(place, "url"), pairs.collect())
        }
        other => panic!("location is {other:?}"),
    });
    places.collect()
}

/// Compares an image with a document, field by field; a document without locations does not show
/// them.
fn compare(image: &Image, expected: &Object<'_>) -> Result<(), String> {
    let shows_locations = expected.member("locations").is_some();
    let found = document(image, shows_locations);
    let names: BTreeSet<&str> = found
        .iter()
        .chain(expected.iter())
        .map(|(name, _)| name)
        .collect();
    let differ = names.into_iter().filter(|&name| {
        let generated = name == "id" && optional_text(expected, name) == Some("<generated>");
        !generated && !same(found.member(name), expected.member(name))
    });
    let differ: Vec<String> = differ
        .map(|name| {
            let shown = |object: &Object<'_>| format!("{:.80?}", object.member(name));
            format!("{name} is {}, expected {}", shown(&found), shown(expected))
        })
        .collect();
    if differ.is_empty() {
        Ok(())
    } else {
        Err(differ.join("; "))
    }
}

fn same(found: Option<&Json<'_>>, expected: Option<&Json<'_>>) -> bool {
    match (found, expected) {
        (Some(Json::Number(a)), Some(Json::Number(b))) => a.as_integer() == b.as_integer(),
        _ => found == expected,
    }
}

/// Makes the document of an image.
fn document(image: &Image, shows_locations: bool) -> Object<'_> {
    let parts = image.parts();
    let or_null =
        |text: Option<&str>| text.map_or(Json::Null, |text| Json::Text(text.to_owned().into()));
    let length = |len: Option<u64>| {
        len.map_or(Json::Null, |len| {
            Json::Number(Number::Integer(len.try_into().unwrap()))
        })
    };
    let digest =
        |digest: Option<&crate::image::Digest>| or_null(digest.map(|it| it.to_string()).as_deref());
    let tags = image.tags().iter().map(Json::text).collect();
    let mut members = vec![
        ("id", Json::Text(image.id().to_string().into())),
        ("name", or_null(image.name())),
        ("status", Json::text(image.status().as_str())),
        ("visibility", Json::text(image.visibility().as_str())),
        ("owner", or_null(image.owner().map(ProjectId::as_str))),
        ("protected", Json::from(image.is_protected())),
        ("os_hidden", Json::from(image.is_hidden())),
        (
            "container_format",
            or_null(image.container_format().map(|it| it.as_str())),
        ),
        (
            "disk_format",
            or_null(image.disk_format().map(|it| it.as_str())),
        ),
        ("min_ram", Json::from(i64::from(image.min_ram()))),
        ("min_disk", Json::from(i64::from(image.min_disk()))),
        ("size", length(image.size())),
        ("virtual_size", length(image.virtual_size())),
        ("checksum", digest(image.checksum())),
        ("os_hash_algo", or_null(image.os_hash_algo())),
        ("os_hash_value", digest(image.os_hash_value())),
        ("tags", Json::Array(tags)),
    ];
    if shows_locations {
        members.push((
            "locations",
            Json::Array(parts.locations.iter().map(place).collect()),
        ));
    }
    let custom = parts
        .properties
        .iter()
        .map(|(name, value)| (name, Json::text(value)));
    let all = members.into_iter().chain(custom);
    Object::new(all.map(|(name, value)| (name.into(), value)).collect())
}

fn place(location: &Location) -> Json<'_> {
    let metadata = location.metadata().iter();
    let metadata = metadata.map(|(key, value)| (key.into(), Json::text(value)));
    Json::Object(Object::new(vec![
        ("url".into(), Json::text(location.url())),
        (
            "metadata".into(),
            Json::Object(Object::new(metadata.collect())),
        ),
    ]))
}

/// Makes an image with both formats, in a status, owned by the project `p1`.
fn plain(status: Status, visibility: Visibility) -> Image {
    let new = crate::image::NewImage::named("n")
        .disk_format(crate::image::DiskFormat::Raw)
        .container_format(crate::image::ContainerFormat::Bare)
        .visibility(visibility);
    let id = crate::id::ImageId::from_bytes([7; 16]);
    let owner = ProjectId::new("p1").unwrap();
    let image = new.into_image(id, Some(&owner), &Limits::default(), MADE);
    let mut image = image.unwrap();
    image.0.status = status;
    image
}

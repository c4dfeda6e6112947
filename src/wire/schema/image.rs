//! The properties of an image, in the order of the API documents.

use super::node::{Items, Properties, Property};
use super::{ID_PATTERN, Schemas};
use crate::image::Status;

/// Lists the base properties.
pub(super) fn properties(schemas: &Schemas) -> Properties {
    let mut all = record();
    let format = |what: &str, values: &[String]| {
        Property::text(format!("Format of the {what}"))
            .or_null()
            .one_of(values)
    };
    all.push(
        "container_format",
        format("container", &schemas.container_formats),
    );
    all.push("disk_format", format("disk", &schemas.disk_formats));
    all.push("created_at", computed("When the record was made"));
    all.push("updated_at", computed("When the record changed last"));
    let tag = Property::text("").max_len(255);
    let tags = Property::new("array", "Words that the image is found by");
    all.push("tags", tags.items(Items::Property(tag)));
    all.push("direct_url", computed("URL of the data in its store"));
    all.push("self", computed("Path of the record"));
    all.push("file", computed("Path of the data"));
    all.push(
        "stores",
        computed("Stores that hold the data, separated by commas"),
    );
    all.push("schema", computed("Path of this schema"));
    let (ram, disk) = (
        "Least memory to boot with, in MB",
        "Smallest disk to boot from, in GB",
    );
    all.push("min_ram", Property::new("integer", ram));
    all.push("min_disk", Property::new("integer", disk));
    let locations = Property::new(
        "array",
        "Where the data is, and what the stores say about it",
    );
    all.push("locations", locations.items(Items::Property(location())));
    all
}

/// Lists the properties that depend on no configuration.
fn record() -> Properties {
    let text = Property::text;
    let number = |description| Property::new("integer", description).or_null().read_only();
    let flag = |description| Property::new("boolean", description);
    let digest = |description, len| text(description).or_null().max_len(len).read_only();
    let statuses = Status::ALL.iter().map(|status| status.as_str());
    // The order of Glance, which is none.
    let visibilities = ["community", "public", "private", "shared"];
    Properties::from([
        ("id", text("Identifier of the image").pattern(ID_PATTERN)),
        ("name", text("Name of the image").or_null().max_len(255)),
        (
            "status",
            computed("Where the image stands in its life").one_of(statuses),
        ),
        (
            "visibility",
            text("Who may read the image").one_of(visibilities),
        ),
        (
            "protected",
            flag("Whether the image is protected against deletion"),
        ),
        (
            "os_hidden",
            flag("Whether lists leave the image out by default"),
        ),
        ("checksum", digest("MD5 of the data", 32)),
        ("os_hash_algo", digest("Algorithm of os_hash_value", 64)),
        ("os_hash_value", digest("Digest of the data", 128)),
        (
            "owner",
            text("Project that owns the image").or_null().max_len(255),
        ),
        ("size", number("Length of the data, in bytes")),
        (
            "virtual_size",
            number("Size of the disk in the data, in bytes"),
        ),
    ])
}

fn computed(description: &str) -> Property {
    Property::text(description).read_only()
}

fn location() -> Property {
    let text = |len| Property::text("").max_len(len);
    let validation = Properties::from([
        ("checksum", text(32)),
        ("os_hash_algo", text(64)),
        ("os_hash_value", text(128)),
    ]);
    let validation = Property::new("object", "What the data is to be checked against")
        .write_only()
        .closed()
        .members(validation, &["os_hash_algo", "os_hash_value"]);
    let members = Properties::from([
        ("url", text(255)),
        ("metadata", Property::new("object", "")),
        ("validation_data", validation),
    ]);
    Property::new("object", "").members(members, &["url", "metadata"])
}

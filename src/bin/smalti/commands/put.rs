//! `smalti put`: stores a file as an image.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};
use smalti::{ContainerFormat, DiskFormat, ImageId, Patch, Visibility};

use super::show;
use crate::at::At;
use crate::fault::{Fault, Outcome};
use crate::files::Source;
use crate::interrupt;
use crate::place::{self, Known, Need, Place};
use crate::shell::{Answer, Shell};
use crate::words::pair;

const AFTER: &str = "The disk format is guessed from the ending of the name: qcow2, vmdk, vhd, vhdx, vdi, iso, else raw. \
An image that could not be filled is removed again.

Examples:
  smalti put debian.qcow2 --tag stable --property os_distro=debian
  xz -dc disk.raw.xz | smalti put - --name disk --at http://127.0.0.1:9292
  smalti put disk.raw --store slow --config smalti.toml
  smalti put disk.raw --image ID     fill an image that was created before";

/// Store a file as an image
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Put {
    /// The file; - is standard input
    file: PathBuf,
    /// Fill this queued image instead of making one: id or name
    #[arg(long, value_name = "IMAGE", conflicts_with_all = [
        "name", "id", "disk_format", "container_format", "properties", "tags", "visibility",
        "owner", "protected", "hidden", "min_disk", "min_ram",
    ])]
    image: Option<String>,
    /// The name [default: that of the file]
    #[arg(long)]
    name: Option<String>,
    /// The id [default: a random one]
    #[arg(long)]
    id: Option<ImageId>,
    /// The format of the disk
    #[arg(long, value_name = "FORMAT")]
    disk_format: Option<DiskFormat>,
    /// The format around the disk
    #[arg(long, value_name = "FORMAT", default_value = "bare")]
    container_format: ContainerFormat,
    /// A custom property; may be repeated
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = pair)]
    properties: Vec<(String, String)>,
    /// A tag; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// public, community, shared or private
    #[arg(long)]
    visibility: Option<Visibility>,
    /// The project that owns it [default: that of the caller]
    #[arg(long, value_name = "PROJECT")]
    owner: Option<String>,
    /// Refuse deletion
    #[arg(long)]
    protected: bool,
    /// Leave it out of lists
    #[arg(long)]
    hidden: bool,
    /// Smallest disk that it boots from, in GB
    #[arg(long, value_name = "GB")]
    min_disk: Option<u32>,
    /// Least memory that it boots with, in MB
    #[arg(long, value_name = "MB")]
    min_ram: Option<u32>,
    /// The store that gets the data [default: that of the configuration]
    #[arg(long, value_name = "NAME")]
    store: Option<String>,
    #[command(flatten)]
    at: At,
}

impl Put {
    /// Answers with the image.
    pub(crate) fn run(&self, shell: Shell) -> Outcome<Answer> {
        let source = Source::open(&self.file)?;
        let bar = shell.bar("upload", source.len_bytes());
        let mut source = source.with_bar(bar);
        interrupt::watch();
        let need = match self.image {
            Some(_) => Need::Write,
            None => Need::Create,
        };
        let store = self.store.as_deref();
        let known = self.at.on(need, |place| match &self.image {
            Some(image) => {
                let id = place::find(place, image)?.image.id;
                place.upload(&id, &mut source, store)
            }
            None => {
                let created = place.create(&self.body()?)?;
                let filled = place.upload(&created.image.id, &mut source, store);
                filled.map_err(|fault| take_back(place, &created, fault))
            }
        })?;
        drop(source);
        Ok(show::answer(known))
    }

    /// Makes the body of the request for the record.
    fn body(&self) -> Outcome<Value> {
        let mut body = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        };
        let name = self.name.clone().or_else(|| own_name(&self.file));
        let disk_format = self.disk_format.unwrap_or_else(|| guess(&self.file));
        put("name", name.map(Value::from));
        put("id", self.id.map(|id| json!(id.to_string())));
        put("disk_format", Some(json!(disk_format.as_str())));
        put(
            "container_format",
            Some(json!(self.container_format.as_str())),
        );
        put(
            "visibility",
            self.visibility.map(|word| json!(word.as_str())),
        );
        put("owner", self.owner.as_deref().map(Value::from));
        put("protected", self.protected.then_some(json!(true)));
        put("os_hidden", self.hidden.then_some(json!(true)));
        put("min_disk", self.min_disk.map(Value::from));
        put("min_ram", self.min_ram.map(Value::from));
        put("tags", (!self.tags.is_empty()).then_some(json!(self.tags)));
        for (name, value) in &self.properties {
            expect_custom(name, value)?;
            body.insert(name.clone(), json!(value));
        }
        Ok(Value::Object(body))
    }
}

/// Options that set what is no custom property, by its name.
const OPTIONS: [(&str, &str); 11] = [
    ("id", "--id"),
    ("name", "--name"),
    ("disk_format", "--disk-format"),
    ("container_format", "--container-format"),
    ("tags", "--tag"),
    ("visibility", "--visibility"),
    ("owner", "--owner"),
    ("protected", "--protected"),
    ("os_hidden", "--hidden"),
    ("min_disk", "--min-disk"),
    ("min_ram", "--min-ram"),
];
/// Names of a document that the place alone writes.
const WRITTEN: [&str; 14] = [
    "checksum",
    "created_at",
    "direct_url",
    "file",
    "locations",
    "os_hash_algo",
    "os_hash_value",
    "schema",
    "self",
    "size",
    "status",
    "stores",
    "updated_at",
    "virtual_size",
];

/// Tests that a property is a custom one: base properties have options of their own.
fn expect_custom(name: &str, value: &str) -> Outcome {
    let option = OPTIONS.iter().find(|(base, _)| *base == name);
    let hint = match option {
        Some((_, option)) => format!("use {option}"),
        None if WRITTEN.contains(&name) => format!("leave it out, {name} is not to be set"),
        None => return Ok(()),
    };
    let message = format!("--property {name}={value} is no custom property");
    Err(Fault::usage(message).with_hint(hint))
}

/// Removes the record of an image that could not be filled.
pub(super) fn take_back(place: &dyn Place, created: &Known, fault: Fault) -> Fault {
    let id = &created.image.id;
    let freed = match created.image.protected {
        true => place
            .update(id, &Patch::new().set_protected(false))
            .map(drop),
        false => Ok(()),
    };
    match freed.and_then(|()| place.delete(id)) {
        Ok(()) => fault,
        // It may never have been there for others, or be gone already.
        Err(other) if other.code() == "NotFound" => fault,
        Err(other) => {
            let hint =
                format!("image {id} could not be removed: {other}; `smalti rm {id}` does it later");
            fault.with_hint(hint)
        }
    }
}

/// Returns the name that an image has from its file, unless that is a stream.
pub(super) fn own_name(file: &Path) -> Option<String> {
    let name = file.file_name().filter(|_| file != Path::new("-"))?;
    Some(name.to_string_lossy().into_owned())
}

/// Guesses the format of a disk from the ending of the name of its file.
pub(super) fn guess(file: &Path) -> DiskFormat {
    let ending = file
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    match ending.as_str() {
        "qcow2" => DiskFormat::Qcow2,
        "vmdk" => DiskFormat::Vmdk,
        "vhd" => DiskFormat::Vhd,
        "vhdx" => DiskFormat::Vhdx,
        "vdi" => DiskFormat::Vdi,
        "iso" => DiskFormat::Iso,
        _ => DiskFormat::Raw,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_guessed_from_endings() {
        for (file, format) in [
            ("a.qcow2", DiskFormat::Qcow2),
            ("/x/a.b.VMDK", DiskFormat::Vmdk),
            ("a.iso", DiskFormat::Iso),
            ("a.img", DiskFormat::Raw),
            ("qcow2", DiskFormat::Raw),
            ("-", DiskFormat::Raw),
        ] {
            assert_eq!(guess(Path::new(file)), format, "{file}");
        }
    }

    #[test]
    fn base_properties_are_refused_with_the_option_that_sets_them() {
        for (name, hint) in [
            ("visibility", "use --visibility"),
            ("os_hidden", "use --hidden"),
            ("min_disk", "use --min-disk"),
            ("tags", "use --tag"),
            ("status", "leave it out"),
        ] {
            let fault = expect_custom(name, "x").unwrap_err().to_string();
            assert!(fault.contains(&format!("do: {hint}")), "{fault}");
        }
        assert_eq!(expect_custom("os_distro", "debian"), Ok(()));
    }

    #[test]
    fn what_an_image_shows_of_itself_is_no_custom_property() {
        let engine = smalti::Engine::in_memory().unwrap();
        let new = smalti::NewImage::named("a");
        let image = engine.images(&smalti::Caller::admin()).create(new).unwrap();
        let document = json!(smalti::wire::ImageDocument::new(&image));
        for name in document.as_object().unwrap().keys() {
            assert!(expect_custom(name, "x").is_err(), "{name}");
        }
    }

    #[test]
    fn standard_input_has_no_name() {
        assert_eq!(own_name(Path::new("-")), None);
        assert_eq!(own_name(Path::new("/x/a.raw")), Some("a.raw".to_owned()));
    }
}

//! `smalti import`: brings data into an image from a url, from a file by way of the staging area, or
//! from one of its stores into others.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use serde_json::json;
use smalti::import::Request;
use smalti::{ContainerFormat, DiskFormat, ImageId};

use super::put::{guess, own_name, take_back};
use super::show;
use crate::at::At;
use crate::fault::{Fault, Outcome};
use crate::files::Source;
use crate::interrupt;
use crate::place::{self, Known, Need, Place};
use crate::shell::{Answer, Shell};

const AFTER: &str = "Without IMAGE a new one is made; it is removed again if the import fails. One that was created \
before is queued, for --staged uploading, for --copy active.

The command waits for the end, says how it goes, and ends with 1 if the import fails. Interrupted, \
it waits no more: a server goes on.

Examples:
  smalti import --url https://example.org/debian.qcow2 --at http://127.0.0.1:9292
  smalti import --file debian.qcow2 --store fast --store slow --config smalti.toml
  smalti import debian.qcow2 --copy --all-stores --config smalti.toml";

/// Import data into an image, into one store or several
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
#[command(group = ArgGroup::new("from").required(true).args(["url", "file", "staged", "copy"]))]
pub(crate) struct Import {
    /// Id or name [default: a new image]
    #[arg(required_if_eq_any([("staged", "true"), ("copy", "true")]))]
    image: Option<String>,
    /// Download the data from there (web-download): a server does that, or for a directory this
    /// command
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Stage this file, then import it (glance-direct); - is standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Import what was staged before (glance-direct)
    #[arg(long)]
    staged: bool,
    /// Copy the data of the image into more stores (copy-image): for administrators
    #[arg(long)]
    copy: bool,
    /// A store that gets the data; may be repeated [default: that of the configuration]
    #[arg(long = "store", value_name = "NAME")]
    stores: Vec<String>,
    /// Into every store that takes data
    #[arg(long, conflicts_with = "stores")]
    all_stores: bool,
    /// Succeed where one store does, whatever becomes of the others
    #[arg(long)]
    any_store: bool,
    /// The name of a new image [default: that of the file]
    #[arg(long, conflicts_with = "image")]
    name: Option<String>,
    /// The format of the disk of a new image [default: by the ending of the file]
    #[arg(long, value_name = "FORMAT", conflicts_with = "image")]
    disk_format: Option<DiskFormat>,
    /// The format around the disk of a new image
    #[arg(long, value_name = "FORMAT", default_value = "bare")]
    container_format: ContainerFormat,
    #[command(flatten)]
    at: At,
}

impl Import {
    /// Answers with the image as it is after the import.
    pub(crate) fn run(&self, shell: Shell) -> Outcome<Answer> {
        let source = self.file.as_deref().map(Source::open).transpose()?;
        let mut source = source.map(|source| {
            let bar = shell.bar("stage", source.len_bytes());
            source.with_bar(bar)
        });
        interrupt::watch();
        let need = match self.image {
            Some(_) => Need::Write,
            None => Need::Create,
        };
        let known = self.at.on(need, |place| match &self.image {
            Some(image) => {
                let id = place::find(place, image)?.image.id;
                self.import(place, &id, source.as_mut(), shell)
            }
            None => {
                let created = self.create(place)?;
                let imported = self.import(place, &created.image.id, source.as_mut(), shell);
                imported.map_err(|fault| self.undo(place, &created, fault))
            }
        })?;
        Ok(show::answer(known))
    }

    fn import(
        &self,
        place: &dyn Place,
        id: &ImageId,
        source: Option<&mut Source>,
        shell: Shell,
    ) -> Outcome<Known> {
        if let Some(source) = source {
            place.stage(id, source)?;
        }
        place.import(id, &self.request(), &|text| shell.note(text))
    }

    /// Makes the record of a new image.
    fn create(&self, place: &dyn Place) -> Outcome<Known> {
        let file = self.origin();
        let format = self.disk_format.unwrap_or_else(|| guess(file));
        let name = self.name.clone().or_else(|| own_name(file));
        place.create(&json!({
            "name": name,
            "disk_format": format.as_str(),
            "container_format": self.container_format.as_str(),
        }))
    }

    /// Removes a new image whose import has failed; one that an import still runs for stays.
    fn undo(&self, place: &dyn Place, created: &Known, fault: Fault) -> Fault {
        match fault.code() {
            "Interrupted" => {
                let id = &created.image.id;
                fault.with_hint(format!("`smalti show {id}` tells what becomes of it"))
            }
            _ => take_back(place, created, fault),
        }
    }

    /// Returns the name of what the data comes from: of a url the path, without what is behind it.
    fn origin(&self) -> &Path {
        match (&self.url, &self.file) {
            (Some(url), _) => Path::new(url.split(['?', '#']).next().unwrap_or_default()),
            (None, Some(file)) => file,
            (None, None) => Path::new("-"),
        }
    }

    fn request(&self) -> Request {
        let mut request = match &self.url {
            Some(url) => Request::web_download(url),
            None if self.copy => Request::copy_image(),
            None => Request::glance_direct(),
        };
        if self.all_stores {
            request = request.all_stores();
        }
        if !self.stores.is_empty() {
            request = request.stores(&self.stores);
        }
        match self.any_store {
            true => request.all_stores_must_succeed(false),
            false => request,
        }
    }
}

//! `smalti set`: changes the record of an image.

use clap::{ArgGroup, Args};
use smalti::{ContainerFormat, DiskFormat, Patch, Visibility};

use super::show;
use crate::at::At;
use crate::fault::{Fault, Outcome};
use crate::place::{self, Need, Tagging};
use crate::shell::Answer;
use crate::words::pair;

const AFTER: &str =
    "The change of the record is made as a whole or not at all; tags follow, one after the other.

Examples:
  smalti set debian.qcow2 os_distro=debian --tag stable --protect
  smalti set debian.qcow2 --visibility public --remove-property os_distro";

/// Change the record of an image
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
#[command(group = ArgGroup::new("protection").args(["protect", "unprotect"]))]
#[command(group = ArgGroup::new("hiding").args(["hide", "unhide"]))]
pub(crate) struct Set {
    /// Id or name
    image: String,
    /// Custom properties to set
    #[arg(value_name = "KEY=VALUE", value_parser = pair)]
    pairs: Vec<(String, String)>,
    /// The same as KEY=VALUE; may be repeated
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = pair)]
    properties: Vec<(String, String)>,
    /// Remove a custom property; may be repeated
    #[arg(long, value_name = "KEY")]
    remove_property: Vec<String>,
    /// Add a tag; may be repeated
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Remove a tag; may be repeated
    #[arg(long, value_name = "TAG")]
    untag: Vec<String>,
    /// The name; none for the empty one
    #[arg(long)]
    name: Option<String>,
    /// public, community, shared or private
    #[arg(long)]
    visibility: Option<Visibility>,
    /// Refuse deletion
    #[arg(long)]
    protect: bool,
    /// Allow deletion
    #[arg(long)]
    unprotect: bool,
    /// Leave it out of lists
    #[arg(long)]
    hide: bool,
    /// Take it into lists again
    #[arg(long)]
    unhide: bool,
    /// Give it to another project; to none for the empty one
    #[arg(long, value_name = "PROJECT")]
    owner: Option<String>,
    /// The format of the disk, while there is no data
    #[arg(long, value_name = "FORMAT")]
    disk_format: Option<DiskFormat>,
    /// The format around the disk, while there is no data
    #[arg(long, value_name = "FORMAT")]
    container_format: Option<ContainerFormat>,
    /// Smallest disk that it boots from, in GB
    #[arg(long, value_name = "GB")]
    min_disk: Option<u32>,
    /// Least memory that it boots with, in MB
    #[arg(long, value_name = "MB")]
    min_ram: Option<u32>,
    #[command(flatten)]
    at: At,
}

impl Set {
    /// Answers with the image as it is then.
    pub(crate) fn run(&self) -> Outcome<Answer> {
        let patch = self.patch();
        if patch.is_empty() && self.tag.is_empty() && self.untag.is_empty() {
            return Err(Fault::usage("nothing is to be set")
                .with_hint("`smalti set --help` shows what there is"));
        }
        let known = self.at.on(Need::Write, |place| {
            let id = place::find(place, &self.image)?.image.id;
            if !patch.is_empty() {
                place.update(&id, &patch)?;
            }
            let added = self.tag.iter().map(|tag| Tagging::Add(tag));
            let removed = self.untag.iter().map(|tag| Tagging::Remove(tag));
            for tagging in added.chain(removed) {
                place.tag(&id, tagging)?;
            }
            place.show(&id)
        })?;
        Ok(show::answer(known))
    }

    fn patch(&self) -> Patch {
        let patch = self.base_patch();
        let set = self.pairs.iter().chain(&self.properties);
        let patch = set.fold(patch, |patch, (key, value)| patch.set_property(key, value));
        let removed = self.remove_property.iter();
        removed.fold(patch, |patch, key| patch.remove_property(key))
    }

    fn base_patch(&self) -> Patch {
        let mut patch = Patch::new();
        patch = match self.name.as_deref() {
            Some("") => patch.clear_name(),
            Some(name) => patch.set_name(name),
            None => patch,
        };
        patch = with(patch, self.visibility, Patch::set_visibility);
        patch = with(
            patch,
            either(self.protect, self.unprotect),
            Patch::set_protected,
        );
        patch = with(patch, either(self.hide, self.unhide), Patch::set_hidden);
        patch = with(patch, self.owner.as_deref(), Patch::set_owner);
        patch = with(patch, self.disk_format, Patch::set_disk_format);
        patch = with(patch, self.container_format, Patch::set_container_format);
        patch = with(patch, self.min_disk, Patch::set_min_disk);
        with(patch, self.min_ram, Patch::set_min_ram)
    }
}

fn with<T>(patch: Patch, value: Option<T>, set: impl FnOnce(Patch, T) -> Patch) -> Patch {
    match value {
        Some(value) => set(patch, value),
        None => patch,
    }
}

fn either(on: bool, off: bool) -> Option<bool> {
    match (on, off) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

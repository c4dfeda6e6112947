//! Keys that this engine alone has.

use std::fmt;
use std::str::FromStr;

use smalti::chunk::Verify;
use smalti::{Dedup, ReadMode};

use super::{Key, key};
use crate::config::given::Given;
use crate::fault::Outcome;

/// Bounds of the numbers, as the library has them.
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// These keys, in order.
pub(super) const KEYS: &[Key] = &[
    key(
        "certificates",
        "none",
        "directory of X.509 certificates, ID.pem or ID.der, that verify signatures of images",
        |to, given| {
            to.certificates = Some(given.path()?);
            match cfg!(feature = "signature") {
                true => Ok(()),
                false => Err(given.wrong("needs a build with the feature signature")),
            }
        },
    ),
    key(
        "checkpoint_log_bytes",
        "8MiB",
        "log between two checkpoints of the index",
        |to, given| {
            to.settings.checkpoint_log_bytes = given.size(64 << 10..=4 * GIB)?;
            Ok(())
        },
    ),
    key(
        "dedup",
        "owner",
        "among whom equal data is stored once: owner or engine",
        |to, given| {
            to.settings.dedup = given.word::<Word<Dedup>>()?.0;
            Ok(())
        },
    ),
    key(
        "image_cache",
        "false",
        "whether whole images of other stores are kept in the directory",
        |to, given| {
            to.settings.image_cache = given.flag()?;
            Ok(())
        },
    ),
    key(
        "image_count_total",
        "-1",
        "most images of a project; negative for no limit",
        |to, given| {
            to.settings.limits.images_max = given.quota()?;
            Ok(())
        },
    ),
    key(
        "index_cache_bytes",
        "64MiB",
        "memory for pages of the index",
        |to, given| {
            to.settings.index_cache_bytes = memory(given)?;
            Ok(())
        },
    ),
    key(
        "legacy_md5",
        "true",
        "whether the MD5 of whole images is computed, checksum",
        |to, given| {
            to.settings.legacy_md5 = given.flag()?;
            Ok(())
        },
    ),
    key(
        "max_open_packs",
        "1024",
        "most packs that are kept open",
        |to, given| {
            to.settings.max_open_packs =
                usize::try_from(given.count(1..=1 << 20)?).map_err(|_| given.not("a number"))?;
            Ok(())
        },
    ),
    key(
        "pack_len_bytes",
        "512MiB",
        "length at which a pack is sealed",
        |to, given| {
            to.settings.pack_len_bytes = given.size(MIB..=4 * GIB)?;
            Ok(())
        },
    ),
    key(
        "page_cache_bytes",
        "32MiB",
        "memory for pages of manifests",
        |to, given| {
            to.settings.page_cache_bytes = memory(given)?;
            Ok(())
        },
    ),
    key(
        "read_mode",
        "map",
        "how packs are read: map, or copy where disks fail",
        |to, given| {
            to.settings.read.mode = given.word::<Word<ReadMode>>()?.0;
            Ok(())
        },
    ),
    key(
        "read_verify",
        "once",
        "when read chunks are proved: once, always or never",
        |to, given| {
            to.settings.read.verify = given.word::<Word<Verify>>()?.0;
            Ok(())
        },
    ),
    key(
        "reserve_len_bytes",
        "16MiB",
        "file that is given up on a full disk, so that delete works",
        |to, given| {
            to.settings.reserve_len_bytes = given.size(0..=4 * GIB)?;
            Ok(())
        },
    ),
    key(
        "seal_from_bytes",
        "16MiB",
        "length from which an upload seals its pack",
        |to, given| {
            to.settings.seal_from_bytes = given.size(4096..=4 * GIB)?;
            Ok(())
        },
    ),
];

fn memory(given: &Given) -> Outcome<usize> {
    let bytes = given.size(MIB..=1 << 40)?;
    usize::try_from(bytes).map_err(|_| given.not("within the memory of this machine"))
}

/// A word of the library's settings, as they are serialized.
pub(super) struct Word<T>(pub(super) T);

impl<T: serde::de::DeserializeOwned> FromStr for Word<T> {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        let read = serde_json::from_value(serde_json::Value::from(text));
        read.map(Word).map_err(|error| Unknown(error.to_string()))
    }
}

/// Why a word is none of the library's.
pub(super) struct Unknown(String);

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

//! The numbers of an engine.

use crate::error::{Error, ErrorCode, Result};
use crate::hash::Algorithm;
use crate::image::{ImportMethod, Limits};
use crate::inspect::InspectRules;
use crate::limits::{BLOCK_LEN_BYTES, IMAGE_MAX_BYTES, MIB, TIB};
use crate::query::PageLimits;
use crate::read::ReadOptions;
use serde::{Deserialize, Serialize};

/// Among whom equal data is stored once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Dedup {
    /// Within each owner, and with what was public when it arrived: nobody learns from sizes or
    /// timing what others hold.
    #[default]
    Owner,
    /// Within the whole engine: for hosts with one owner.
    Engine,
}

/// The numbers of an engine, with defaults that suit a server.
///
/// Names that the Images API's service has in its configuration are the same here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "written with `..Settings::default()`"
)]
pub struct Settings {
    /// Digest of whole images (`os_hash_algo`); `None` computes none. Default SHA-512.
    pub hashing_algorithm: Option<Algorithm>,
    /// Whether the MD5 of whole images (`checksum`) is computed. Default true.
    pub legacy_md5: bool,
    /// Largest image in bytes. Default 1 TiB.
    pub image_size_cap: u64,
    /// Bounds of what callers write into records.
    pub limits: Limits,
    /// What is refused of the data of images by what it is found to be.
    pub inspect: InspectRules,
    /// How many images a page of a list holds.
    pub page: PageLimits,
    /// Whether locations are shown to who may know them, and may be patched. Default false.
    pub show_multiple_locations: bool,
    /// Whether an image with data is only hidden when it is deleted, to be restored or scrubbed
    /// later. Default false.
    pub delayed_delete: bool,
    /// How long a deleted image waits before it may be scrubbed, in seconds. Default 0.
    pub scrub_time_s: u64,
    /// The methods of import that are enabled, of those that the engine was given a source for.
    /// Default `glance-direct`, `web-download` and `copy-image`.
    pub enabled_import_methods: Vec<ImportMethod>,
    /// Whether the digests of data at locations that callers add are computed, and compared with
    /// what they say. Default true.
    pub do_secure_hash: bool,
    /// Most imports that run at a time on threads of the engine, and as many beside them that wait for
    /// other machines (downloads, locations); others wait. Default 4.
    pub max_running_imports: usize,
    /// Most bytes of data that each project may have in its images, each copy counted; 0 for no
    /// limit, which is the default. Not heeded where limits of projects are given.
    pub user_storage_quota: u64,
    /// Whether whole reads of images in other stores are served from copies in the directory of the
    /// engine, which they leave there ([`cache`](crate::cache)). Default false.
    pub image_cache: bool,
    /// Length to which the cache is pruned, in bytes of images. Default 10 GiB.
    pub image_cache_max_size: u64,
    /// How long no byte may come for a copy that is being made before a clean gives it up, in
    /// seconds. Default 86,400.
    pub image_cache_stall_time_s: u64,
    /// Among whom equal data is stored once.
    pub dedup: Dedup,
    /// How images are read, unless an open says otherwise.
    pub read: ReadOptions,
    /// Length at which a pack is sealed, in bytes: 1 MiB to 4 GiB. Default 512 MiB.
    pub pack_len_bytes: u64,
    /// Length from which a finished upload seals its pack, in bytes. Default 16 MiB.
    pub seal_from_bytes: u64,
    /// Most packs that are kept open, and mapped, at once. Default 1,024.
    pub max_open_packs: usize,
    /// Memory for pages of the index, in bytes. Default 64 MiB.
    pub index_cache_bytes: usize,
    /// Memory for pages of manifests, in bytes. Default 32 MiB.
    pub page_cache_bytes: usize,
    /// Log between two checkpoints of the index, in bytes; bounds the work of opening after a
    /// crash. Default 8 MiB.
    pub checkpoint_log_bytes: u64,
    /// Length of the file that is given up when the disk is full, so that deleting still works, in
    /// bytes; 0 is none. Default 16 MiB.
    pub reserve_len_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hashing_algorithm: Some(Algorithm::Sha512),
            legacy_md5: true,
            image_size_cap: TIB,
            limits: Limits::default(),
            inspect: InspectRules::default(),
            page: PageLimits::default(),
            show_multiple_locations: false,
            delayed_delete: false,
            scrub_time_s: 0,
            enabled_import_methods: vec![
                ImportMethod::GlanceDirect,
                ImportMethod::WebDownload,
                ImportMethod::CopyImage,
            ],
            do_secure_hash: true,
            max_running_imports: 4,
            user_storage_quota: 0,
            image_cache: false,
            image_cache_max_size: 10 << 30,
            image_cache_stall_time_s: 86_400,
            dedup: Dedup::default(),
            read: ReadOptions::default(),
            pack_len_bytes: 512 * MIB,
            seal_from_bytes: 16 * MIB,
            max_open_packs: 1024,
            index_cache_bytes: 64 << 20,
            page_cache_bytes: 32 << 20,
            checkpoint_log_bytes: 8 * MIB,
            reserve_len_bytes: 16 * MIB,
        }
    }
}

impl Settings {
    /// Tests that every number is within its bounds.
    ///
    /// # Errors
    /// `InvalidSettings` that names the setting, its value and the bound.
    pub fn check(&self) -> Result<()> {
        let block = BLOCK_LEN_BYTES as u64;
        bounded("image_size_cap", self.image_size_cap, 1, IMAGE_MAX_BYTES)?;
        let running = self.max_running_imports as u64;
        bounded("max_running_imports", running, 1, 1024)?;
        let pages = [
            ("page.default", self.page.default),
            ("page.max", self.page.max),
        ];
        for (name, len) in pages {
            bounded(name, len, 1, 1 << 20)?;
        }
        let tolerated = self.inspect.gpt_safety_checks_nonfatal.iter();
        let mut firm = tolerated.filter(|check| !check.may_be_nonfatal());
        if let Some(check) = firm.next() {
            let message = format!(
                "setting inspect.gpt_safety_checks_nonfatal names {check}, which must pass; mbr \
                 and gptmbr need not"
            );
            return Err(Error::new(ErrorCode::InvalidSettings, message));
        }
        bounded("pack_len_bytes", self.pack_len_bytes, MIB, 4096 * MIB)?;
        bounded("seal_from_bytes", self.seal_from_bytes, block, 4096 * MIB)?;
        bounded("max_open_packs", self.max_open_packs as u64, 1, 1 << 20)?;
        bounded(
            "index_cache_bytes",
            self.index_cache_bytes as u64,
            MIB,
            1 << 40,
        )?;
        bounded(
            "page_cache_bytes",
            self.page_cache_bytes as u64,
            MIB,
            1 << 40,
        )?;
        bounded(
            "checkpoint_log_bytes",
            self.checkpoint_log_bytes,
            64 << 10,
            4096 * MIB,
        )?;
        bounded("reserve_len_bytes", self.reserve_len_bytes, 0, 4096 * MIB)
    }
}

fn bounded(name: &str, value: u64, min: u64, max: u64) -> Result<()> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    let message = format!("setting {name} is {value}, bounds {min} and {max}");
    Err(Error::new(ErrorCode::InvalidSettings, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_out_of_bounds_is_named_with_value_and_bound() {
        Settings::default()
            .check()
            .expect("defaults are within bounds");
        let settings = Settings {
            pack_len_bytes: 5,
            ..Settings::default()
        };
        let error = settings.check().expect_err("too small");
        assert_eq!(error.code(), ErrorCode::InvalidSettings);
        assert_eq!(
            error.message(),
            "setting pack_len_bytes is 5, bounds 1048576 and 4294967296"
        );
    }

    #[test]
    fn settings_are_read_from_text_with_defaults_and_without_unknown_names() {
        let text =
            r#"{"hashing_algorithm": "sha256", "dedup": "engine", "read": {"verify": "always"}}"#;
        let settings: Settings = serde_json::from_str(text).expect("valid");
        assert_eq!(settings.hashing_algorithm, Some(Algorithm::Sha256));
        assert_eq!((settings.dedup, settings.legacy_md5), (Dedup::Engine, true));
        let again = serde_json::to_string(&settings).expect("valid");
        assert_eq!(
            serde_json::from_str::<Settings>(&again).expect("valid"),
            settings
        );
        for wrong in [r#"{"hashing_algorithm": "sha9"}"#, r#"{"pack_len": 5}"#] {
            assert!(serde_json::from_str::<Settings>(wrong).is_err(), "{wrong}");
        }
    }
}

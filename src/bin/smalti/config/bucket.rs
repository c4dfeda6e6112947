//! The members of a table `[stores.NAME]` that say which bucket a store is in.

use std::path::{Path, PathBuf};

use smalti::NamedStore;

use super::given::Given;
use crate::fault::Outcome;

/// Bounds of the cache beside a bucket, in bytes.
const CACHE_MAX_BYTES: u64 = 1 << 44;

/// A bucket of a service that speaks S3.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Bucket {
    bucket: Option<String>,
    endpoint: Option<String>,
    region: Option<String>,
    prefix: Option<String>,
    access_key: Option<String>,
    secret_key_file: Option<PathBuf>,
    allow_http: bool,
    cache_size: Option<u64>,
}

impl Bucket {
    /// Takes a member; tells whether it is one of a bucket.
    pub(super) fn take(&mut self, name: &str, member: &Given) -> Outcome<bool> {
        let text = || member.text().map(str::to_owned).map(Some);
        match name {
            "bucket" => self.bucket = text()?,
            "endpoint" => self.endpoint = text()?,
            "region" => self.region = text()?,
            "prefix" => self.prefix = text()?,
            "access_key" => self.access_key = text()?,
            "secret_key_file" => self.secret_key_file = Some(member.path()?),
            "allow_http" => self.allow_http = member.flag()?,
            "cache_size" => self.cache_size = Some(member.size(0..=CACHE_MAX_BYTES)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Tests that all is there that a store in a bucket needs; `near` is its local directory.
    pub(super) fn check(&self, near: Option<&Path>) -> Result<(), &'static str> {
        if !cfg!(feature = "s3") {
            return Err("needs a build with the feature s3");
        }
        match (&self.bucket, near) {
            (None, _) => Err("has no bucket"),
            (_, None) => Err("has no path: a directory for what is on its way, and for a cache"),
            _ if self.access_key.is_some() != self.secret_key_file.is_some() => {
                Err("has one of access_key and secret_key_file without the other")
            }
            _ => Ok(()),
        }
    }

    /// Makes the store.
    #[cfg(feature = "s3")]
    pub(super) fn named(&self, name: &str, near: &Path) -> Outcome<NamedStore> {
        use std::sync::Arc;

        use smalti::store::remote::{ObjectOptions, ObjectPacks, S3Settings};

        use crate::fault::Fault;

        let mut settings = S3Settings::new(self.bucket.as_deref().unwrap_or_default());
        if let Some(endpoint) = &self.endpoint {
            settings = settings.endpoint(endpoint);
        }
        if let Some(region) = &self.region {
            settings = settings.region(region);
        }
        if let (Some(key), Some(file)) = (&self.access_key, &self.secret_key_file) {
            let secret = std::fs::read_to_string(file);
            let secret = secret.map_err(|error| Fault::io(file.display(), &error))?;
            settings = settings.credentials(key, secret.trim());
        }
        if self.allow_http {
            settings = settings.allow_http();
        }
        let defaults = ObjectOptions::default();
        let options = ObjectOptions {
            prefix: self.prefix.clone().unwrap_or_default(),
            cache_len_bytes: self.cache_size.unwrap_or(defaults.cache_len_bytes),
            ..defaults
        };
        let packs = ObjectPacks::s3(&settings, near, options)?;
        Ok(NamedStore::custom(name, "s3", Arc::new(packs)))
    }

    #[cfg(not(feature = "s3"))]
    pub(super) fn named(&self, name: &str, near: &Path) -> Outcome<NamedStore> {
        let message = format!("store {name} at {} needs the feature s3", near.display());
        Err(crate::fault::Fault::usage(message))
    }
}

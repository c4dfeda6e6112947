//! The mark in a bucket that says whose packs it holds.

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use super::bucket::{Bucket, unavailable};
use crate::error::{Error, ErrorCode, Result};
use crate::store::owner;

/// Takes a bucket for an owner, or sees that it is taken already.
pub(super) fn claim(bucket: &Bucket, owner: &str, known: bool) -> Result<()> {
    let path = bucket.owner();
    match found(bucket, &path)? {
        Some(text) => compare(&path, &text, owner),
        None if known => {
            let message = format!("object {path} is missing: this is not the store that it was");
            Err(Error::new(ErrorCode::StoreUnavailable, message))
        }
        None => mark(bucket, path, owner),
    }
}

fn found(bucket: &Bucket, path: &Path) -> Result<Option<Vec<u8>>> {
    let (objects, at) = (std::sync::Arc::clone(&bucket.objects), path.clone());
    let got = bucket.tasks.wait(async move {
        let found = objects.get_range(&at, 0..owner::MARK_MAX_BYTES).await;
        found.map(|bytes| bytes.to_vec())
    })?;
    match got {
        Ok(text) => Ok(Some(text)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(unavailable(format!("read object {path}"), error)),
    }
}

fn compare(path: &Path, found: &[u8], owner: &str) -> Result<()> {
    if found == owner::text(owner).as_bytes() {
        return Ok(());
    }
    let message = format!("the store belongs to another engine, as its object {path} says");
    Err(Error::new(ErrorCode::Duplicate, message))
}

fn mark(bucket: &Bucket, path: Path, owner: &str) -> Result<()> {
    if !bucket.list()?.is_empty() {
        let message = format!("the store holds packs and has no {path}, so it may be another's");
        return Err(Error::new(ErrorCode::Duplicate, message));
    }
    let text = PutPayload::from(owner::text(owner));
    match bucket.put_new(path.clone(), text)? {
        Ok(_) => Ok(()),
        // Another was faster, or an attempt of this one was there before its answer.
        Err(object_store::Error::AlreadyExists { .. }) => {
            let found = found(bucket, &path)?.unwrap_or_default();
            compare(&path, &found, owner)
        }
        Err(error) => Err(unavailable(format!("make object {path}"), error)),
    }
}

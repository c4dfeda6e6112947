//! The routes of the cache: what is in it and what waits, shown and changed.

use axum::response::Response;
use hyper::header::HeaderName;

use super::answer;
use super::call::Call;
use super::refusal::Refusal;
use crate::cache::{CacheState, ClearTarget};
use crate::error::{ErrorCode, Result};
use crate::id::ImageId;
use crate::policy::Action;
use crate::wire::{CacheDocument, CachedItem, PrunedDocument};

const CLEAR_TARGET: HeaderName = HeaderName::from_static("x-image-cache-clear-target");

pub(super) async fn show(call: Box<Call>) -> Result<Response, Refusal> {
    let images = call.images.asyncio();
    let state = images.run(|images| images.cache().state()).await?;
    Ok(answer::json(200, &CacheDocument::from(state)))
}

impl From<CacheState> for CacheDocument {
    fn from(state: CacheState) -> Self {
        let cached = state.cached.into_iter().map(|it| CachedItem {
            image_id: it.image_id,
            hits: it.hits,
            last_accessed: it.last_accessed,
            last_modified: it.last_modified,
            size: it.size_bytes,
        });
        Self::new(cached, state.queued)
    }
}

pub(super) async fn clear(call: Box<Call>) -> Result<Response, Refusal> {
    // Rights, and whether there is a cache, count before what is to be cleared.
    call.images.cache().expect(Action::CacheClear)?;
    let target = clear_target(&call)?;
    let images = call.images.asyncio();
    images
        .run(move |images| images.cache().clear(target))
        .await?;
    Ok(answer::empty(204))
}

fn clear_target(call: &Call) -> Result<ClearTarget> {
    let value = call.value(&CLEAR_TARGET, ErrorCode::InvalidCacheTarget)?;
    let text = value.map(|value| String::from_utf8_lossy(value.as_bytes()));
    text.unwrap_or_default().trim().parse()
}

pub(super) async fn queue(call: Box<Call>) -> Result<Response, Refusal> {
    let id = image_id(&call, Action::CachePut)?;
    let images = call.images.asyncio();
    images.run(move |images| images.cache().queue(&id)).await?;
    Ok(answer::empty(202))
}

pub(super) async fn remove(call: Box<Call>) -> Result<Response, Refusal> {
    let id = image_id(&call, Action::CacheDelete)?;
    let images = call.images.asyncio();
    images.run(move |images| images.cache().remove(&id)).await?;
    Ok(answer::empty(204))
}

/// Refuses to tell of other nodes: each has a cache of its own.
pub(super) fn nodes(call: &Call) -> Result<Response, Refusal> {
    let id = image_id(call, Action::CachedNodes)?;
    call.images.cache().nodes(&id)?;
    Ok(answer::json(200, &[(); 0]))
}

pub(super) async fn clean(call: Box<Call>) -> Result<Response, Refusal> {
    let images = call.images.asyncio();
    images.run(|images| images.cache().clean()).await?;
    Ok(answer::empty(200))
}

pub(super) async fn prune(call: Box<Call>) -> Result<Response, Refusal> {
    let images = call.images.asyncio();
    let pruned = images.run(|images| images.cache().prune()).await?;
    let document = PrunedDocument::new(pruned.copy_count, pruned.size_bytes);
    Ok(answer::json(200, &document))
}

/// Returns the image that the path names. For one that is no id, rights count first.
fn image_id(call: &Call, action: Action) -> Result<ImageId> {
    let id = call.image_id();
    if id.is_err() {
        call.images.check_global(action)?;
    }
    id
}

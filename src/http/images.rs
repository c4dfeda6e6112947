//! Records of images: create, show, list, patch, delete, and the switches of their data.

use std::sync::Arc;

use axum::response::Response;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};

use super::call::Call;
use super::memory::UNIT_BYTES;
use super::refusal::Refusal;
use super::{answer, authority};
use crate::engine::Images;
use crate::error::{Error, Result};
use crate::image::{NewImage, Patch};
use crate::patch::Dialect;
use crate::query::ListQuery;
use crate::wire::{self, PrintedList};

const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

pub(super) async fn list(call: Box<Call>) -> Result<Response, Refusal> {
    let query: ListQuery = call.query().parse()?;
    let text = page(&call, &query).await?;
    if text.len() <= UNIT_BYTES {
        return Ok(answer::printed(200, text.into()));
    }
    let memory = &call.site.outgoing;
    if let Some(held) = memory.try_take(text.len()) {
        return Ok(answer::held(text.into(), held));
    }
    // It is made again when there is memory for it, so that it takes none while it waits.
    let len = text.len();
    drop(text);
    let held = memory.take(len).await?;
    Ok(answer::held(page(&call, &query).await?.into(), held))
}

/// Prints a page: here if it is short, else on a thread of the engine.
fn page(call: &Call, query: &ListQuery) -> impl Future<Output = Result<String>> + Send + use<> {
    let (site, images) = (Arc::clone(&call.site), call.images.asyncio());
    let (query, same) = (query.clone(), query.clone());
    let work = move |images: &Images| {
        let limits = &site.engine.settings().page;
        let (mut count, mut last) = (0, None);
        let mut text = String::new();
        let mut list = PrintedList::new(&mut text);
        images.list_each(&same, |listed| {
            let text = list.next();
            last = Some(site.print_listed(listed, text)?);
            if count == 0 {
                text.reserve(room(text.len(), same.page_len(limits)));
            }
            count += 1;
            Ok(())
        })?;
        let (first, next) = wire::links(&same, limits, count, last.as_ref());
        list.end(&first, next.as_deref());
        Ok(text)
    };
    async move { images.run_page(&query, work).await }
}

/// Returns how much memory to take for a page at once, from the length of its first document.
fn room(first: usize, count: u64) -> usize {
    const MOST: usize = 1 << 20;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    first.saturating_mul(count).min(MOST)
}

/// Creates an image. The answer has no header of import methods and none of stores: none of the first
/// is enabled, and there is one store.
pub(super) async fn create(mut call: Box<Call>) -> Result<Response, Refusal> {
    let body = call.read_body().await?;
    let new = NewImage::from_json(Some(&body), &call.site.engine.settings().limits)?;
    let image = call.images.asyncio().create(new).await?;
    let mut response = answer::image(201, &call.site.document(&image));
    let base = authority::base(&call.head, &call.site.settings);
    // What the host gave as its url may be no text of a header.
    if let Ok(url) = HeaderValue::try_from(format!("{base}/v2/images/{}", image.id())) {
        response.headers_mut().insert(LOCATION, url);
    }
    Ok(response)
}

pub(super) async fn show(call: Box<Call>) -> Result<Response, Refusal> {
    let image = call.images.asyncio().show(&call.image_id()?).await?;
    Ok(answer::image(200, &call.site.document(&image)))
}

pub(super) async fn patch(mut call: Box<Call>) -> Result<Response, Refusal> {
    let dialect = Dialect::from_media_type(call.header(&CONTENT_TYPE)?).map_err(unsupported)?;
    let body = call.read_body().await?;
    let patch = Patch::parse(dialect, &body, &call.site.engine.settings().limits)?;
    let image = call
        .images
        .asyncio()
        .update(&call.image_id()?, patch)
        .await?;
    Ok(answer::image(200, &call.site.document(&image)))
}

fn unsupported(error: Error) -> Refusal {
    Refusal::from(error).with(ACCEPT_PATCH, Dialect::ACCEPT_PATCH)
}

pub(super) async fn delete(call: Box<Call>) -> Result<Response, Refusal> {
    let id = call.image_id()?;
    call.images.asyncio().delete(&id).await?;
    Ok(answer::empty(204))
}

pub(super) async fn deactivate(call: Box<Call>) -> Result<Response, Refusal> {
    let id = call.image_id()?;
    let switched = call.run(move |images| images.deactivate(&id));
    switched.await?;
    Ok(answer::empty(204))
}

pub(super) async fn reactivate(call: Box<Call>) -> Result<Response, Refusal> {
    let id = call.image_id()?;
    let switched = call.run(move |images| images.reactivate(&id));
    switched.await?;
    Ok(answer::empty(204))
}

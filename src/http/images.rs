//! Records of images: create, show, list, patch, delete, and the switches of their data.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::response::Response;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};

use super::call::Call;
use super::memory::{Held, UNIT_BYTES};
use super::refusal::Refusal;
use super::site::Site;
use super::{answer, authority, import, stores};
use crate::engine::Images;
use crate::error::{Error, Result};
use crate::image::{NewImage, Patch};
use crate::patch::Dialect;
use crate::query::ListQuery;
use crate::wire::{self, PrintedList};

const IMPORT_METHODS: HeaderName = HeaderName::from_static("openstack-image-import-methods");
const STORE_IDS: HeaderName = HeaderName::from_static("openstack-image-store-ids");
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

pub(super) async fn list(call: Box<Call>) -> Result<Response, Refusal> {
    let query: ListQuery = call.query().parse()?;
    let text = page(&call, &query).await?;
    match document(&call.site, 200, text) {
        Ok(response) => Ok(response),
        // It is made again when there is memory for it, so that it takes none while it waits.
        Err(text) => {
            let held = wait(&call.site, text).await?;
            let text = page(&call, &query).await?;
            Ok(call.site.held(200, text, held))
        }
    }
}

/// Answers with a document, or returns it where there is no memory for it.
fn document(site: &Site, status: u16, text: String) -> Result<Response, String> {
    if text.len() <= UNIT_BYTES {
        return Ok(answer::printed(status, text.into()));
    }
    match site.outgoing.try_take(text.len()) {
        Some(held) => Ok(site.held(status, text, held)),
        None => Err(text),
    }
}

/// Waits for memory for a document that is given up meanwhile.
async fn wait(site: &Site, text: String) -> Result<Held> {
    let len = text.len();
    drop(text);
    site.outgoing.take(len).await
}

/// Answers with the document of what was done; it waits for memory as long as that takes, for a
/// refusal would not undo it.
async fn done(site: &Site, status: u16, text: String) -> Response {
    let mut text = text;
    loop {
        text = match document(site, status, text) {
            Ok(response) => return response,
            Err(text) => text,
        };
        if let Ok(held) = site.outgoing.take(text.len()).await {
            return site.held(status, text, held);
        }
    }
}

/// Prints a page, which ends early where it would take more than a quarter of the memory that there
/// is for documents: here if it is short, else on a thread of the engine.
fn page(call: &Call, query: &ListQuery) -> impl Future<Output = Result<String>> + Send + use<> {
    let (site, images) = (Arc::clone(&call.site), call.images.asyncio());
    let (query, is_short) = (query.clone(), call.images.is_short(query));
    let work = move |images: &Images| {
        let limits = &site.engine.settings().page;
        let most = site.outgoing.len_bytes() / 4;
        let (mut count, mut last) = (0_u64, None);
        let mut text = String::new();
        let mut list = PrintedList::new(&mut text);
        let is_cut = images.list_each(&query, most, |listed| {
            let text = list.next();
            last = Some(site.print_listed(listed, text)?);
            if count == 0 {
                text.reserve(room(text.len(), query.page_len(limits)));
            }
            count += 1;
            Ok(match text.len() >= most {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            })
        })?;
        let is_full = count == query.page_len(limits) || is_cut;
        let (first, next) = wire::links(&query, last.as_ref().filter(|_| is_full));
        list.end(&first, next.as_deref());
        Ok(text)
    };
    async move { images.run_page(is_short, work).await }
}

/// Returns how much memory to take for a page at once, from the length of its first document.
fn room(first: usize, count: u64) -> usize {
    const MOST: usize = 1 << 20;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    first.saturating_mul(count).min(MOST)
}

/// Creates an image. The answer says also how it may get its data, and in which stores.
pub(super) async fn create(mut call: Box<Call>) -> Result<Response, Refusal> {
    let body = call.read_body().await?;
    let new = NewImage::from_json(Some(&body), &call.site.engine.settings().limits)?;
    let image = call.images.asyncio().create(new).await?;
    let text = answer::image(&call.site.document(&image));
    let mut response = done(&call.site, 201, text).await;
    let base = authority::base(&call.head, &call.site.settings);
    // What the host gave as its url may be no text of a header.
    if let Ok(url) = HeaderValue::try_from(format!("{base}/v2/images/{}", image.id())) {
        response.headers_mut().insert(LOCATION, url);
    }
    let engine = &call.site.engine;
    let ways = [
        (IMPORT_METHODS, import::listed(engine)),
        (STORE_IDS, stores::listed(engine)),
    ];
    for (name, list) in ways {
        if let Some(list) = list {
            response.headers_mut().insert(name, list);
        }
    }
    Ok(response)
}

pub(super) async fn show(call: Box<Call>) -> Result<Response, Refusal> {
    let (images, id) = (call.images.asyncio(), call.image_id()?);
    let image = images.show(&id).await?;
    match document(&call.site, 200, answer::image(&call.site.document(&image))) {
        Ok(response) => Ok(response),
        Err(text) => {
            drop(image);
            let held = wait(&call.site, text).await?;
            let image = images.show(&id).await?;
            let text = answer::image(&call.site.document(&image));
            Ok(call.site.held(200, text, held))
        }
    }
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
    let text = answer::image(&call.site.document(&image));
    Ok(done(&call.site, 200, text).await)
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

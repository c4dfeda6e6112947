//! Records of images: create, show, list, patch, delete, and the switches of their data.

use axum::response::Response;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};

use super::answer;
use super::call::Call;
use super::memory::UNIT_BYTES;
use super::refusal::Refusal;
use crate::error::{Error, Result};
use crate::image::{NewImage, Patch};
use crate::patch::Dialect;
use crate::query::ListQuery;
use crate::wire::ListDocument;

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

/// Prints a page on a thread of the engine.
fn page(call: &Call, query: &ListQuery) -> impl Future<Output = Result<String>> + Send + use<> {
    let (site, query) = (call.site.clone(), query.clone());
    call.run(move |images| {
        let page = images.list(&query)?;
        let documents = page.images().iter().map(|image| site.document(image));
        let limits = &site.engine.settings().page;
        let mut text = String::new();
        ListDocument::new(&query, limits, documents.collect()).print(&mut text);
        Ok(text)
    })
}

pub(super) async fn create(mut call: Box<Call>) -> Result<Response, Refusal> {
    let body = call.read_body().await?;
    let new = NewImage::from_json(Some(&body), &call.site.engine.settings().limits)?;
    let image = call.images.asyncio().create(new).await?;
    let mut response = answer::image(201, &call.site.document(&image));
    let path = format!("/v2/images/{}", image.id());
    let path = HeaderValue::try_from(path).expect("digits and dashes");
    response.headers_mut().insert(LOCATION, path);
    Ok(response)
}

pub(super) async fn show(call: Box<Call>) -> Result<Response, Refusal> {
    let image = call.images.asyncio().show(&call.image_id()?).await?;
    Ok(answer::image(200, &call.site.document(&image)))
}

pub(super) async fn patch(mut call: Box<Call>) -> Result<Response, Refusal> {
    let dialect = Dialect::from_media_type(call.header(&CONTENT_TYPE)).map_err(unsupported)?;
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

//! The data of images: whole bodies in, whole ones and ranges out.

use std::io;

use axum::body::Body;
use axum::response::Response;
use hyper::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RANGE,
};

use super::answer;
use super::body::BodyStream;
use super::call::Call;
use super::download::SlicesBody;
use super::refusal::Refusal;
use crate::asyncio::AsyncReader;
use crate::error::{Error, ErrorCode, Result, shown};
use crate::image::{Image, ImportMethod};
use crate::ingest::UploadOptions;
use crate::policy::Action;
use crate::query::Parameters;
use crate::range::{ContentRange, Selection, select};

const OCTETS: &str = "application/octet-stream";
const IMAGE_SIZE: HeaderName = HeaderName::from_static("x-openstack-image-size");
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

pub(super) async fn upload(mut call: Box<Call>) -> Result<Response, Refusal> {
    check_type(&call)?;
    let options = UploadOptions {
        expected_len_bytes: declared_size(&call)?,
        store: call.store()?,
        ..UploadOptions::default()
    };
    let id = call.image_id()?;
    let stream = body(&mut call);
    let images = call.images.asyncio();
    let uploaded = images.upload_stream(&id, stream, options).await;
    uploaded.map_err(|error| told_short(error, call.headers()))?;
    Ok(answer::empty(204))
}

/// Takes data for an import that is to come.
pub(super) async fn stage(mut call: Box<Call>) -> Result<Response, Refusal> {
    let methods = call.site.engine.import_methods();
    if !methods.contains(&ImportMethod::GlanceDirect) {
        return Err(Refusal::absent("import by glance-direct"));
    }
    check_type(&call)?;
    let options = UploadOptions {
        expected_len_bytes: declared_size(&call)?,
        ..UploadOptions::default()
    };
    let id = call.image_id()?;
    let stream = body(&mut call);
    let images = call.images.asyncio();
    let staged = images.stage_stream(&id, stream, options).await;
    staged.map_err(|error| told_short(error, call.headers()))?;
    Ok(answer::empty(204))
}

fn body(call: &mut Call) -> BodyStream {
    BodyStream::new(call.take_body(), call.site.settings.body_idle).counted()
}

/// Says of a body that ended before its length so (DEV-D18).
fn told_short(error: Error, headers: &HeaderMap) -> Error {
    let cause = std::error::Error::source(&error).and_then(|it| it.downcast_ref::<io::Error>());
    let is_short = cause.is_some_and(|it| it.kind() == io::ErrorKind::UnexpectedEof);
    if !is_short || !headers.contains_key(CONTENT_LENGTH) {
        return error;
    }
    let message = format!("body is shorter than its length: {}", error.message());
    Error::new(ErrorCode::SizeMismatch, message).with_source(error)
}

fn check_type(call: &Call) -> Result<()> {
    let given = call.header(&CONTENT_TYPE)?.unwrap_or_default();
    let media_type = given.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case(OCTETS) {
        return Ok(());
    }
    let shown = shown(media_type);
    let message = format!("media type {shown:?} is not {OCTETS}");
    Err(Error::new(ErrorCode::UnsupportedMediaType, message))
}

/// Returns how many bytes will come; 0 stands for an unknown number.
fn declared_size(call: &Call) -> Result<Option<u64>> {
    let declared = call.value(&IMAGE_SIZE, ErrorCode::InvalidSize)?;
    let size = match declared {
        Some(value) => {
            let text = value.to_str().unwrap_or_default().trim();
            let size = text.parse::<u64>().ok();
            size.ok_or_else(|| {
                let shown = shown(text);
                let message = format!("{IMAGE_SIZE} {shown:?} is no number of bytes, 0 or more");
                Error::new(ErrorCode::InvalidSize, message)
            })?
        }
        None => {
            let length = call.header(&CONTENT_LENGTH)?;
            length.and_then(|length| length.parse().ok()).unwrap_or(0)
        }
    };
    Ok(Some(size).filter(|size| *size > 0))
}

pub(super) async fn download(call: Box<Call>) -> Result<Response, Refusal> {
    let Some(reader) = open(&call).await? else {
        return Ok(answer::empty(204));
    };
    let len_bytes = reader.len_bytes();
    // Lines of a list are the parts of one, and it names several ranges.
    let range = call.value(&RANGE, ErrorCode::MultiRange)?;
    let place = call.value(&CONTENT_RANGE, ErrorCode::InvalidParameter)?;
    let [range, place] = [range, place].map(|value| value.map(HeaderValue::as_bytes));
    let chosen = select(Some(len_bytes), range, place);
    let chosen = chosen.map_err(|error| unsatisfied(error, len_bytes))?;
    let mut response = answer::empty(chosen.http_status());
    put_headers(&mut response, &chosen, reader.image());
    let slices = reader.stream(chosen.range())?;
    *response.body_mut() = Body::new(SlicesBody::new(slices));
    Ok(response)
}

/// Opens the data, from the stores that the request prefers before others.
fn open(call: &Call) -> impl Future<Output = Result<Option<AsyncReader>>> + Send + use<> {
    let (id, images) = (call.image_id(), call.images.asyncio());
    let (stores, options) = (preferred(call.query()), call.site.engine.settings().read);
    let ranges = [RANGE, CONTENT_RANGE];
    let is_part = ranges.iter().any(|name| call.headers().contains_key(name));
    async move {
        let id = id?;
        let stores = match stores {
            Ok(stores) if stores.is_empty() && is_part => return images.open(&id).await,
            Ok(stores) if stores.is_empty() => return images.open_whole(&id, options).await,
            stores => stores,
        };
        // What is wrong with the query is told to who may read the data.
        images.blocking().check(&id, Action::Download)?;
        images.open_preferring(&id, stores?, options).await
    }
}

/// Returns the stores that the parameter `prefer` names; blanks and empty parts name none.
fn preferred(query: &str) -> Result<Vec<String>> {
    if !query.contains("prefer") {
        return Ok(Vec::new());
    }
    let parameters: Parameters = query.parse()?;
    let lists = parameters.iter().filter(|(name, _)| *name == "prefer");
    let stores = lists.flat_map(|(_, list)| list.split(',').map(str::trim));
    let stores = stores.filter(|store| !store.is_empty());
    Ok(stores.map(str::to_owned).collect())
}

fn unsatisfied(error: Error, len_bytes: u64) -> Refusal {
    if error.code() != ErrorCode::RangeNotSatisfiable {
        return error.into();
    }
    let range = ContentRange::Unsatisfied {
        complete: len_bytes,
    };
    Refusal::from(error).with(CONTENT_RANGE, &range.to_string())
}

fn put_headers(response: &mut Response, chosen: &Selection, image: &Image) {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(OCTETS));
    if let Some(checksum) = image.checksum() {
        let checksum = HeaderValue::try_from(checksum.to_string());
        headers.insert(CONTENT_MD5, checksum.expect("hexadecimal digits"));
    }
    if let Some(range) = chosen.content_range() {
        let range = HeaderValue::try_from(range.to_string());
        headers.insert(CONTENT_RANGE, range.expect("digits and signs"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_preferred_where_some_are_named() {
        for query in [
            "",
            "prefer=",
            "prefer=,+,",
            "prefer=%20%2C",
            "preferred=a",
            "x=prefer",
        ] {
            assert!(preferred(query).expect("a query").is_empty(), "{query}");
        }
        for query in ["prefer=a", "x=1&prefer=,a", "prefer=%61"] {
            assert_eq!(preferred(query).expect("a query"), ["a"], "{query}");
        }
        let several = preferred("prefer=b,+a&prefer=c").expect("a query");
        assert_eq!(several, ["b", "a", "c"]);
    }
}

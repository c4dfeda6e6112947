//! A request on its way to its handler: who asks, what for, and what comes with it.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use hyper::Method;
use hyper::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;

use super::body;
use super::memory::Held;
use super::refusal::Refusal;
use super::route::Row;
use super::site::Site;
use super::target::Variables;
use crate::engine::Images;
use crate::error::{Error, ErrorCode, Result, shown};
use crate::id::{ImageId, ProjectId};
use crate::import::Requester;
use crate::policy::Caller;

/// The header that names the store for data.
const META_STORE: HeaderName = HeaderName::from_static("x-image-meta-store");

/// A request whose caller and route are known.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) site: Arc<Site>,
    pub(super) images: Images,
    caller: Caller,
    /// The id of the request, as its answer shows it.
    id: HeaderValue,
    pub(super) head: Parts,
    pub(super) variables: Variables,
    body: Body,
    /// Its part of the memory for documents, as long as the body is looked at.
    memory: Option<Held>,
}

impl Call {
    pub(super) fn new(
        site: Arc<Site>,
        (caller, id): (Caller, HeaderValue),
        head: Parts,
        variables: Variables,
        body: Body,
    ) -> Self {
        Self {
            images: site.engine.images(&caller),
            site,
            caller,
            id,
            head,
            variables,
            body,
            memory: None,
        }
    }

    /// Refuses a body where there must be none.
    pub(super) fn check_body(&self, row: &Row) -> Result<(), Refusal> {
        let headers = &self.head.headers;
        let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
        if !codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
            let message = "a transfer encoding is not chunked";
            return Err(Refusal::new(ErrorCode::NotImplemented, message));
        }
        let length = headers.get(CONTENT_LENGTH);
        let has_length = length.is_some_and(|length| length.as_bytes() != b"0");
        let may_have = ["POST", "PUT", "PATCH"].contains(&row.method);
        let is_streamed = may_have && headers.contains_key(TRANSFER_ENCODING);
        if row.bodyless && (has_length || is_streamed) {
            let message = format!("{} of this path takes no body", row.method);
            return Err(Refusal::new(ErrorCode::BodyNotAllowed, message));
        }
        Ok(())
    }

    /// Returns a header that may stand once, as text; one that is no text is none.
    pub(super) fn header(&self, name: &HeaderName) -> Result<Option<&str>> {
        let value = self.value(name, ErrorCode::InvalidParameter)?;
        Ok(value.and_then(|value| value.to_str().ok()))
    }

    /// Returns the value of a header that may stand once. Of two, one part of the way takes the
    /// first, and another the last.
    pub(super) fn value(
        &self,
        name: &HeaderName,
        repeated: ErrorCode,
    ) -> Result<Option<&HeaderValue>> {
        let mut values = self.head.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (_, Some(_)) => {
                let message = format!("header {name} stands more than once");
                Err(Error::new(repeated, message))
            }
            (value, None) => Ok(value),
        }
    }

    /// Returns the headers.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// Returns the query string, without its mark.
    pub(super) fn query(&self) -> &str {
        self.head.uri.query().unwrap_or_default()
    }

    /// Returns the image that the path names. Any text is taken; one that is no id names nothing,
    /// which is not told to who may not write anyway.
    pub(super) fn image_id(&self) -> Result<ImageId> {
        self.image_of(&self.variables.first)
    }

    /// Returns the image that a part of the path names, as [`Call::image_id`] does.
    pub(super) fn image_of(&self, part: &str) -> Result<ImageId> {
        part.parse().map_err(|_| {
            if self.head.method != Method::GET && self.caller.is_anonymous() {
                let message = "a caller without identity may only read";
                return Error::new(ErrorCode::ReadOnlyCaller, message);
            }
            let shown = shown(part);
            Error::new(ErrorCode::NotFound, format!("no image {shown:?}"))
        })
    }

    /// Returns the member that the path names. A text that no project can have stands for one that
    /// nobody has, so that what comes before the member is told as for any other.
    pub(super) fn member_id(&self) -> Result<ProjectId> {
        let text = Some(&self.variables.second).filter(|_| self.variables.are_text);
        let project = text.and_then(|text| ProjectId::new(text.as_str()).ok());
        let nobody = || ProjectId::new(ImageId::from_bytes(self.site.chance()).to_string());
        project.map_or_else(nobody, Ok)
    }

    /// Returns the store that data is to go to, if the header names one.
    pub(super) fn store(&self) -> Result<Option<String>> {
        let value = self.value(&META_STORE, ErrorCode::InvalidParameter)?;
        // What is not UTF-8 becomes a name that no store has.
        let text =
            |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).trim().to_owned();
        Ok(value.map(text))
    }

    /// Returns who asks, as tasks show it.
    pub(super) fn requester(&self) -> Requester {
        Requester {
            owner: self.caller.project_id().cloned(),
            user_id: self.caller.user_id().map(str::to_owned),
            request_id: Some(String::from_utf8_lossy(self.id.as_bytes()).into_owned()),
        }
    }

    /// Has a thread of the engine do something with the images of the caller.
    pub(super) fn run<T, W>(&self, work: W) -> impl Future<Output = Result<T>> + Send + use<T, W>
    where
        T: Send + 'static,
        W: FnOnce(&Images) -> Result<T> + Send + 'static,
    {
        let images = self.images.asyncio();
        async move { images.run(work).await }
    }

    /// Reads the body.
    pub(super) async fn read_body(&mut self) -> Result<Bytes> {
        let body = std::mem::take(&mut self.body);
        let (body, memory) = body::read(body, &self.site).await?;
        self.memory = memory;
        Ok(body)
    }

    /// Takes the body, to be read as it comes.
    pub(super) fn take_body(&mut self) -> Body {
        std::mem::take(&mut self.body)
    }
}

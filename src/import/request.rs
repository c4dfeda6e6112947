//! What a caller asks for: `{"method": {"name", ...}, "stores", "all_stores", ...}`.

use std::fmt;

use super::source::RegionImage;

use crate::error::{Error, ErrorCode, Result, shown};
use crate::id::{ImageId, ProjectId};
use crate::image::ImportMethod;
use crate::json::{self, Json, Object};
use crate::task::{JsonObject, from_text, to_text};

/// Longest body of a request, in bytes.
const BODY_MAX_BYTES: usize = 64 << 10;

/// A request for an import.
///
/// # Examples
/// ```
/// use smalti::import::{ImportMethod, Request};
///
/// let body = br#"{"method": {"name": "web-download", "uri": "https://a.example/i"}}"#;
/// let request = Request::parse(body)?;
/// assert_eq!(request.method(), ImportMethod::WebDownload);
/// let same = Request::web_download("https://a.example/i");
/// assert_eq!(same.method(), request.method());
/// # Ok::<(), smalti::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Request {
    pub(super) method: ImportMethod,
    pub(super) uri: Option<String>,
    pub(super) region: Option<Region>,
    pub(super) stores: Option<Vec<String>>,
    pub(super) header: Option<String>,
    pub(super) all_stores: bool,
    pub(super) must_succeed: Option<bool>,
    /// What the task shows.
    pub(super) body: JsonObject,
}

/// An image of another region, as the request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) region: Option<String>,
    pub(super) image: Option<String>,
    pub(super) interface: String,
}

impl Request {
    fn new(method: ImportMethod) -> Self {
        Self {
            method,
            uri: None,
            region: None,
            stores: None,
            header: None,
            all_stores: false,
            must_succeed: None,
            body: JsonObject::new(),
        }
        .shown()
    }

    /// Asks for the import of data that was staged.
    pub fn glance_direct() -> Self {
        Self::new(ImportMethod::GlanceDirect)
    }

    /// Asks for the import of data behind a url.
    pub fn web_download(uri: impl Into<String>) -> Self {
        let mut request = Self::new(ImportMethod::WebDownload);
        request.uri = Some(uri.into());
        request.shown()
    }

    /// Asks for the import of an image of another region.
    pub fn glance_download(region: impl Into<String>, image: &ImageId) -> Self {
        let mut request = Self::new(ImportMethod::GlanceDownload);
        request.region = Some(Region {
            region: Some(region.into()),
            image: Some(image.to_string()),
            interface: "public".to_owned(),
        });
        request.shown()
    }

    /// Asks for copies of the data of the image in more stores.
    pub fn copy_image() -> Self {
        Self::new(ImportMethod::CopyImage)
    }

    /// Names the stores that get the data, in the order in which they do.
    #[must_use]
    pub fn stores<T: Into<String>>(mut self, stores: impl IntoIterator<Item = T>) -> Self {
        self.stores = Some(stores.into_iter().map(Into::into).collect());
        self.shown()
    }

    /// Asks for the data in every store that takes data.
    #[must_use]
    pub fn all_stores(mut self) -> Self {
        self.all_stores = true;
        self.shown()
    }

    /// Says whether the failure of one store is that of the whole import, as it is unless said
    /// otherwise.
    #[must_use]
    pub fn all_stores_must_succeed(mut self, must: bool) -> Self {
        self.must_succeed = Some(must);
        self.shown()
    }

    /// Names the store as a header of the request does, apart from the body.
    #[must_use]
    pub fn header_store(mut self, store: impl Into<String>) -> Self {
        self.header = Some(store.into());
        self
    }

    /// Returns the method.
    pub fn method(&self) -> ImportMethod {
        self.method
    }

    /// Returns the url that the data is to be fetched from.
    pub fn uri(&self) -> Option<&str> {
        self.uri.as_deref()
    }

    /// Returns the image of another region that is asked for, on behalf of a project.
    pub(super) fn region_image(&self, project: Option<ProjectId>) -> Result<RegionImage> {
        let missing = || violation("the region is missing");
        let from = self.region.as_ref().ok_or_else(missing)?;
        from.check()?;
        Ok(RegionImage {
            region: from.region.clone().unwrap_or_default(),
            image: from.image.as_deref().unwrap_or_default().parse()?,
            interface: from.interface.clone(),
            project,
        })
    }

    /// Tells whether the data is that of the image itself.
    pub(super) fn is_copy(&self) -> bool {
        self.method == ImportMethod::CopyImage
    }

    /// Tells whether the data comes from elsewhere, and is staged by the import itself.
    pub(super) fn is_fetched(&self) -> bool {
        matches!(
            self.method,
            ImportMethod::WebDownload | ImportMethod::GlanceDownload
        )
    }

    /// Tells whether the failure of one store is that of the whole import.
    pub(super) fn needs_all(&self) -> bool {
        self.must_succeed.unwrap_or(true)
    }

    /// Reads a request from a body of at most 64 KiB, all of which the task keeps.
    ///
    /// # Errors
    /// `MalformedJson`; `SchemaViolation` for what is too long or of the wrong form;
    /// `UnknownImportMethod`.
    pub fn parse(body: &[u8]) -> Result<Self> {
        if body.len() > BODY_MAX_BYTES {
            let len = body.len();
            let message = format!("the request is {len} bytes, limit {BODY_MAX_BYTES}");
            return Err(violation(&message));
        }
        let mut object = json::object(body)?;
        let mut method = match object.take("method") {
            Some(Json::Object(method)) => method,
            _ => return Err(violation("method is missing or no object")),
        };
        let name = text(&mut method, "name")?;
        let name = name.ok_or_else(|| violation("the name of the method is missing"))?;
        let all = ImportMethod::ALL.iter();
        let known = all.copied().find(|method| method.as_str() == name);
        let known = known.ok_or_else(|| unknown(&name))?;
        let stores = stores(object.take("stores"))?;
        let uri = text(&mut method, "uri")?;
        let region = Region {
            region: text(&mut method, "glance_region")?,
            image: text(&mut method, "glance_image_id")?,
            interface: text(&mut method, "glance_service_interface")?
                .unwrap_or_else(|| "public".to_owned()),
        };
        Ok(Self {
            method: known,
            uri,
            region: (known == ImportMethod::GlanceDownload).then_some(region),
            stores,
            header: None,
            all_stores: flag(&mut object, "all_stores")?.unwrap_or(false),
            must_succeed: flag(&mut object, "all_stores_must_succeed")?,
            body: from_text(body)?,
        })
    }

    /// Makes the body that stands for the request.
    fn shown(mut self) -> Self {
        let mut method = JsonObject::new();
        method.insert("name".to_owned(), self.method.as_str().into());
        if let Some(uri) = &self.uri {
            method.insert("uri".to_owned(), uri.as_str().into());
        }
        if let Some(from) = &self.region {
            method.insert("glance_region".to_owned(), from.region.clone().into());
            method.insert("glance_image_id".to_owned(), from.image.clone().into());
        }
        let mut body = JsonObject::new();
        body.insert("method".to_owned(), method.into());
        if let Some(stores) = &self.stores {
            body.insert("stores".to_owned(), stores.clone().into());
        }
        if self.all_stores {
            body.insert("all_stores".to_owned(), true.into());
        }
        if let Some(must) = self.must_succeed {
            body.insert("all_stores_must_succeed".to_owned(), must.into());
        }
        self.body = body;
        self
    }
}

/// Writes the body that is read back as this request, without the store of the header.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_text(&self.body))
    }
}

/// The uri may hold secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("stores", &self.stores)
            .field("all_stores", &self.all_stores)
            .finish_non_exhaustive()
    }
}

impl Region {
    /// Tests that everything is there.
    ///
    /// # Errors
    /// `SchemaViolation`.
    pub(super) fn check(&self) -> Result<()> {
        if self.region.as_ref().is_none_or(String::is_empty) {
            return Err(violation("glance_region is missing"));
        }
        let image = self.image.as_deref().unwrap_or_default();
        match image.parse::<ImageId>() {
            Ok(_) => Ok(()),
            Err(_) => Err(violation("glance_image_id is missing or no UUID")),
        }
    }
}

/// Makes the error for a method that is not enabled.
pub(super) fn unknown(name: &str) -> Error {
    let message = format!("{:?} is no method of import that is enabled", shown(name));
    Error::new(ErrorCode::UnknownImportMethod, message)
}

fn violation(message: &str) -> Error {
    Error::new(ErrorCode::SchemaViolation, message)
}

fn text(object: &mut Object<'_>, name: &str) -> Result<Option<String>> {
    match object.take(name) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text.into_owned())),
        Some(_) => Err(violation(&format!("{name} is no text"))),
    }
}

fn flag(object: &mut Object<'_>, name: &str) -> Result<Option<bool>> {
    match object.take(name) {
        None => Ok(None),
        Some(Json::Bool(flag)) => Ok(Some(flag)),
        Some(_) => Err(violation(&format!("{name} is neither true nor false"))),
    }
}

fn stores(value: Option<Json<'_>>) -> Result<Option<Vec<String>>> {
    let items = match value {
        None => return Ok(None),
        Some(Json::Array(items)) if !items.is_empty() => items,
        Some(_) => return Err(violation("stores is no list with a store")),
    };
    let mut names: Vec<String> = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Json::Text(name) if !names.iter().any(|known| *known == name) => {
                names.push(name.into_owned());
            }
            Json::Text(name) => {
                let name = shown(&name);
                return Err(violation(&format!("stores names {name:?} twice")));
            }
            _ => return Err(violation("stores holds something that is no text")),
        }
    }
    Ok(Some(names))
}

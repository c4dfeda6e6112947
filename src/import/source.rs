//! Where the data of an import is: fetched and staged first, or staged before, or in another store.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use super::importer::Importer;
use super::job::Job;
use super::request::Request;
use crate::error::{Error, ErrorCode, Result};
use crate::fetch::ResumingBody;
use crate::id::{ImageId, ProjectId};
use crate::image::{ContainerFormat, DiskFormat, ImportMethod};
use crate::index::staged::Staged;
use crate::index::{Kv, images, staged};
use crate::read::{Opening, Reader};

/// The image of another region that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegionImage {
    /// The region.
    pub region: String,
    /// The image, in that region.
    pub image: ImageId,
    /// The interface of its service: `public` unless the request says otherwise.
    pub interface: String,
    /// The project that asks.
    pub project: Option<ProjectId>,
}

/// An active image of another region, and its data.
pub struct RegionData {
    /// The length of the data, in bytes; other data fails the import.
    pub size_bytes: u64,
    /// The format of the disk.
    pub disk_format: Option<DiskFormat>,
    /// The format of what stands around the disk.
    pub container_format: Option<ContainerFormat>,
    /// Custom properties, of which those with certain beginnings are taken over.
    pub properties: BTreeMap<String, String>,
    /// The data.
    pub body: Box<dyn Read + Send>,
}

impl fmt::Debug for RegionData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegionData")
            .field("size_bytes", &self.size_bytes)
            .finish_non_exhaustive()
    }
}

/// Fetches images of other regions, for imports by glance-download; the host knows the regions and
/// has the credentials.
pub trait RegionSource: Send + Sync + 'static {
    /// Opens the data of an image. Blocks until the region has answered.
    ///
    /// # Errors
    /// Any, for an image that is not there or not active: the import fails with its message.
    fn open(&self, image: &RegionImage) -> Result<RegionData>;
}

/// Data at hand for stores.
#[derive(Debug)]
pub(super) struct Source {
    /// The data of the image, or what is staged for it, as a reader sees it.
    pub(super) reader: Reader,
    /// Nothing where the data is that of the image.
    pub(super) staged: Option<Staged>,
}

impl Importer {
    /// Stages the data of an import whose source is elsewhere, in one store.
    pub(super) fn fetch_into(&self, job: &Job, request: &Request, store: &str) -> Result<()> {
        match request.method {
            ImportMethod::GlanceDownload => self.fetch_region(job, request, store),
            _ => self.fetch_web(job, request, store),
        }
    }

    fn fetch_web(&self, job: &Job, request: &Request, store: &str) -> Result<()> {
        let web = self.sources.web.as_ref();
        let (fetch, filter) = web.ok_or_else(|| absent("urls"))?;
        let uri = request.uri().unwrap_or_default();
        let (filter, mut limits) = (filter.clone(), self.sources.limits);
        limits.len_max_bytes = limits.len_max_bytes.min(self.ingest.image_size_cap);
        let body = ResumingBody::open(Arc::clone(fetch), filter, uri, limits)?;
        let len_bytes = body.len_bytes();
        self.stage(job, store, body, len_bytes)
    }

    fn fetch_region(&self, job: &Job, request: &Request, store: &str) -> Result<()> {
        let regions = self.sources.regions.as_ref();
        let regions = regions.ok_or_else(|| absent("other regions"))?;
        let asked = request.region_image(self.owner(job)?)?;
        let RegionData {
            size_bytes,
            disk_format,
            container_format,
            properties,
            body,
        } = regions.open(&asked)?;
        let begins = |name: &str| {
            let mut all = self.sources.region_properties.iter();
            !name.starts_with("os_glance") && all.any(|prefix| name.starts_with(prefix.as_str()))
        };
        let chosen = properties.iter().filter(|(name, _)| begins(name));
        let chosen: Vec<(&str, &str)> = chosen.map(|(a, b)| (a.as_str(), b.as_str())).collect();
        self.adopt(job, (disk_format, container_format), &chosen)?;
        self.stage(job, store, body, Some(size_bytes))
    }

    fn stage(&self, job: &Job, store: &str, body: impl Read, len_bytes: Option<u64>) -> Result<()> {
        let mut upload = self.begin_stage(job, Some(store.to_owned()), len_bytes)?;
        let mut body = Noted {
            body,
            len_bytes: 0,
            note: |done| self.note(job, "Downloaded", done),
        };
        upload.read_from(&mut body)?;
        upload.finish().map(drop)
    }

    /// Opens the data that goes into stores.
    pub(super) fn source(&self, job: &Job, request: &Request) -> Result<Source> {
        let base = self.base();
        let (look, mut lease) = (base.leases.look(), base.leases.none());
        let (image, staged) = base.kv.read(|get| {
            let image = images::visible(get, &job.image)?;
            image.expect_lock(&job.task)?;
            let staged = match request.is_copy() {
                true => None,
                false => staged::find(get, &job.image)?,
            };
            Ok((image, staged))
        })?;
        let roots: Vec<_> = match &staged {
            Some(staged) => vec![images::root_key(&staged.data)],
            None if request.is_copy() => {
                let default = base.stores.default_name();
                let copies = base.stores.in_order(image.copies(), &[default]);
                copies.into_iter().map(images::root_key).collect()
            }
            None => Vec::new(),
        };
        if roots.is_empty() {
            let message = format!("there is no data of image {} to import", job.image);
            return Err(Error::new(ErrorCode::InvalidState, message));
        }
        look.lease(&roots, &mut lease);
        let reader = Reader::open(Opening::new(base, image, roots, lease))?;
        Ok(Source { reader, staged })
    }
}

fn absent(what: &str) -> Error {
    let message = format!("the engine was given nothing that fetches from {what}");
    Error::new(ErrorCode::UnknownImportMethod, message)
}

/// A body that tells how far it is.
struct Noted<R, F> {
    body: R,
    len_bytes: u64,
    note: F,
}

impl<R: Read, F: Fn(u64) -> Result<()>> Read for Noted<R, F> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.body.read(buf)?;
        self.len_bytes += count as u64;
        (self.note)(self.len_bytes)?;
        Ok(count)
    }
}

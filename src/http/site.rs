//! What all requests share: the engine, the settings, and documents that never change.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::response::Response;
use bytes::Bytes;

use super::answer;
use super::memory::{Held, Memory};
use super::printed::PrintedImages;
use super::settings::HttpSettings;
use super::target;
use crate::engine::{Engine, Listed};
use crate::error::Result;
use crate::id::ImageId;
use crate::image::Image;
use crate::wire::{ImageDocument, ImageOptions, Schemas};

/// What all requests share.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) engine: Engine,
    pub(super) settings: HttpSettings,
    pub(super) schemas: PrintedSchemas,
    /// Minor versions of the API that are offered, newest first.
    pub(super) versions: Vec<u8>,
    /// Whether callers know of the stores.
    pub(super) has_stores: bool,
    /// Names of the stores, heaviest first.
    stores_by_weight: Vec<String>,
    /// Documents of images that lists have shown.
    pub(super) printed: PrintedImages,
    /// Requests are named by bytes of chance, and a number that is added to them.
    names: [u8; 16],
    request_count: AtomicU64,
    /// Memory for documents that come in.
    pub(super) incoming: Memory,
    /// Memory for documents that go out.
    pub(super) outgoing: Memory,
}

/// The schemas, printed once.
#[derive(Debug)]
pub(super) struct PrintedSchemas {
    pub(super) image: Bytes,
    pub(super) images: Bytes,
    pub(super) member: Bytes,
    pub(super) members: Bytes,
    pub(super) task: Bytes,
    pub(super) tasks: Bytes,
}

impl Site {
    pub(super) fn new(engine: Engine, settings: HttpSettings) -> Self {
        let limits = &engine.settings().limits;
        let schemas = Schemas::new()
            .disk_formats(limits.disk_formats.iter().map(ToString::to_string))
            .container_formats(limits.container_formats.iter().map(ToString::to_string));
        let schemas = PrintedSchemas {
            image: answer::print(&schemas.image()),
            images: answer::print(&schemas.images()),
            member: answer::print(&schemas.member()),
            members: answer::print(&schemas.members()),
            task: answer::print(&schemas.task()),
            tasks: answer::print(&schemas.tasks()),
        };
        Self {
            names: engine.inner.base.random.bytes(),
            request_count: AtomicU64::new(0),
            versions: target::minor_versions(
                engine.settings().image_cache,
                engine.has_named_stores(),
            ),
            has_stores: engine.has_named_stores(),
            stores_by_weight: by_weight(&engine),
            incoming: Memory::new(settings.document_memory_bytes),
            outgoing: Memory::new(settings.document_memory_bytes),
            engine,
            printed: PrintedImages::new(settings.document_cache_bytes),
            settings,
            schemas,
        }
    }

    /// Returns the name of a request, which no other has.
    pub(super) fn request_name(&self) -> [u8; 16] {
        let number = self.request_count.fetch_add(1, Ordering::Relaxed);
        let names = u128::from_be_bytes(self.names);
        names.wrapping_add(number.into()).to_be_bytes()
    }

    /// Returns bytes of chance.
    pub(super) fn chance(&self) -> [u8; 16] {
        self.engine.inner.base.random.bytes()
    }

    /// Appends the document of an image of a list, printed now or before; returns its id.
    pub(super) fn print_listed(&self, listed: Listed<'_>, text: &mut String) -> Result<ImageId> {
        let version = listed.version();
        let sees_properties = listed.sees_properties();
        if sees_properties && self.printed.put_into(version, text) {
            return Ok(version.0);
        }
        let begin = text.len();
        let (image, has_places) = listed.image()?;
        self.document(&image).print(text);
        if sees_properties && !(has_places && self.shows_places()) {
            self.printed.keep(version, &text[begin..]);
        }
        Ok(version.0)
    }

    /// Tells whether documents show something of where data is.
    fn shows_places(&self) -> bool {
        self.has_stores
            || self.settings.show_image_direct_url
            || self.engine.settings().show_multiple_locations
    }

    /// Answers with a long document that holds its memory.
    pub(super) fn held(&self, status: u16, text: String, held: Held) -> Response {
        answer::held(status, text.into(), held, self.settings.document_time)
    }

    /// Makes the document of an image, with what this service shows of its places.
    pub(super) fn document<'a>(&'a self, image: &'a Image) -> ImageDocument<'a> {
        let mut options = ImageOptions::new();
        if self.settings.show_image_direct_url {
            options = options.direct_url(&self.stores_by_weight);
        }
        if self.has_stores {
            options = options.stores();
        }
        if self.engine.settings().show_multiple_locations {
            options = options.locations();
        }
        ImageDocument::new(image).with_options(options)
    }
}

/// Returns the names of the stores, heaviest first; those of one weight stay in their order.
fn by_weight(engine: &Engine) -> Vec<String> {
    let mut stores = engine.stores();
    stores.sort_by_key(|store| Reverse(store.weight));
    stores.into_iter().map(|store| store.name).collect()
}

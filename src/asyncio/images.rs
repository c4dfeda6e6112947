//! What a caller does with images, as futures.

use std::io;
use std::pin::pin;

use bytes::Bytes;
use futures_core::Stream;
use tokio::io::AsyncRead;

use super::call::{Call, call};
use super::pieces::Pieces;
use super::reader::AsyncReader;
use super::upload::upload;
use crate::engine::data::Wanted;
use crate::engine::{Images, Page};
use crate::error::Result;
use crate::id::ImageId;
use crate::image::{Image, NewImage, Patch};
use crate::ingest::UploadOptions;
use crate::query::ListQuery;
use crate::read::{ReadOptions, Reader};

/// The images of an engine as one caller may see and change them, for tasks.
///
/// Made by [`Images::asyncio`]. Says and refuses exactly what [`Images`] does.
#[derive(Debug, Clone)]
pub struct AsyncImages {
    images: Images,
}

impl Images {
    /// Returns the same calls for tasks: see [`asyncio`](crate::asyncio).
    pub fn asyncio(&self) -> AsyncImages {
        AsyncImages {
            images: self.clone(),
        }
    }
}

impl AsyncImages {
    /// Returns the calls that block.
    pub fn blocking(&self) -> &Images {
        &self.images
    }

    /// Creates the record of an image, as [`Images::create`]. Durable when it returns.
    ///
    /// Dropping the future leaves the image created or not; a name that must be known afterwards
    /// is chosen beforehand, by [`NewImage::id`].
    ///
    /// # Errors
    /// Those of [`Images::create`].
    pub async fn create(&self, new: NewImage) -> Result<Image> {
        self.call(move |images| images.create(new)).await
    }

    /// Returns the record of an image, as [`Images::show`]. Reads one key, where it is polled.
    ///
    /// Never waits, so that there is nothing to drop.
    ///
    /// # Errors
    /// Those of [`Images::show`].
    pub async fn show(&self, id: &ImageId) -> Result<Image> {
        self.images.show(id)
    }

    /// Fills an image that is queued with the bytes of a stream, and returns it active, with all
    /// bytes durable.
    ///
    /// The stream is polled by this future alone, never on another thread, and at most 2 MiB ahead
    /// of what the engine has taken; pieces longer than that are taken part by part. Its pieces are
    /// not copied before the engine takes them.
    ///
    /// Dropping the future before the stream has ended takes the image back to `queued`, soon
    /// after; later, the image becomes either `active` with every byte, or `queued`. A panic of the
    /// stream is such a drop.
    ///
    /// # Errors
    /// Those of [`Images::upload_with`] and [`Upload::finish`](crate::ingest::Upload::finish);
    /// `SourceFailed` if the stream yields an error. The image is queued again when this returns
    /// one, unless it is gone or was not ours to fill.
    ///
    /// # Examples
    /// ```
    /// # use smalti::{Bytes, Caller, ContainerFormat, DiskFormat, Engine, NewImage};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let engine = Engine::in_memory()?;
    /// # let images = engine.images(&Caller::project("a")).asyncio();
    /// # let new = NewImage::named("debian")
    /// #     .disk_format(DiskFormat::Raw)
    /// #     .container_format(ContainerFormat::Bare);
    /// // Copies an image from one engine to another.
    /// # let source = images.create(new.clone()).await?;
    /// # images.upload_from(source.id(), &b"system"[..], Default::default()).await?;
    /// let other = Engine::in_memory()?.images(&Caller::project("b")).asyncio();
    /// let reader = images.open(source.id()).await?.expect("it holds data");
    /// let copy = other.create(new).await?;
    /// let pieces = reader.stream(..)?.into_io();
    /// let copy = other.upload_stream(copy.id(), pieces, Default::default()).await?;
    /// assert_eq!(copy.size(), Some(6));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn upload_stream(
        &self,
        id: &ImageId,
        stream: impl Stream<Item = io::Result<Bytes>>,
        options: UploadOptions,
    ) -> Result<Image> {
        let id = *id;
        let begin = move |images: &Images| images.upload_with(&id, options);
        upload(&self.images, pin!(stream), begin).await
    }

    /// Stages all bytes of a stream for an image that is queued, to be imported, as
    /// [`Images::stage`], and returns it uploading, with all bytes durable.
    ///
    /// As [`upload_stream`](Self::upload_stream), also when it is dropped.
    ///
    /// # Errors
    /// Those of [`Images::stage`] and of [`upload_stream`](Self::upload_stream).
    pub async fn stage_stream(
        &self,
        id: &ImageId,
        stream: impl Stream<Item = io::Result<Bytes>>,
        options: UploadOptions,
    ) -> Result<Image> {
        let id = *id;
        let begin = move |images: &Images| images.stage(&id, options);
        upload(&self.images, pin!(stream), begin).await
    }

    /// Fills an image that is queued with all bytes of a source, and returns it active, with all
    /// bytes durable.
    ///
    /// As [`upload_stream`](Self::upload_stream), also when it is dropped; the source is read in
    /// pieces of 128 KiB.
    ///
    /// # Errors
    /// Those of [`upload_stream`](Self::upload_stream).
    pub async fn upload_from(
        &self,
        id: &ImageId,
        source: impl AsyncRead,
        options: UploadOptions,
    ) -> Result<Image> {
        let (id, source) = (*id, pin!(source));
        let begin = move |images: &Images| images.upload_with(&id, options);
        upload(&self.images, pin!(Pieces::new(source)), begin).await
    }

    /// Opens the data of an image, as [`Images::open`]; `None` if it has none yet.
    ///
    /// # Errors
    /// Those of [`Images::open_with`].
    pub async fn open(&self, id: &ImageId) -> Result<Option<AsyncReader>> {
        let options = self.images.engine().settings().read;
        self.open_with(id, options).await
    }

    /// Opens the data of an image, as [`Images::open_with`]; `None` if it has none yet.
    ///
    /// Dropping the future leaves nothing open.
    ///
    /// # Errors
    /// Those of [`Images::open_with`].
    pub async fn open_with(
        &self,
        id: &ImageId,
        options: ReadOptions,
    ) -> Result<Option<AsyncReader>> {
        let reader = match self.begin_open(id, options)? {
            Begun::Open(reader) => reader,
            Begun::Waits(call) => call.await?,
        };
        Ok(reader.map(AsyncReader::from))
    }

    /// Opens the data of an image to be read as a whole, as [`Images::open_whole`].
    ///
    /// Dropping the future leaves nothing open; a copy for the cache may have begun.
    ///
    /// # Errors
    /// Those of [`Images::open_with`].
    pub async fn open_whole(
        &self,
        id: &ImageId,
        options: ReadOptions,
    ) -> Result<Option<AsyncReader>> {
        if !self.images.engine().settings().image_cache {
            return self.open_with(id, options).await;
        }
        let id = *id;
        let open = self.call(move |images| images.open_whole(&id, options));
        Ok(open.await?.map(AsyncReader::from))
    }

    /// Opens the data of an image from the copies in some stores before others, as
    /// [`Images::open_preferring`].
    ///
    /// # Errors
    /// Those of [`Images::open_preferring`].
    pub async fn open_preferring(
        &self,
        id: &ImageId,
        stores: Vec<String>,
        options: ReadOptions,
    ) -> Result<Option<AsyncReader>> {
        let id = *id;
        let open = self.call(move |images| {
            let stores: Vec<&str> = stores.iter().map(String::as_str).collect();
            images.open_preferring(&id, &stores, options)
        });
        Ok(open.await?.map(AsyncReader::from))
    }

    /// Opens at once where that waits neither for a collection nor for a pack.
    fn begin_open(&self, id: &ImageId, options: ReadOptions) -> Result<Begun> {
        let base = &self.images.engine().inner.base;
        let Some(look) = base.leases.try_look() else {
            let id = *id;
            return Ok(Begun::Waits(
                self.call(move |images| images.open_with(&id, options)),
            ));
        };
        let Some(opening) = self.images.begin_open(look, id, options, &Wanted::Any)? else {
            return Ok(Begun::Open(None));
        };
        if opening.is_at_hand() {
            return Reader::open(opening).map(|reader| Begun::Open(Some(reader)));
        }
        Ok(Begun::Waits(
            self.call(move |_| Reader::open(opening).map(Some)),
        ))
    }

    /// Deletes an image, as [`Images::delete`]. Durable when it returns.
    ///
    /// Dropping the future leaves the image deleted or not.
    ///
    /// # Errors
    /// Those of [`Images::delete`].
    pub async fn delete(&self, id: &ImageId) -> Result<()> {
        let id = *id;
        self.call(move |images| images.delete(&id)).await
    }

    /// Changes an image by a patch, as [`Images::update`]. Durable when it returns.
    ///
    /// Dropping the future leaves the image changed or not.
    ///
    /// # Errors
    /// Those of [`Images::update`].
    pub async fn update(&self, id: &ImageId, patch: Patch) -> Result<Image> {
        let id = *id;
        self.call(move |images| images.update(&id, &patch)).await
    }

    /// Returns a page of a list, as [`Images::list`], on a thread of the engine: some filters and
    /// orders of many images take milliseconds. A short page of all images in order of creation is
    /// read where it is polled, as long as such pages take no longer than some look-ups do.
    ///
    /// Dropping the future loses the page and nothing else.
    ///
    /// # Errors
    /// Those of [`Images::list`].
    pub async fn list(&self, query: &ListQuery) -> Result<Page> {
        let query = query.clone();
        let is_short = self.images.is_short(&query);
        let list = move |images: &Images| images.list(&query);
        self.run_page(is_short, list).await
    }

    /// Runs what reads a page, here if it is short and such pages are quick.
    pub(crate) async fn run_page<T: Send + 'static>(
        &self,
        is_short: bool,
        work: impl FnOnce(&Images) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let pace = &self.images.engine().inner.base.pace;
        match is_short && pace.may_run() {
            true => pace.run(|| work(&self.images)),
            false => self.call(work).await,
        }
    }

    /// Runs any other calls on a thread of the engine: those of members and tags, or several at
    /// once.
    ///
    /// Dropping the future leaves them done, or done as far as they had got.
    ///
    /// # Errors
    /// Whatever `work` returns.
    ///
    /// # Examples
    /// ```
    /// # use smalti::{Caller, Engine, NewImage, ProjectId};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> smalti::Result<()> {
    /// # let engine = Engine::in_memory()?;
    /// let images = engine.images(&Caller::project("a")).asyncio();
    /// let image = images.create(NewImage::named("debian")).await?;
    /// let (id, b) = (*image.id(), ProjectId::new("b")?);
    /// let member = images.run(move |images| images.members(&id).add(&b)).await?;
    /// assert_eq!(member.member_id().as_str(), "b");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Images) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.call(work).await
    }

    fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Images) -> Result<T> + Send + 'static,
    ) -> Call<T> {
        let images = self.images.clone();
        call(&self.images.engine().inner.base, move || work(&images))
    }
}

/// An open that is done, or waits for a thread.
enum Begun {
    Open(Option<Reader>),
    Waits(Call<Option<Reader>>),
}

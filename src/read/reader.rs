//! The open image.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, OnceLock};

use super::extents::Extents;
use super::slices::Slices;
use crate::base::{Base, CachedPage};
use crate::chunk::Verify;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ChunkKey, ChunkKind};
use crate::image::Image;
use crate::lease::Leased;
use crate::manifest::Content;
use crate::range::ReadRange;

/// How bytes are brought from packs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReadMode {
    /// Slices of memory maps where the store maps: no copy. An error of the medium under a page
    /// that was proved and then evicted is a signal to the process.
    #[default]
    Map,
    /// Positioned reads into memory of the slice's own: every error is a `Result`.
    Copy,
}

/// How an image is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "written with `..ReadOptions::default()`"
)]
pub struct ReadOptions {
    /// When chunks are proved by their identity.
    pub verify: Verify,
    /// How bytes are brought.
    pub mode: ReadMode,
}

/// An open image: any range of its bytes, as often as wanted, from many threads.
///
/// What it reads never changes, even when the image is deleted meanwhile and its space collected;
/// that space returns when the reader is dropped.
#[derive(Debug)]
pub struct Reader {
    pub(super) opened: Arc<Opened>,
    position: u64,
}

/// What all readers of one open share: one copy of the data, and where others are.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) base: Arc<Base>,
    pub(super) options: ReadOptions,
    held: Arc<Held>,
    root_key: ChunkKey,
    root: Arc<CachedPage>,
    len_bytes: u64,
    /// Roots of the copies that are to be tried after this one.
    others: Vec<ChunkKey>,
    /// The next of them, once it was needed.
    other: OnceLock<Option<Arc<Opened>>>,
}

/// What readers of all copies share.
#[derive(Debug)]
struct Held {
    image: Image,
    on_unreadable: Option<OnUnreadable>,
    _lease: Leased,
}

/// Hears of roots of copies that could not be read, on the thread that reads; another copy is read
/// then.
#[derive(Clone)]
pub(crate) struct OnUnreadable(pub(crate) Arc<dyn Fn(&ChunkKey) + Send + Sync>);

impl fmt::Debug for OnUnreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnUnreadable").finish_non_exhaustive()
    }
}

/// An image that a caller may read and whose roots are leased, before anything is read.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) base: Arc<Base>,
    pub(crate) image: Image,
    /// One for each copy, at least one; the first that can be read is read.
    pub(crate) roots: Vec<ChunkKey>,
    pub(crate) lease: Leased,
    pub(crate) options: ReadOptions,
    pub(crate) on_unreadable: Option<OnUnreadable>,
}

impl Opening {
    /// Prepares to read some copies of an image as engines read by default.
    pub(crate) fn new(base: &Arc<Base>, image: Image, roots: Vec<ChunkKey>, lease: Leased) -> Self {
        Self {
            base: Arc::clone(base),
            image,
            roots,
            lease,
            options: ReadOptions::default(),
            on_unreadable: None,
        }
    }

    /// Tells whether the root is in memory, so that opening waits for no disk.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_at_hand(&self) -> bool {
        let first = self.roots.first();
        first.is_some_and(|root| self.base.pages.get(root).is_some())
    }
}

impl Reader {
    /// Opens an image.
    pub(crate) fn open(opening: Opening) -> Result<Self> {
        let Opening {
            base,
            image,
            roots,
            lease,
            options,
            on_unreadable,
        } = opening;
        let held = Held {
            image,
            on_unreadable,
            _lease: lease,
        };
        let opened = Opened::first_of(base, options, Arc::new(held), &roots)?;
        Ok(Self {
            opened: Arc::new(opened),
            position: 0,
        })
    }

    /// Returns the record of the image as it was when it was opened.
    pub fn image(&self) -> &Image {
        &self.opened.held.image
    }

    /// Returns the length of the image in bytes.
    pub fn len_bytes(&self) -> u64 {
        self.opened.len_bytes
    }

    /// Returns the bytes of a range, in order, as slices that stay valid on their own.
    ///
    /// Slices point into memory maps where they can; neighbours come as one, runs of zeros come
    /// from one shared buffer. The number and lengths of slices are not part of the contract.
    ///
    /// # Errors
    /// `Unsatisfiable` if the range does not fit the image.
    pub fn slices(&self, range: impl ReadRange) -> Result<Slices> {
        let range = range.within(self.len_bytes())?;
        Ok(Slices::new(Arc::clone(&self.opened), range))
    }

    /// Fills `buf` from `offset` and returns the number of bytes: fewer than asked only at the end
    /// of the image.
    ///
    /// # Errors
    /// `Corrupt` or `Unavailable` as the packs say.
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        let end = offset
            .saturating_add(buf.len() as u64)
            .min(self.len_bytes());
        if end <= offset {
            return Ok(0);
        }
        let mut slices = Slices::new(Arc::clone(&self.opened), offset..end);
        let mut filled = 0;
        while let Some(bytes) = slices.next_slice()? {
            buf[filled..filled + bytes.len()].copy_from_slice(&bytes);
            filled += bytes.len();
        }
        Ok(filled)
    }

    /// Returns where the image holds data and where zeros, in order, neighbours of one kind merged.
    pub fn extents(&self) -> Extents {
        Extents::new(self.another())
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn base(&self) -> &Arc<Base> {
        &self.opened.base
    }

    /// Returns another reader of the same image, at its beginning.
    pub fn another(&self) -> Self {
        Self {
            opened: Arc::clone(&self.opened),
            position: 0,
        }
    }
}

impl Opened {
    /// Opens the first of some copies that can be read.
    fn first_of(
        base: Arc<Base>,
        options: ReadOptions,
        held: Arc<Held>,
        roots: &[ChunkKey],
    ) -> Result<Self> {
        let (root_key, others) = roots.split_first().ok_or_else(|| {
            let message = format!("image {} has no data", held.image.id());
            Error::new(ErrorCode::Internal, message)
        })?;
        match root_of(&base, &held.image, root_key) {
            Ok(root) => Ok(Self {
                base,
                options,
                held,
                root_key: *root_key,
                len_bytes: root.page().len_bytes(),
                root,
                others: others.to_vec(),
                other: OnceLock::new(),
            }),
            Err(error) if error.is_unreadable() && !others.is_empty() => {
                held.tell(root_key, &error);
                Self::first_of(base, options, held, others)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns another copy, where this one has failed with an error that another may not have.
    pub(super) fn elsewhere(&self, why: &Error) -> Option<Arc<Self>> {
        if !why.is_unreadable() || self.others.is_empty() {
            return None;
        }
        let open = || {
            self.held.tell(&self.root_key, why);
            let (base, held) = (Arc::clone(&self.base), Arc::clone(&self.held));
            let opened = Self::first_of(base, self.options, held, &self.others);
            opened.ok().map(Arc::new)
        };
        self.other.get_or_init(open).clone()
    }

    /// Returns the leaf that holds a byte of the image, its key, and where it starts.
    pub(super) fn leaf_at(&self, offset: u64) -> Result<(ChunkKey, Arc<CachedPage>, u64)> {
        let (mut key, mut node, mut start) = (self.root_key, Arc::clone(&self.root), 0);
        while node.page().level() > 0 {
            let page = node.page();
            let child = page
                .piece_at(offset - start)
                .and_then(|index| page.piece(index));
            let Some((Content::Own(id), range)) = child else {
                let message = format!("page {} does not reach to byte {offset}", key.id);
                return Err(Error::corrupt(message));
            };
            let below = ChunkKey { id, ..key };
            let child = self.base.page(&below)?;
            if child.page().level() + 1 != page.level()
                || child.page().len_bytes() != range.end - range.start
            {
                let message = format!("page {id} is not what page {} says of it", key.id);
                return Err(Error::corrupt(message));
            }
            (key, node, start) = (below, child, start + range.start);
        }
        Ok((key, node, start))
    }

    /// Tells whether the leaf that holds a byte of the image is in memory.
    #[cfg(feature = "tokio")]
    pub(super) fn is_leaf_at_hand(&self, offset: u64) -> bool {
        let (mut node, mut start) = (Arc::clone(&self.root), 0);
        while node.page().level() > 0 {
            let page = node.page();
            let child = page
                .piece_at(offset - start)
                .and_then(|index| page.piece(index));
            let Some((Content::Own(id), range)) = child else {
                return false;
            };
            let key = ChunkKey {
                id,
                ..self.root_key
            };
            let Some(child) = self.base.pages.get(&key) else {
                return false;
            };
            (node, start) = (child, start + range.start);
        }
        true
    }
}

/// Reads the root of a copy of an image.
fn root_of(base: &Base, image: &Image, key: &ChunkKey) -> Result<Arc<CachedPage>> {
    debug_assert_eq!(key.kind, ChunkKind::Page, "a manifest is a page");
    let root = base.page(key)?;
    let len_bytes = root.page().len_bytes();
    if image.size() != Some(len_bytes) {
        let (id, size) = (image.id(), image.size());
        let message = format!("image {id} is {size:?} bytes, its manifest {len_bytes}");
        return Err(Error::corrupt(message));
    }
    Ok(root)
}

impl Held {
    /// Tells of a copy that could not be read.
    fn tell(&self, root: &ChunkKey, error: &Error) {
        let (image, store) = (self.image.id(), root.store);
        tracing::warn!(%image, store, %error, "another copy of the data is read");
        if let Some(OnUnreadable(hear)) = &self.on_unreadable {
            hear(root);
        }
    }
}

impl Read for Reader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.read_at(buf, self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(by) => self.len_bytes().checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = place.ok_or_else(|| {
            let message = format!("seek to {to:?} is before the first byte or beyond 2^64");
            Error::new(ErrorCode::InvalidParameter, message)
        })?;
        Ok(self.position)
    }
}

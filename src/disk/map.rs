//! Read-only maps of files that are never written again: the one file with `unsafe` in it.
//!
//! It owns the map and its hints. It refuses nothing: the caller vouches that the file is sealed.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use memmap2::{Advice, Mmap};

/// The bytes of a sealed file, shared by all slices of them.
///
/// Backed by a memory map on real disks and by an owned buffer in memory.
#[derive(Debug, Clone)]
pub struct Map {
    bytes: Bytes,
    mmap: Option<Arc<Mmap>>,
    /// Ranges that a simulated medium does not give.
    #[cfg(feature = "testing")]
    failing: Arc<[Range<usize>]>,
}

struct Owner(Arc<Mmap>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Map {
    /// Maps the first `len` bytes of a file that is never written, cut or replaced again.
    #[expect(unsafe_code, reason = "the one place where files are mapped")]
    pub(super) fn of_file(file: &File, len: u64) -> io::Result<Self> {
        let actual = file.metadata()?.len();
        if actual < len || len == 0 {
            let message = format!("file is {actual} bytes, {len} bytes are to be mapped");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        let len = usize::try_from(len).map_err(io::Error::other)?;
        // SAFETY: only sealed packs are mapped, and these are never written, cut or replaced, only
        // unlinked (F2); the directory is ours by contract and by lock (F1); the length was
        // checked just above.
        let mmap = unsafe { memmap2::MmapOptions::new().len(len).map(file) }?;
        let mmap = Arc::new(mmap);
        // Reads are by range; the kernel's own read-around would fetch what nobody asked for.
        let _ = mmap.advise(Advice::Random);
        Ok(Self {
            bytes: Bytes::from_owner(Owner(Arc::clone(&mmap))),
            mmap: Some(mmap),
            #[cfg(feature = "testing")]
            failing: Arc::default(),
        })
    }

    /// Makes a map of bytes in memory.
    pub(super) fn of_bytes(bytes: Bytes) -> Self {
        Self {
            bytes,
            mmap: None,
            #[cfg(feature = "testing")]
            failing: Arc::default(),
        }
    }

    /// Lets the medium fail wherever one of some ranges is brought into memory.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn failing(self, ranges: &[Range<usize>]) -> Self {
        Self {
            failing: ranges.into(),
            ..self
        }
    }

    /// Returns the mapped bytes; slices of them keep the map alive.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Asks that a range is read ahead into memory; returns at once.
    pub fn will_need(&self, range: Range<usize>) {
        if let Some(mmap) = &self.mmap {
            let _ = mmap.advise_range(Advice::WillNeed, range.start, range.len());
        }
    }

    /// Brings a range into memory, so that an error of the medium is an error here and not a
    /// signal at the first touch. Kernels that cannot do it say nothing.
    ///
    /// # Errors
    /// What the medium fails with.
    pub fn populate(&self, range: Range<usize>) -> io::Result<()> {
        #[cfg(feature = "testing")]
        if (self.failing.iter()).any(|bad| bad.start < range.end && range.start < bad.end) {
            return Err(io::Error::from_raw_os_error(5));
        }
        let Some(mmap) = &self.mmap else {
            return Ok(());
        };
        match mmap.advise_range(Advice::PopulateRead, range.start, range.len()) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            done => done,
        }
    }
}

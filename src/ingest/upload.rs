//! The upload: bytes in by `io::Write`, an active image out.

use std::io::{self, Read, Write};

use super::flow::Flow;
use super::lane::Lane;
use super::pool::Active;
use super::ring::{Buffer, Frozen, Ring};
use super::signed::Verifying;
use super::storer::Storer;
use crate::chunk::CutterKind;
use crate::error::{Error, ErrorCode, Result};
use crate::hash::{Algorithm, Hasher};
use crate::image::{Digest, Image};
use crate::inspect::Inspector;
use crate::limits::BLOCK_LEN_BYTES;

/// Buffers of one upload; with the chunk lists of one batch this stays below 24 MiB.
const RING_BUFFERS: usize = 12;
/// Zeros are given to digest lanes in steps of this length, in bytes.
const ZERO_STEP_BYTES: u64 = 16 << 20;

/// What an upload is told beforehand, and checks before the image becomes active.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "written with `..UploadOptions::default()`"
)]
pub struct UploadOptions {
    /// The number of bytes that will come; another number fails the upload with `SizeMismatch`.
    pub expected_len_bytes: Option<u64>,
    /// The MD5 that the bytes have; another one fails the upload with `HashConflict`. Refused with
    /// `InvalidParameter` before any byte comes if the engine computes none, or if it is not 16
    /// bytes.
    pub expected_checksum: Option<Digest>,
    /// The digest that the bytes have by the engine's hashing algorithm; another one fails the
    /// upload with `HashConflict`. Refused before any byte comes if the engine computes none, or if
    /// its length is not that of the algorithm.
    pub expected_hash: Option<Digest>,
    /// The store that takes the bytes; by default that of the engine. Where the engine was given no
    /// store by name, this is not looked at.
    pub store: Option<String>,
    /// How the bytes are cut into chunks; by default the formats of the image decide.
    pub cutter: Option<CutterKind>,
}

/// A running upload: the image is `saving` until [`Upload::finish`] makes it `active`.
///
/// Dropping it, a failed write and a failed finish all take the image back to `queued`: nothing is
/// readable, and the bytes go with the next collection. Memory is bounded, whatever the length.
#[derive(Debug)]
pub struct Upload {
    running: Option<Running>,
    len_bytes: u64,
}

#[derive(Debug)]
struct Running {
    flow: Flow,
    ring: Ring,
    buffer: Option<Buffer>,
    /// Looks at all bytes before the lanes do.
    inspector: Option<Box<Inspector>>,
    lanes: Lanes,
    _active: Active,
}

/// The lanes of one upload; each is given all of its bytes.
#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) checksum: Option<Lane<Hasher>>,
    pub(super) os_hash: Option<Lane<Hasher>>,
    /// There while the signature over the data is verified.
    pub(super) signature: Option<Lane<Verifying>>,
    pub(super) storer: Lane<Storer>,
}

impl Upload {
    pub(crate) fn new(mut flow: Flow) -> Self {
        let verifying = flow.take_verifying();
        let pool = flow.pool();
        let lane = |algorithm: Algorithm| Lane::digest(algorithm, pool, flow.gang());
        let lanes = Lanes {
            checksum: flow.checksum_algorithm().map(lane),
            os_hash: flow.os_hash_algorithm().map(lane),
            signature: verifying.map(|work| Lane::new("signature", pool, work)),
            storer: Lane::new("store", pool, flow.storer()),
        };
        let active = pool.enter();
        let ring = Ring::new(RING_BUFFERS);
        let running = Running {
            inspector: flow.inspector(),
            flow,
            ring,
            buffer: None,
            lanes,
            _active: active,
        };
        Self {
            running: Some(running),
            len_bytes: 0,
        }
    }

    /// Returns the number of bytes taken so far.
    pub fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// Takes all bytes of a source, without a copy between its buffer and ours, and returns their
    /// number.
    ///
    /// # Errors
    /// `SourceFailed` if the source does; otherwise as [`Upload::finish`]. The upload has failed
    /// then.
    pub fn read_from(&mut self, source: &mut (impl Read + ?Sized)) -> Result<u64> {
        let before = self.len_bytes;
        loop {
            let running = self.running()?;
            let buffer = running.buffer.get_or_insert_with(|| running.ring.take());
            let count = match source.read(buffer.spare_mut()) {
                Ok(0) => return Ok(self.len_bytes - before),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let message = format!("source failed at byte {}: {error}", self.len_bytes);
                    let error = Error::new(ErrorCode::SourceFailed, message).with_source(error);
                    return Err(self.fail(error));
                }
            };
            buffer.advance(count);
            self.took(count as u64)?;
        }
    }

    /// Takes a hole: `len_bytes` zeros, at a cost that does not grow with the length as long as
    /// only identities are computed (digests of the whole image must see every zero) and the data
    /// is cut on block borders.
    ///
    /// # Errors
    /// As [`Upload::finish`]; the upload has failed then.
    pub fn skip(&mut self, len_bytes: u64) -> Result<()> {
        let block = BLOCK_LEN_BYTES as u64;
        let to_border = self.len_bytes.next_multiple_of(block) - self.len_bytes;
        let head = to_border.min(len_bytes);
        let whole = match self.running()?.flow.cutter() {
            CutterKind::Blocks => (len_bytes - head) / block * block,
            _ => 0,
        };
        self.write_zeros(head)?;
        self.skip_blocks(whole)?;
        self.write_zeros(len_bytes - head - whole)
    }

    fn write_zeros(&mut self, mut len_bytes: u64) -> Result<()> {
        const ZEROS: [u8; BLOCK_LEN_BYTES] = [0; BLOCK_LEN_BYTES];
        while len_bytes > 0 {
            let step = usize::try_from(len_bytes)
                .unwrap_or(usize::MAX)
                .min(ZEROS.len());
            self.put(&ZEROS[..step])?;
            len_bytes -= step as u64;
        }
        Ok(())
    }

    fn skip_blocks(&mut self, mut len_bytes: u64) -> Result<()> {
        if len_bytes == 0 {
            return Ok(());
        }
        self.push_buffer()?;
        while len_bytes > 0 {
            let running = self.running()?;
            let step = if running.lanes.only_stores() {
                len_bytes
            } else {
                ZERO_STEP_BYTES
            };
            let step = step.min(len_bytes);
            // The bound is checked first: nobody hashes a petabyte to be told that it is too much.
            self.took(step)?;
            let running = self.running()?;
            if let Some(inspector) = &mut running.inspector {
                inspector.skip(step);
            }
            if let Err(error) = running.lanes.push_zeros(step) {
                return Err(self.fail(error));
            }
            len_bytes -= step;
        }
        Ok(())
    }

    /// Ends the upload: when this returns, all bytes are durable and the image is active, with
    /// size and digests.
    ///
    /// # Errors
    /// `SizeMismatch` or `HashConflict` if the bytes are not those expected, `SignatureInvalid` if
    /// they are not those that the image has a signature for, `ImageTooLarge` beyond the cap,
    /// `InvalidImageData` if they are not of the format of the image or fail a safety check
    /// ([`inspect`](crate::inspect)), `GoneDuringUpload` if the image was deleted meanwhile, `StorageFull`,
    /// `StoreUnavailable` or `Poisoned` if the disk failed. The image is queued again then, unless
    /// it is gone; after `Poisoned` it is queued again when the engine has been opened again.
    pub fn finish(mut self) -> Result<Image> {
        self.push_buffer()?;
        let len_bytes = self.len_bytes;
        let running = self.running.take().ok_or_else(over)?;
        running
            .flow
            .finish(running.lanes, len_bytes, running.inspector)
    }

    /// Gives the upload up: the image is queued again when this returns.
    ///
    /// # Errors
    /// `Unavailable` if the index failed; opening the engine anew takes the image back then.
    pub fn cancel(mut self) -> Result<()> {
        match self.running.take() {
            Some(Running { flow, lanes, .. }) => flow.abort(lanes),
            None => Ok(()),
        }
    }

    fn running(&mut self) -> Result<&mut Running> {
        self.running.as_mut().ok_or_else(over)
    }

    /// Takes bytes into buffers; full ones go to the lanes.
    pub(crate) fn put(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let running = self.running()?;
            let buffer = running.buffer.get_or_insert_with(|| running.ring.take());
            let count = buffer.fill(bytes);
            bytes = &bytes[count..];
            self.took(count as u64)?;
        }
        Ok(())
    }

    /// Counts bytes, and passes the buffer on when it is full.
    fn took(&mut self, count: u64) -> Result<()> {
        self.len_bytes = self.len_bytes.saturating_add(count);
        let len_bytes = self.len_bytes;
        let running = self.running()?;
        if let Err(error) = running.flow.check_len(len_bytes) {
            return Err(self.fail(error));
        }
        if running.buffer.as_ref().is_some_and(Buffer::is_full) {
            self.push_buffer()?;
        }
        Ok(())
    }

    fn push_buffer(&mut self) -> Result<()> {
        let running = self.running()?;
        let Some(buffer) = running.buffer.take() else {
            return Ok(());
        };
        if buffer.len() == 0 {
            return Ok(());
        }
        let bytes = buffer.freeze();
        if let Some(inspector) = &mut running.inspector {
            inspector.write(&bytes);
        }
        match running.lanes.push(bytes) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Ends a failed upload at once, so that the image can be filled again.
    fn fail(&mut self, why: Error) -> Error {
        if let Some(Running { flow, lanes, .. }) = self.running.take()
            && let Err(error) = flow.abort(lanes)
        {
            tracing::error!(%error, "a failed upload could not be taken back");
        }
        why
    }
}

fn over() -> Error {
    Error::new(
        ErrorCode::InvalidState,
        "the upload has ended with an error before",
    )
}

impl Lanes {
    fn only_stores(&self) -> bool {
        self.checksum.is_none() && self.os_hash.is_none() && self.signature.is_none()
    }

    fn push(&self, frozen: Frozen) -> Result<()> {
        for lane in [&self.checksum, &self.os_hash].into_iter().flatten() {
            lane.push(frozen.clone())?;
        }
        if let Some(lane) = &self.signature {
            lane.push(frozen.clone())?;
        }
        self.storer.push(frozen)
    }

    fn push_zeros(&self, len_bytes: u64) -> Result<()> {
        for lane in [&self.checksum, &self.os_hash].into_iter().flatten() {
            lane.push_zeros(len_bytes)?;
        }
        if let Some(lane) = &self.signature {
            lane.push_zeros(len_bytes)?;
        }
        self.storer.push_zeros(len_bytes)
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes)?;
        Ok(bytes.len())
    }

    /// Does nothing: bytes become durable in [`Upload::finish`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(Running { flow, lanes, .. }) = self.running.take()
            && let Err(error) = flow.abort(lanes)
        {
            tracing::error!(%error, "a dropped upload could not be taken back");
        }
    }
}

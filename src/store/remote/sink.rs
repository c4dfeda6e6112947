//! The appending end of a pack in a bucket: into the spool, and from there to the bucket.
//!
//! An object has its whole length from its first moment, so nothing of a pack can be read, and
//! nothing is durable, before it is sealed.

use std::io::IoSlice;
use std::sync::Arc;

use object_store::PutPayload;

use super::Shared;
use super::bucket::failed;
use super::ship::{Shipment, spooled};
use super::spool::Growing;
use crate::disk::DiskFile;
use crate::error::{Error, ErrorCode, ErrorKind, Result};
use crate::id::PackId;
use crate::store::PackSink;

/// Bytes at the end of an object that are read back where it is not known who made it.
const PROOF_BYTES: u64 = 4096;

/// A pack that grows in the spool.
#[derive(Debug)]
pub(super) struct ObjectSink {
    shared: Arc<Shared>,
    pack: PackId,
    file: Arc<dyn DiskFile>,
    len_bytes: u64,
    shipment: Option<Shipment>,
    is_sealed: bool,
    _growing: Growing,
}

impl ObjectSink {
    /// Makes a pack, of which there must be no object.
    pub(super) fn create(shared: &Arc<Shared>, pack: PackId) -> Result<Self> {
        match shared.bucket.look(pack) {
            Err(error) if error.code() == ErrorCode::NotFound => {}
            Ok(_) => {
                let message = format!("create pack {pack}: it exists");
                return Err(Error::new(ErrorCode::Duplicate, message));
            }
            Err(error) => return Err(error),
        }
        let (file, growing) = shared.spool.create(pack)?;
        Ok(Self {
            shared: Arc::clone(shared),
            pack,
            file,
            len_bytes: 0,
            shipment: None,
            is_sealed: false,
            _growing: growing,
        })
    }

    fn of_spool(&self, deed: &str) -> impl Fn(std::io::Error) -> Error + use<> {
        let deed = format!("{deed} the spool of pack {}", self.pack);
        move |error| Error::io(&deed, error)
    }

    fn expect_open(&self) -> Result<()> {
        match self.is_sealed {
            false => Ok(()),
            true => Err(refused(self.pack, "is sealed and does not change again")),
        }
    }

    /// Sends what is a whole part by now.
    fn send_parts(&mut self) -> Result<()> {
        let part = self.shared.options.part_len_bytes;
        let sent = self.shipment.as_ref().map_or(0, Shipment::end);
        if self.len_bytes - sent < part {
            return Ok(());
        }
        let (bucket, spool) = (&self.shared.bucket, &self.shared.spool);
        if self.shipment.is_none() {
            self.shipment = Some(Shipment::begin(bucket, spool, self.pack)?);
        }
        let shipment = self.shipment.as_mut().expect("it was set just above");
        while self.len_bytes - shipment.end() >= part {
            let end = shipment.end() + part;
            shipment.send(&self.file, end);
        }
        Ok(())
    }

    fn give_up_shipment(&mut self) {
        if let Some(shipment) = self.shipment.take() {
            shipment.give_up();
        }
    }

    /// Makes the object; returns its tag, where the store tells one.
    fn ship(&mut self) -> Result<Option<String>> {
        let Some(shipment) = &mut self.shipment else {
            return self.put_whole();
        };
        if shipment.end() < self.len_bytes {
            shipment.send(&self.file, self.len_bytes);
        }
        match shipment.finish() {
            Ok(tag) => Ok(tag),
            Err(error) => self.in_spite_of(error),
        }
    }

    /// Makes the object of a short pack by one request.
    fn put_whole(&self) -> Result<Option<String>> {
        let bytes = spooled(&*self.file, self.pack, 0, self.len_bytes)?;
        let path = self.shared.bucket.path(self.pack);
        let put = self.shared.bucket.put_new(path, PutPayload::from(bytes))?;
        match put {
            Ok(put) => Ok(put.e_tag),
            Err(error) => self.in_spite_of(failed("make", self.pack, error)),
        }
    }

    /// Looks whether the object is there although a request failed: its answer may have been lost.
    fn in_spite_of(&self, error: Error) -> Result<Option<String>> {
        let bucket = &self.shared.bucket;
        let Ok(found) = bucket.look(self.pack) else {
            return Err(error);
        };
        let range = self.len_bytes.saturating_sub(PROOF_BYTES)..self.len_bytes;
        if found.size != self.len_bytes || range.is_empty() {
            return Err(error);
        }
        let end = spooled(&*self.file, self.pack, range.start, range.end)?;
        match bucket.read(self.pack, range) {
            Ok(there) if there == end => Ok(found.e_tag),
            _ => Err(error),
        }
    }

    /// Sees that the object has the length of the pack and is the one that was made.
    fn check(&self, tag: Option<String>) -> Result<()> {
        let found = self.shared.bucket.look(self.pack)?;
        if found.size != self.len_bytes {
            let (is, should) = (found.size, self.len_bytes);
            let what = format!("sealed as {should} bytes, the store has {is}");
            return Err(refused_by_store(self.pack, &what));
        }
        let bare = |tag: String| tag.trim_matches('"').to_owned();
        match (tag.map(bare), found.e_tag.map(bare)) {
            (Some(made), Some(is)) if made != is => {
                Err(refused_by_store(self.pack, "another object has its name"))
            }
            _ => Ok(()),
        }
    }
}

impl PackSink for ObjectSink {
    fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    fn append(&mut self, parts: &[IoSlice<'_>]) -> Result<()> {
        self.expect_open()?;
        let len: u64 = parts.iter().map(|part| part.len() as u64).sum();
        let written = self.file.write_parts_at(parts, self.len_bytes);
        written.map_err(self.of_spool("write"))?;
        self.len_bytes += len;
        self.send_parts()
    }

    fn cut_back(&mut self, len_bytes: u64) -> Result<()> {
        self.expect_open()?;
        if self
            .shipment
            .as_ref()
            .is_some_and(|it| it.end() > len_bytes)
        {
            // Parts cannot be changed; the spool still holds all that the next upload will send.
            self.give_up_shipment();
        }
        let cut = self.file.set_len(len_bytes);
        cut.map_err(self.of_spool("cut back"))?;
        self.len_bytes = len_bytes;
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        Err(refused(
            self.pack,
            "is durable when it is sealed, not before",
        ))
    }

    fn seal(&mut self) -> Result<()> {
        self.expect_open()?;
        let made = self.ship().and_then(|tag| self.check(tag));
        if let Err(error) = made {
            self.give_up_shipment();
            // What is there, or is not, is the store's fault and not of who asks.
            return Err(match error.kind() {
                ErrorKind::Unavailable | ErrorKind::Full => error,
                _ => refused_by_store(self.pack, error.message()).with_source(error),
            });
        }
        self.shipment = None;
        self.is_sealed = true;
        if let Err(error) = self.shared.spool.forget(self.pack) {
            tracing::warn!(pack = %self.pack, %error, "the spool of a pack is removed later");
        }
        Ok(())
    }
}

fn refused(pack: PackId, why: &str) -> Error {
    Error::new(ErrorCode::InvalidState, format!("pack {pack} {why}"))
}

fn refused_by_store(pack: PackId, what: &str) -> Error {
    let message = format!("seal pack {pack}: {what}");
    Error::new(ErrorCode::StoreUnavailable, message)
}

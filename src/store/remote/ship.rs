//! A pack on its way to the bucket in parts, while it still grows.
//!
//! Parts are read from the spool when their turn comes, so that memory is bounded by the turns of
//! the bucket and not by what waits.

use std::sync::Arc;

use bytes::Bytes;
use object_store::multipart::PartId;
use tokio::task::JoinHandle;

use super::bucket::{Bucket, failed};
use super::spool::Spool;
use crate::disk::DiskFile;
use crate::error::{Error, Result};
use crate::id::PackId;

/// An upload in parts that has begun. Dropped before its end, it sends no more; what the bucket
/// holds of it is given up when the pack is deleted, or when the store is opened again.
#[derive(Debug)]
pub(super) struct Shipment {
    bucket: Bucket,
    pack: PackId,
    id: String,
    parts: Vec<JoinHandle<Result<PartId>>>,
    /// Bytes of the pack that are in parts.
    end: u64,
}

impl Shipment {
    /// Begins an upload, of which a durable record is made before anything is sent.
    pub(super) fn begin(bucket: &Bucket, spool: &Spool, pack: PackId) -> Result<Self> {
        let id = bucket.begin(pack)?;
        let shipment = Self {
            bucket: bucket.clone(),
            pack,
            id,
            parts: Vec::new(),
            end: 0,
        };
        match spool.record(pack, &shipment.id) {
            Ok(()) => Ok(shipment),
            Err(error) => {
                shipment.give_up();
                Err(error)
            }
        }
    }

    /// Returns how many bytes of the pack are in parts.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Sends what the spool holds up to `end` as the next part.
    pub(super) fn send(&mut self, file: &Arc<dyn DiskFile>, end: u64) {
        let (bucket, pack, start) = (self.bucket.clone(), self.pack, self.end);
        let (file, id, number) = (Arc::clone(file), self.id.clone(), self.parts.len());
        let part = async move {
            let _turn = bucket.sending.acquire().await;
            let (tasks, path) = (bucket.tasks.clone(), bucket.path(pack));
            let bytes = tasks.aside(move || spooled(&*file, pack, start, end));
            let bytes = bytes.await??.into();
            let sent = bucket.objects.put_part(&path, &id, number, bytes).await;
            sent.map_err(|error| failed("send a part of", pack, error))
        };
        self.parts.push(self.bucket.tasks.start(part));
        self.end = end;
    }

    /// Waits for all parts and makes the object of them; returns its tag, where the store tells one.
    pub(super) fn finish(&mut self) -> Result<Option<String>> {
        let parts = std::mem::take(&mut self.parts);
        let all = async move {
            let mut sent = Vec::with_capacity(parts.len());
            for part in parts {
                sent.push(part.await.map_err(lost)??);
            }
            Ok(sent)
        };
        let sent: Result<Vec<PartId>> = self.bucket.tasks.wait(all)?;
        let put = self.bucket.complete(self.pack, self.id.clone(), sent?)?;
        Ok(put.e_tag)
    }

    /// Stops, and lets the bucket forget what it has; whether that came through is not waited for
    /// to be known, as the record stays where it did not.
    pub(super) fn give_up(mut self) {
        self.stop();
        if let Err(error) = self.bucket.abort(self.pack, self.id.clone()) {
            tracing::warn!(pack = %self.pack, %error, "an upload in parts is given up later");
        }
    }

    fn stop(&mut self) {
        self.parts.drain(..).for_each(|part| part.abort());
    }
}

impl Drop for Shipment {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lost(error: tokio::task::JoinError) -> Error {
    let message = "a part of a pack was not sent to its end";
    Error::new(crate::error::ErrorCode::StoreUnavailable, message).with_source(error)
}

/// Reads bytes of the spool.
pub(super) fn spooled(file: &dyn DiskFile, pack: PackId, start: u64, end: u64) -> Result<Bytes> {
    let len = usize::try_from(end - start).expect("a part fits into memory");
    let mut bytes = vec![0; len];
    let read = file.read_at(&mut bytes, start);
    read.map_err(|error| Error::io(format!("read the spool of pack {pack}"), error))?;
    Ok(bytes.into())
}

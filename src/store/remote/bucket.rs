//! Objects of a bucket by the numbers of packs: the calls, their errors, and what is tried again.
//!
//! It owns names of objects and knows nothing of files of this machine. No error of a request is
//! taken for an answer, and no short body for a whole one.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload, PutResult};
use tokio::sync::Semaphore;

use super::runtime::Tasks;
use crate::error::{Error, ErrorCode, Result};
use crate::id::PackId;

/// Directory of packs below the prefix.
const PACKS: &str = "packs";
/// Name of the mark of the owner below the prefix.
const OWNER: &str = "OWNER";

/// What a store of objects must do: single objects, and uploads in parts.
pub trait Objects: ObjectStore + MultipartStore {}

impl<T: ObjectStore + MultipartStore> Objects for T {}

/// A bucket, or a part of one, that holds packs.
#[derive(Clone)]
pub(super) struct Bucket {
    pub(super) objects: Arc<dyn Objects>,
    pub(super) tasks: Tasks,
    prefix: Path,
    /// Bound what is under way, each way by itself: nobody who reads waits for those who send.
    pub(super) sending: Arc<Semaphore>,
    pub(super) fetching: Arc<Semaphore>,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl Bucket {
    pub(super) fn new(
        objects: Arc<dyn Objects>,
        tasks: Tasks,
        prefix: &str,
        turns: usize,
    ) -> Result<Self> {
        let prefix = Path::parse(prefix).map_err(|error| {
            let message = format!("prefix {prefix:?} is no path of objects: {error}");
            Error::new(ErrorCode::InvalidSettings, message)
        })?;
        Ok(Self {
            objects,
            tasks,
            prefix,
            sending: Arc::new(Semaphore::new(turns)),
            fetching: Arc::new(Semaphore::new(turns)),
        })
    }

    /// Returns the name of the object of a pack.
    pub(super) fn path(&self, pack: PackId) -> Path {
        self.packs().join(format!("{pack}.pack"))
    }

    /// Returns the directory of packs.
    pub(super) fn packs(&self) -> Path {
        self.prefix.clone().join(PACKS)
    }

    /// Returns the name of the mark of the owner.
    pub(super) fn owner(&self) -> Path {
        self.prefix.clone().join(OWNER)
    }

    /// Returns what the store says of a pack.
    pub(super) fn look(&self, pack: PackId) -> Result<ObjectMeta> {
        let (objects, path) = (Arc::clone(&self.objects), self.path(pack));
        let looked = self.tasks.wait(async move { objects.head(&path).await })?;
        looked.map_err(|error| failed("look at", pack, error))
    }

    /// Makes an object that must not be there.
    pub(super) fn put_new(
        &self,
        path: Path,
        bytes: PutPayload,
    ) -> Result<object_store::Result<PutResult>> {
        let objects = Arc::clone(&self.objects);
        let put = async move { objects.put_opts(&path, bytes, PutMode::Create.into()).await };
        self.tasks.wait(put)
    }

    /// Reads a range of a pack, for which the whole range must come.
    pub(super) fn read(&self, pack: PackId, range: Range<u64>) -> Result<bytes::Bytes> {
        let (objects, path) = (Arc::clone(&self.objects), self.path(pack));
        let wanted = range.end - range.start;
        let got = async move { objects.get_range(&path, range).await };
        let bytes = self.tasks.wait(got)?;
        let bytes = bytes.map_err(|error| failed("read", pack, error))?;
        match bytes.len() as u64 == wanted {
            true => Ok(bytes),
            false => Err(short(pack, bytes.len() as u64, wanted)),
        }
    }

    /// Returns the numbers of the packs, ascending.
    pub(super) fn list(&self) -> Result<Vec<PackId>> {
        let (objects, packs) = (Arc::clone(&self.objects), self.packs());
        let listed = async move { objects.list_with_delimiter(Some(&packs)).await };
        let listed = self.tasks.wait(listed)?;
        let listed = listed.map_err(|error| unavailable("list packs".to_owned(), error))?;
        let numbers = listed.objects.iter().filter_map(|object| {
            let digits = object.location.filename()?.strip_suffix(".pack")?;
            let is_ours = digits.len() == 16;
            u64::from_str_radix(digits, 16).ok().filter(|_| is_ours)
        });
        let mut packs: Vec<PackId> = numbers.map(PackId).collect();
        packs.sort_unstable();
        Ok(packs)
    }

    /// Removes a pack; none is no error.
    pub(super) async fn delete(self, pack: PackId) -> Result<()> {
        match self.objects.delete(&self.path(pack)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed("delete", pack, error)),
        }
    }

    /// Begins an upload in parts.
    pub(super) fn begin(&self, pack: PackId) -> Result<String> {
        let (objects, path) = (Arc::clone(&self.objects), self.path(pack));
        let begun = async move { objects.create_multipart(&path).await };
        let begun = self.tasks.wait(begun)?;
        begun.map_err(|error| failed("begin to upload", pack, error))
    }

    /// Ends an upload in parts.
    pub(super) fn complete(
        &self,
        pack: PackId,
        id: String,
        parts: Vec<PartId>,
    ) -> Result<PutResult> {
        let (objects, path) = (Arc::clone(&self.objects), self.path(pack));
        let completed = async move { objects.complete_multipart(&path, &id, parts).await };
        let completed = self.tasks.wait(completed)?;
        completed.map_err(|error| failed("complete", pack, error))
    }

    /// Gives up an upload in parts; none is no error.
    pub(super) fn abort(&self, pack: PackId, id: String) -> Result<()> {
        let (objects, path) = (Arc::clone(&self.objects), self.path(pack));
        let aborted = async move { objects.abort_multipart(&path, &id).await };
        match self.tasks.wait(aborted)? {
            Ok(()) => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(error) => Err(failed("give up the upload of", pack, error)),
        }
    }
}

/// Tells whether there is no such object, or no such upload, which stores say in many ways.
fn is_missing(error: &object_store::Error) -> bool {
    match error {
        object_store::Error::NotFound { .. } => true,
        object_store::Error::Generic { source, .. } => {
            let text = source.to_string();
            text.contains("NoSuchUpload") || text.starts_with("MultipartUpload not found")
        }
        _ => false,
    }
}

/// Makes the error for a deed that failed on a pack.
pub(super) fn failed(deed: &str, pack: PackId, error: object_store::Error) -> Error {
    unavailable(format!("{deed} pack {pack}"), error)
}

/// Makes the error for a deed that failed. What the service has said stays in the cause: it may name
/// hosts and paths.
pub(super) fn unavailable(deed: String, error: object_store::Error) -> Error {
    use object_store::Error as Of;
    let (code, what) = match &error {
        Of::NotFound { .. } => (ErrorCode::NotFound, "no such object"),
        Of::AlreadyExists { .. } | Of::Precondition { .. } => {
            (ErrorCode::Duplicate, "the object exists")
        }
        Of::PermissionDenied { .. } => (ErrorCode::StoreUnavailable, "the store forbids it"),
        Of::Unauthenticated { .. } => (
            ErrorCode::StoreUnavailable,
            "the store takes no such credentials",
        ),
        _ => (ErrorCode::StoreUnavailable, "the store failed"),
    };
    Error::new(code, format!("{deed}: {what}")).with_source(error)
}

/// Makes the error for a body that ended before its time.
pub(super) fn short(pack: PackId, found: u64, wanted: u64) -> Error {
    let message = format!("read pack {pack}: the store gave {found} bytes of {wanted}");
    Error::new(ErrorCode::StoreUnavailable, message)
}

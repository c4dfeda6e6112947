//! What bytes that come in are for: the data of an image, staged data, or one more copy.

use std::fmt;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::hash::Algorithm;
use crate::id::ImageId;
use crate::image::{Image, Status, Uploaded};
use crate::index::staged::{self, Staged};
use crate::index::{Put, images};
use crate::quota::Kind;

/// What an upload is for.
#[derive(Debug, Clone)]
pub(crate) enum Goal {
    /// The data of a queued image, which becomes active.
    Data,
    /// Staged data of a queued image, which waits for an import.
    Stage,
    /// Staged data of an image that an import runs for.
    Fetched {
        /// The task that holds the lock.
        task: ImageId,
    },
    /// One more copy.
    Copy(CopyGoal),
}

/// What a copy is for, and how it comes to be that.
#[derive(Clone)]
pub(crate) struct CopyGoal {
    /// The task that holds the lock. Without one the copy is of an active image, for the engine's own
    /// use: in the store of its own directory, even if that takes no data, and charged to nobody.
    pub(crate) task: Option<ImageId>,
    /// By what the bytes are held against those that they are a copy of.
    pub(crate) proof: Option<Algorithm>,
    /// Takes the copy in, in the transaction that names it.
    pub(crate) commit: Arc<CopyCommit>,
}

/// Takes a copy in, of an image that still has its lock, or is still active.
pub(crate) type CopyCommit = dyn Fn(&mut dyn Put, Image, Uploaded) -> Result<Image> + Send + Sync;

impl fmt::Debug for CopyGoal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyGoal")
            .field("task", &self.task)
            .finish_non_exhaustive()
    }
}

/// The digests that are computed: the MD5, and the multihash.
pub(super) type Algorithms = (Option<Algorithm>, Option<Algorithm>);

impl Goal {
    /// Tells whether the bytes are looked at and their signature verified as they come.
    pub(super) fn is_judged(&self) -> bool {
        matches!(self, Self::Data)
    }

    /// Returns what is computed of the bytes, where `configured` is what new images have.
    pub(super) fn algorithms(&self, configured: Algorithms) -> Algorithms {
        match self {
            Self::Copy(copy) => match copy.proof {
                Some(Algorithm::Md5) => (copy.proof, None),
                proof => (None, proof),
            },
            _ => configured,
        }
    }

    /// Tells whether the bytes are for the engine's own use.
    pub(super) fn is_own(&self) -> bool {
        matches!(self, Self::Copy(CopyGoal { task: None, .. }))
    }

    /// Returns which sum of its owner the bytes count for.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Data => Some(Kind::Stored),
            Self::Copy(copy) => copy.task.map(|_| Kind::Stored),
            Self::Stage | Self::Fetched { .. } => Some(Kind::Staged),
        }
    }

    /// Moves an image to the status that it has while its bytes come in.
    pub(super) fn enter(&self, image: &mut Image, now: Timestamp) -> Result<()> {
        match self {
            Self::Data => image.begin_saving(now),
            Self::Stage => image.begin_staging(now),
            Self::Fetched { task } => image.expect_lock(task),
            Self::Copy(copy) => copy.expect(image),
        }
    }

    /// Tests that an image still waits for the bytes.
    pub(super) fn expect(&self, image: &Image) -> Result<()> {
        let status = match self {
            Self::Data => Status::Saving,
            Self::Stage => Status::Uploading,
            Self::Fetched { task } => return image.expect_lock(task),
            Self::Copy(copy) => return copy.expect(image),
        };
        match image.status() {
            is if is == status => Ok(()),
            is => {
                let message =
                    format!("image is {is}, and its data came in for one that is {status}");
                Err(Error::new(ErrorCode::GoneDuringUpload, message))
            }
        }
    }

    /// Gives the bytes to where they are for, once their root is held.
    pub(super) fn reach(
        &self,
        put: &mut dyn Put,
        mut image: Image,
        learned: Uploaded,
        now: Timestamp,
    ) -> Result<Image> {
        match self {
            Self::Data => image.activate(now, learned)?,
            Self::Stage | Self::Fetched { .. } => {
                stage(put, &image, &learned)?;
                image.stage_done(learned.size, now);
            }
            Self::Copy(copy) => return (copy.commit)(put, image, learned),
        }
        images::put(put, &image)?;
        Ok(image)
    }
}

impl CopyGoal {
    fn expect(&self, image: &Image) -> Result<()> {
        match (&self.task, image.status()) {
            (Some(task), _) => image.expect_lock(task),
            (None, Status::Active) => Ok(()),
            (None, is) => {
                let message = format!("image is {is}, only active ones are copied");
                Err(Error::new(ErrorCode::InvalidState, message))
            }
        }
    }
}

fn stage(put: &mut dyn Put, image: &Image, learned: &Uploaded) -> Result<()> {
    let data = learned.location.data().copied().ok_or_else(|| {
        let message = "what was staged is in no store of this engine";
        Error::new(ErrorCode::Internal, message)
    })?;
    let staged = Staged {
        data,
        checksum: learned.checksum,
        os_hash: learned.os_hash.clone(),
    };
    staged::put(put, image.id(), &staged)
}

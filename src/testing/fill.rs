//! Images with data that nobody uploaded, for measurements of many: they go through the same
//! functions of the index as those of callers, many in one transaction.

use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Result;
use crate::id::{ImageId, ProjectId};
use crate::image::{Digest, Image, Limits, Member, MemberStatus, NewImage, Status, hash_name};
use crate::index::{Durability, Kv, Put, images, members};

/// An image to be put into an index as it is.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "a door for benches")]
pub struct MadeImage {
    /// What a caller would have asked for, id and owner included.
    pub new: NewImage,
    /// What has become of it.
    pub status: Status,
    /// Length of the data.
    pub size: Option<u64>,
    /// Length of the disk in the data.
    pub virtual_size: Option<u64>,
    /// MD5 and SHA-512 of the data.
    pub digests: Option<(Digest, Digest)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// Whom it is shared with, and what these made of it.
    pub members: Vec<(ProjectId, MemberStatus)>,
}

/// Puts images into the index of an engine in one transaction, durable with the next one.
///
/// # Errors
/// Those of create.
pub fn put_images(engine: &Engine, made: &[MadeImage]) -> Result<()> {
    let kv = &engine.inner.base.kv;
    kv.write(Durability::Later, |put| {
        made.iter().try_for_each(|made| insert(put, made))
    })
}

fn insert(put: &mut dyn Put, made: &MadeImage) -> Result<()> {
    let image = image(made)?;
    images::insert(put, &image)?;
    for (project, status) in &made.members {
        let mut member = Member::new(*image.id(), project.clone(), made.created_at);
        member.decide(*status, made.updated_at);
        members::put(put, &image, &member)?;
    }
    Ok(())
}

fn image(made: &MadeImage) -> Result<Image> {
    let fresh = ImageId::from_bytes([0; 16]);
    let new = made.new.clone();
    let image = new.into_image(fresh, None, &Limits::default(), made.created_at)?;
    let mut parts = image.parts().clone();
    parts.status = made.status;
    parts.size = made.size;
    parts.virtual_size = made.virtual_size;
    parts.updated_at = made.updated_at;
    if let Some((md5, sha512)) = made.digests {
        parts.checksum = Some(md5);
        parts.os_hash_algo = Some(hash_name("sha512"));
        parts.os_hash_value = Some(sha512);
    }
    Image::from_parts(parts)
}

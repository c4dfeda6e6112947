//! Records as an engine may hold them, also where no call leads to them yet.

use crate::engine::Engine;
use crate::error::{Error, ErrorCode, Result};
use crate::id::ProjectId;
use crate::image::{Image, ImageParts, Location, Member, MemberStatus, Status, hash_name};
use crate::index::{Durability, Kv, images, members};
use crate::wire::{ImageAnswer, LocationAnswer};

/// Stores the image of a document and the projects that it is shared with, without data; no rule
/// but the bounds of a record is asked. All rows of lists, counts and queues are those of the calls.
///
/// # Errors
/// `Duplicate`; what a record refuses; `InvalidParameter` for metadata that is no text.
pub fn store_image(
    engine: &Engine,
    document: &ImageAnswer,
    shared_with: &[(ProjectId, MemberStatus)],
) -> Result<Image> {
    let image = Image::from_parts(parts(document)?)?;
    // An image is born queued; what follows its status follows it from there.
    let mut born = image.parts().clone();
    born.status = Status::Queued;
    let born = Image::from_parts(born)?;
    let kv = &engine.inner.base.kv;
    kv.write(Durability::Now, |txn| {
        images::insert(txn, &born)?;
        images::put(txn, &image)?;
        shared_with.iter().try_for_each(|(project, status)| {
            let mut member = Member::new(*image.id(), project.clone(), image.created_at());
            member.decide(*status, image.created_at());
            members::put(txn, &image, &member)
        })
    })?;
    Ok(image)
}

fn parts(document: &ImageAnswer) -> Result<ImageParts> {
    let it = document.clone();
    Ok(ImageParts {
        id: it.id,
        revision: 1,
        name: it.name,
        status: it.status,
        visibility: it.visibility,
        protected: it.protected,
        os_hidden: it.os_hidden,
        owner: it.owner,
        disk_format: it.disk_format.map(|word| word.parse()).transpose()?,
        container_format: it.container_format.map(|word| word.parse()).transpose()?,
        min_disk: it.min_disk,
        min_ram: it.min_ram,
        created_at: it.created_at,
        updated_at: it.updated_at,
        size: it.size,
        virtual_size: it.virtual_size,
        checksum: it.checksum,
        os_hash_algo: it.os_hash_algo.as_deref().map(hash_name),
        os_hash_value: it.os_hash_value,
        tags: it.tags.into_iter().collect(),
        properties: it.properties.into_iter().collect(),
        locations: it
            .locations
            .iter()
            .flatten()
            .map(location)
            .collect::<Result<_>>()?,
    })
}

fn location(place: &LocationAnswer) -> Result<Location> {
    let metadata = place.metadata.iter().map(|(key, value)| {
        let text = value.as_str().map(str::to_owned);
        let text =
            text.ok_or_else(|| Error::new(ErrorCode::InvalidParameter, "metadata holds no text"))?;
        Ok((key.clone(), text))
    });
    let metadata: Result<_> = metadata.collect();
    Ok(Location::new(place.url.clone(), metadata?))
}

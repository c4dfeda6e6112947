//! How an image is read by way of its row: slower than `read`, and what `read` is held against.

use super::*;
use crate::image::hash_name;

/// Reads an image by the decoder that is derived from its row.
pub(super) fn decode(bytes: &[u8]) -> Result<Image> {
    let row: ImageRow<'_> = codec::decode(bytes)?;
    Image::from_parts(parts(row)?)
}

fn parts(row: ImageRow<'_>) -> Result<ImageParts> {
    let disk = |n| word(DISK_FORMATS, n);
    let container = |n| word(CONTAINER_FORMATS, n);
    Ok(ImageParts {
        id: ImageId::from_parts(row.id, row.id_case),
        revision: row.revision,
        name: row.name.map(str::to_owned),
        status: word(STATUSES, row.status)?,
        visibility: word(VISIBILITIES, row.visibility)?,
        protected: row.protected,
        os_hidden: row.os_hidden,
        owner: row.owner.map(ProjectId::new).transpose()?,
        disk_format: row.disk_format.map(disk).transpose()?,
        container_format: row.container_format.map(container).transpose()?,
        min_disk: row.min_disk,
        min_ram: row.min_ram,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
        size: row.size,
        virtual_size: row.virtual_size,
        checksum: row.checksum.map(Digest::from_bytes).transpose()?,
        os_hash_algo: row.os_hash_algo.map(hash_name),
        os_hash_value: row.os_hash_value.map(Digest::from_bytes).transpose()?,
        tags: row.tags.into_iter().collect(),
        properties: row.properties.into_iter().collect(),
        locations: row.locations.into_iter().map(location).collect(),
    })
}

fn word<T: Copy>(table: &[(u8, T)], number: u8) -> Result<T> {
    let found = table.iter().find(|entry| entry.0 == number);
    let found = found.map(|entry| entry.1);
    found.ok_or_else(|| codec::corrupt::<ImageRow<'_>>(format!("word {number}")))
}

fn location(row: LocationRow<'_>) -> Location {
    let metadata = row.metadata.into_iter().collect();
    Location::new(row.url, metadata).with_data(row.data.as_ref().map(DataRow::data))
}

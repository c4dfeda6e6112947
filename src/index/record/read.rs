//! Images out of their stored form, field by field.
//!
//! Each field is tested where it is read, and what it becomes is made directly of the stored bytes.
//! It refuses what writing would not have written, as a row would; see `reference`.

use std::fmt::Display;

use super::{CONTAINER_FORMATS, DISK_FORMATS, ImageRow, Peek, STATUSES, VISIBILITIES};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{ChunkId, ImageId, ProjectId};
use crate::image::hash_name;
use crate::image::{DataRef, Digest, ImageParts, Location, Packer, TextMap, TextSet, Unpackable};
use crate::index::codec::{self, Body, Record};

/// Reads the fields of an image; they are evaluated in the order of the format, which is the order
/// in which they stand here.
pub(super) fn image(body: &mut Body<'_>) -> Result<Box<ImageParts>> {
    Ok(Box::new(ImageParts {
        id: id(body)?,
        revision: body.integer()?,
        name: body.option(Body::text)?.map(str::to_owned),
        status: word(body, "status", STATUSES)?,
        visibility: word(body, "visibility", VISIBILITIES)?,
        protected: body.flag()?,
        os_hidden: body.flag()?,
        owner: body.option(owner)?,
        disk_format: body.option(|body| word(body, "disk format", DISK_FORMATS))?,
        container_format: body.option(|body| word(body, "container format", CONTAINER_FORMATS))?,
        min_disk: body.integer()?,
        min_ram: body.integer()?,
        created_at: stamp(body)?,
        updated_at: stamp(body)?,
        size: body.option(Body::integer)?,
        virtual_size: body.option(Body::integer)?,
        checksum: body.option(digest)?,
        os_hash_algo: body.option(Body::text)?.map(hash_name),
        os_hash_value: body.option(digest)?,
        tags: tags(body)?,
        properties: pairs(body, "properties")?,
        locations: locations(body)?,
    }))
}

/// Reads what stands up to the time of creation, and keeps some of it.
pub(super) fn peek(body: &mut Body<'_>) -> Result<Peek> {
    let (id, revision) = (id(body)?, body.integer()?);
    body.option(Body::bytes)?; // name
    let [_status, _visibility, _protected, _os_hidden] = body.array()?;
    body.option(Body::bytes)?; // owner
    body.option(Body::byte)?; // disk format
    body.option(Body::byte)?; // container format
    let _min_disk: u32 = body.integer()?;
    let _min_ram: u32 = body.integer()?;
    Ok(Peek {
        id,
        revision,
        created_at: stamp(body)?,
    })
}

fn id(body: &mut Body<'_>) -> Result<ImageId> {
    let (bytes, stored) = (body.array()?, body.integer()?);
    let id = ImageId::from_parts(bytes, stored);
    let case_bits = id.case_bits();
    if case_bits != stored {
        return Err(corrupt(format!(
            "case bits {stored:#x} found, {case_bits:#x} expected"
        )));
    }
    Ok(id)
}

fn word<T: Copy>(body: &mut Body<'_>, what: &str, table: &[(u8, T)]) -> Result<T> {
    let number = body.byte()?;
    // A test sees that the numbers are those of the places in the table.
    let entry = table.get(usize::from(number).wrapping_sub(1));
    entry.map(|entry| entry.1).ok_or_else(|| {
        let known = table.len();
        corrupt(format!("{what} {number} found, 1 to {known} expected"))
    })
}

fn stamp(body: &mut Body<'_>) -> Result<Timestamp> {
    let micros = body.signed()?;
    let stamp = Timestamp::from_micros(micros);
    match stamp.as_micros() == micros {
        true => Ok(stamp),
        false => Err(corrupt(format!(
            "stamp {micros} found, years 0 to 9999 expected"
        ))),
    }
}

fn owner(body: &mut Body<'_>) -> Result<ProjectId> {
    body.text().and_then(project::<ImageRow<'_>>)
}

/// Makes the project that a record names.
pub(super) fn project<R: Record>(text: &str) -> Result<ProjectId> {
    let id = text.parse::<ProjectId>();
    id.map_err(|e| codec::corrupt::<R>(&e).with_source(e))
}

fn digest(body: &mut Body<'_>) -> Result<Digest> {
    Digest::from_bytes(body.bytes()?).map_err(|e| corrupt(&e).with_source(e))
}

fn tags(body: &mut Body<'_>) -> Result<TextSet> {
    let count = body.count(1)?;
    let mut packer = Packer::with_capacity(count, body.texts_len(count));
    for _ in 0..count {
        let tag = body.bytes()?;
        packer.push(tag, &[]).map_err(|e| unpackable("tags", e))?;
    }
    TextSet::unpack(packer).map_err(|e| unpackable("tags", e))
}

fn pairs(body: &mut Body<'_>, what: &str) -> Result<TextMap> {
    let count = body.count(2)?;
    let mut packer = Packer::with_capacity(count, body.texts_len(2 * count));
    for _ in 0..count {
        let (name, value) = (body.bytes()?, body.bytes()?);
        packer.push(name, value).map_err(|e| unpackable(what, e))?;
    }
    TextMap::unpack(packer).map_err(|e| unpackable(what, e))
}

fn locations(body: &mut Body<'_>) -> Result<Vec<Location>> {
    let count = body.count(3)?;
    // Collecting results would not know how many there are.
    let mut locations = Vec::with_capacity(count);
    for _ in 0..count {
        let (url, metadata) = (body.text()?, pairs(body, "location metadata")?);
        let data = body.option(data)?;
        locations.push(Location::new(url, metadata).with_data(data));
    }
    Ok(locations)
}

fn data(body: &mut Body<'_>) -> Result<DataRef> {
    Ok(DataRef {
        store: body.integer()?,
        domain: body.integer()?,
        root: ChunkId(body.array()?),
        len_bytes: body.integer()?,
        zero_bytes: body.integer()?,
        cutter: body.byte()?,
    })
}

#[cold]
fn unpackable(what: &str, why: Unpackable) -> Error {
    corrupt(format!("{what} {why}"))
}

#[cold]
fn corrupt(what: impl Display) -> Error {
    codec::corrupt::<ImageRow<'_>>(what)
}

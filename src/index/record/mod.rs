//! The stored form of images and tombstones, converted by hand to and from the types of `image`.
//!
//! The two may change apart: a new field of `Image` is a new version here. Numbers of words are part
//! of the format and never used again. Sets and maps are stored strictly ascending. Images are
//! written by way of a row, whose type says the form; they are read by hand (`read`), because that
//! happens by the hundred, and tests compare it with what the row would read.

mod read;
#[cfg(test)]
mod reference;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{ChunkId, ImageId, ProjectId};
use crate::image::{ContainerFormat, DataRef, Digest, DiskFormat, Image, ImageParts};
use crate::image::{Location, Status, TextMap, Visibility};
use crate::index::codec::{self, Body, BorrowDecode, Encode, Record, kind};

const STATUSES: &[(u8, Status)] = &[
    (1, Status::Queued),
    (2, Status::Saving),
    (3, Status::Active),
    (4, Status::Killed),
    (5, Status::Deleted),
    (6, Status::Uploading),
    (7, Status::Importing),
    (8, Status::PendingDelete),
    (9, Status::Deactivated),
];

const VISIBILITIES: &[(u8, Visibility)] = &[
    (1, Visibility::Public),
    (2, Visibility::Community),
    (3, Visibility::Shared),
    (4, Visibility::Private),
];

const DISK_FORMATS: &[(u8, DiskFormat)] = &[
    (1, DiskFormat::Ami),
    (2, DiskFormat::Ari),
    (3, DiskFormat::Aki),
    (4, DiskFormat::Vhd),
    (5, DiskFormat::Vhdx),
    (6, DiskFormat::Vmdk),
    (7, DiskFormat::Raw),
    (8, DiskFormat::Qcow2),
    (9, DiskFormat::Vdi),
    (10, DiskFormat::Iso),
    (11, DiskFormat::Ploop),
];

const CONTAINER_FORMATS: &[(u8, ContainerFormat)] = &[
    (1, ContainerFormat::Ami),
    (2, ContainerFormat::Ari),
    (3, ContainerFormat::Aki),
    (4, ContainerFormat::Bare),
    (5, ContainerFormat::Ovf),
    (6, ContainerFormat::Ova),
    (7, ContainerFormat::Docker),
    (8, ContainerFormat::Compressed),
];

/// Names with texts, strictly ascending by bytes of the name.
type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// An image, version 1. Fields are stored in this order.
#[derive(Encode)]
#[cfg_attr(test, derive(BorrowDecode))]
struct ImageRow<'a> {
    id: [u8; 16],
    id_case: u32,
    revision: u64,
    name: Option<&'a str>,
    status: u8,
    visibility: u8,
    protected: bool,
    os_hidden: bool,
    owner: Option<&'a str>,
    disk_format: Option<u8>,
    container_format: Option<u8>,
    min_disk: u32,
    min_ram: u32,
    created_at: i64,
    updated_at: i64,
    size: Option<u64>,
    virtual_size: Option<u64>,
    checksum: Option<&'a [u8]>,
    os_hash_algo: Option<&'a str>,
    os_hash_value: Option<&'a [u8]>,
    tags: Vec<&'a str>,
    properties: Pairs<'a>,
    locations: Vec<LocationRow<'a>>,
}

#[derive(Encode)]
#[cfg_attr(test, derive(BorrowDecode))]
struct LocationRow<'a> {
    url: &'a str,
    metadata: Pairs<'a>,
    data: Option<DataRow>,
}

/// Where bytes are, as part of a record.
#[derive(Encode, BorrowDecode)]
pub(super) struct DataRow {
    store: u16,
    domain: u32,
    root: [u8; 32],
    len_bytes: u64,
    zero_bytes: u64,
    cutter: u8,
}

impl Record for ImageRow<'_> {
    const KIND: u8 = kind::IMAGE;
    const VERSION: u8 = 1;
    const NAME: &'static str = "image";

    fn check(&self) -> Result<(), String> {
        ascending("tags", self.tags.iter())?;
        ascending("properties", self.properties.iter().map(|(name, _)| name))?;
        for location in &self.locations {
            ascending(
                "location metadata",
                location.metadata.iter().map(|(name, _)| name),
            )?;
        }
        let case_bits = ImageId::from_parts(self.id, self.id_case).case_bits();
        if case_bits != self.id_case {
            return Err(format!(
                "case bits {:#x} found, {case_bits:#x} expected",
                self.id_case
            ));
        }
        for stamp in [self.created_at, self.updated_at] {
            if Timestamp::from_micros(stamp).as_micros() != stamp {
                return Err(format!("stamp {stamp} found, years 0 to 9999 expected"));
            }
        }
        Ok(())
    }
}

/// Returns the stored form of an image.
///
/// # Errors
/// `Internal` when the record would be longer than the index takes.
pub(crate) fn encode_image(image: &Image) -> Result<Vec<u8>> {
    codec::encode(&row(image.parts()))
}

/// Reads an image.
///
/// # Errors
/// `NewerFormat` for a version that a newer release wrote, else `Corrupt`.
pub(crate) fn decode_image(bytes: &[u8]) -> Result<Image> {
    let mut body = Body::open::<ImageRow<'_>>(bytes)?;
    let parts = read::image(&mut body)?;
    body.finish()?;
    Image::from_parts(parts).map_err(|e| codec::corrupt::<ImageRow<'_>>(&e).with_source(e))
}

/// What is known of an image without decoding its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peek {
    pub(crate) id: ImageId,
    pub(crate) revision: u64,
    pub(crate) created_at: Timestamp,
}

impl Peek {
    /// Peeks at an image.
    pub(crate) fn of(image: &Image) -> Self {
        Self {
            id: *image.id(),
            revision: image.revision(),
            created_at: image.created_at(),
        }
    }
}

/// Peeks at the record of an image.
///
/// # Errors
/// As [`decode_image`], of what was read: its beginning.
pub(crate) fn peek_image(bytes: &[u8]) -> Result<Peek> {
    read::peek(&mut Body::open::<ImageRow<'_>>(bytes)?)
}

fn row(image: &ImageParts) -> ImageRow<'_> {
    ImageRow {
        id: *image.id.as_bytes(),
        id_case: image.id.case_bits(),
        revision: image.revision,
        name: image.name.as_deref(),
        status: number(STATUSES, image.status),
        visibility: number(VISIBILITIES, image.visibility),
        protected: image.protected,
        os_hidden: image.os_hidden,
        owner: image.owner.as_ref().map(ProjectId::as_str),
        disk_format: image.disk_format.map(|format| number(DISK_FORMATS, format)),
        container_format: image
            .container_format
            .map(|format| number(CONTAINER_FORMATS, format)),
        min_disk: image.min_disk,
        min_ram: image.min_ram,
        created_at: image.created_at.as_micros(),
        updated_at: image.updated_at.as_micros(),
        size: image.size,
        virtual_size: image.virtual_size,
        checksum: image.checksum.as_ref().map(Digest::as_bytes),
        os_hash_algo: image.os_hash_algo.as_deref(),
        os_hash_value: image.os_hash_value.as_ref().map(Digest::as_bytes),
        tags: image.tags.iter().collect(),
        properties: pairs(&image.properties),
        locations: image.locations.iter().map(location_row).collect(),
    }
}

fn location_row(location: &Location) -> LocationRow<'_> {
    LocationRow {
        url: location.url(),
        metadata: pairs(location.metadata()),
        data: location.data().map(DataRow::of),
    }
}

impl DataRow {
    pub(super) fn of(data: &DataRef) -> Self {
        Self {
            store: data.store,
            domain: data.domain,
            root: data.root.0,
            len_bytes: data.len_bytes,
            zero_bytes: data.zero_bytes,
            cutter: data.cutter,
        }
    }

    pub(super) fn data(&self) -> DataRef {
        DataRef {
            store: self.store,
            domain: self.domain,
            root: ChunkId(self.root),
            len_bytes: self.len_bytes,
            zero_bytes: self.zero_bytes,
            cutter: self.cutter,
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        match self.zero_bytes > self.len_bytes {
            true => Err("more zero bytes than bytes".to_owned()),
            false => Ok(()),
        }
    }
}

fn pairs(map: &TextMap) -> Pairs<'_> {
    map.iter().collect()
}

/// Returns the number of a word; a word that no table has is 0, which is never read back. A test
/// sees that the tables are complete.
pub(super) fn number<T: Copy + PartialEq>(table: &[(u8, T)], word: T) -> u8 {
    table
        .iter()
        .find(|entry| entry.1 == word)
        .map_or(0, |entry| entry.0)
}

fn ascending<'a>(what: &str, texts: impl Iterator<Item = &'a &'a str>) -> Result<(), String> {
    if texts.is_sorted_by(|a, b| a < b) {
        Ok(())
    } else {
        Err(format!("{what} out of order, strictly ascending expected"))
    }
}

/// What remains of a deleted image, for ever, so that its id is never used again (DEV-X2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tombstone {
    /// When the image was deleted.
    pub(crate) deleted_at: Timestamp,
    /// Who owned it.
    pub(crate) owner: Option<ProjectId>,
}

/// A tombstone, version 1.
#[derive(Encode)]
#[cfg_attr(any(test, feature = "testing"), derive(BorrowDecode))]
struct TombstoneRow<'a> {
    deleted_at: i64,
    owner: Option<&'a str>,
}

impl Record for TombstoneRow<'_> {
    const KIND: u8 = kind::TOMBSTONE;
    const VERSION: u8 = 1;
    const NAME: &'static str = "tombstone";

    fn check(&self) -> Result<(), String> {
        match Timestamp::from_micros(self.deleted_at).as_micros() == self.deleted_at {
            true => Ok(()),
            false => Err(format!(
                "stamp {} found, years 0 to 9999 expected",
                self.deleted_at
            )),
        }
    }
}

impl Tombstone {
    /// Returns the stored form.
    ///
    /// # Errors
    /// None in practice: the record is short.
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        codec::encode(&TombstoneRow {
            deleted_at: self.deleted_at.as_micros(),
            owner: self.owner.as_ref().map(ProjectId::as_str),
        })
    }

    /// Reads a tombstone.
    ///
    /// # Errors
    /// `NewerFormat` for a version that a newer release wrote, else `Corrupt`.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let row: TombstoneRow<'_> = codec::decode(bytes)?;
        Ok(Self {
            deleted_at: Timestamp::from_micros(row.deleted_at),
            owner: row
                .owner
                .map(read::project::<TombstoneRow<'_>>)
                .transpose()?,
        })
    }
}

/// Decodes any record and asserts that decode, encode and decode agree; for the fuzz target
/// `record`. Returns whether the bytes are a record.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn decode_and_compare(bytes: &[u8]) -> bool {
    use crate::index::rows::{ChunkRow, PackRow, ReleaseRow, SessionRow};

    agrees("image", bytes, decode_image, encode_image)
        || agrees("tombstone", bytes, Tombstone::decode, Tombstone::encode)
        || agrees(
            "chunk",
            bytes,
            |b| codec::decode::<ChunkRow>(b),
            codec::encode,
        )
        || agrees(
            "pack",
            bytes,
            |b| codec::decode::<PackRow>(b),
            codec::encode,
        )
        || agrees(
            "upload",
            bytes,
            |b| codec::decode::<SessionRow>(b),
            codec::encode,
        )
        || agrees(
            "release",
            bytes,
            |b| codec::decode::<ReleaseRow>(b),
            codec::encode,
        )
}

#[cfg(any(test, feature = "testing"))]
fn agrees<T: PartialEq + std::fmt::Debug>(
    what: &str,
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T>,
    encode: impl Fn(&T) -> Result<Vec<u8>>,
) -> bool {
    let Ok(record) = decode(bytes) else {
        return false;
    };
    let again = encode(&record).unwrap_or_default();
    assert_eq!(
        again, bytes,
        "{what} record is encoded otherwise than it was read"
    );
    assert_eq!(decode(&again).ok(), Some(record));
    true
}

#[cfg(test)]
mod tests;

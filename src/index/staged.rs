//! Data that is staged for an import: complete, durable, and not yet that of its image.
//!
//! A row holds one reference to the root of its manifest.

use super::codec::{self, BorrowDecode, Encode, Record, kind};
use super::images::root_key;
use super::kv::{Get, Put, Table};
use super::places;
use super::record::DataRow;
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::image::{DataRef, Digest, hash_name};
use std::borrow::Cow;

/// Staged data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Staged {
    pub(crate) data: DataRef,
    /// MD5, where it was configured.
    pub(crate) checksum: Option<Digest>,
    /// Name of the multihash algorithm and its digest.
    pub(crate) os_hash: Option<(Cow<'static, str>, Digest)>,
}

/// Staged data, version 1.
#[derive(Encode, BorrowDecode)]
struct StagedRow<'a> {
    data: DataRow,
    checksum: Option<&'a [u8]>,
    os_hash_algo: Option<&'a str>,
    os_hash_value: Option<&'a [u8]>,
}

impl Record for StagedRow<'_> {
    const KIND: u8 = kind::STAGED;
    const VERSION: u8 = 1;
    const NAME: &'static str = "staged data";

    fn check(&self) -> Result<(), String> {
        self.data.check()
    }
}

fn encode(staged: &Staged) -> Result<Vec<u8>> {
    let os_hash = staged.os_hash.as_ref();
    codec::encode(&StagedRow {
        data: DataRow::of(&staged.data),
        checksum: staged.checksum.as_ref().map(Digest::as_bytes),
        os_hash_algo: os_hash.map(|(name, _)| &**name),
        os_hash_value: os_hash.map(|(_, digest)| digest.as_bytes()),
    })
}

fn decode(bytes: &[u8]) -> Result<Staged> {
    let row: StagedRow<'_> = codec::decode(bytes)?;
    let digest = |bytes: &[u8]| {
        Digest::from_bytes(bytes).map_err(|e| codec::corrupt::<StagedRow<'_>>(&e).with_source(e))
    };
    let value = row.os_hash_value.map(digest).transpose()?;
    Ok(Staged {
        data: row.data.data(),
        checksum: row.checksum.map(digest).transpose()?,
        os_hash: row.os_hash_algo.map(hash_name).zip(value),
    })
}

/// Returns what is staged for an image.
pub(crate) fn find(get: &dyn Get, image: &ImageId) -> Result<Option<Staged>> {
    let mut found = Ok(None);
    get.get(Table::Staged, image.as_bytes(), &mut |bytes| {
        found = decode(bytes).map(Some);
    })?;
    found
}

/// Stages data, whose root is held already, in place of what was staged before.
pub(crate) fn put(txn: &mut dyn Put, image: &ImageId, staged: &Staged) -> Result<()> {
    remove(txn, image)?;
    txn.put(Table::Staged, image.as_bytes(), &encode(staged)?)
}

/// Removes what is staged for an image; nothing is no error.
pub(crate) fn remove(txn: &mut dyn Put, image: &ImageId) -> Result<()> {
    let Some(staged) = find(txn, image)? else {
        return Ok(());
    };
    places::release(txn, &root_key(&staged.data), 1)?;
    txn.delete(Table::Staged, image.as_bytes())
}

/// Returns everything that is staged.
pub(crate) fn all(get: &dyn Get) -> Result<Vec<(ImageId, Staged)>> {
    places::collect(get, Table::Staged, usize::MAX, &mut |key, value| {
        let id = key
            .try_into()
            .map_err(|_| Error::corrupt("table staged: a key is not 16 bytes"))?;
        Ok((ImageId::from_bytes(id), decode(value)?))
    })
}

//! Digests of bytes that are read once, and what data is known by.

use std::io::{ErrorKind, Read};

use crate::error::{Error, ErrorCode, Result};
use crate::hash::{Algorithm, Hasher};
use crate::image::{Digest, Expected, Image};
use crate::index::staged::Staged;
use crate::ingest::UploadOptions;

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Reads all bytes of a body; returns how many there are, and their digests. `note` hears how many
/// were read, and may end it.
///
/// # Errors
/// `StoreUnavailable` where the body fails; what `note` fails with.
pub(super) fn digests_of(
    body: &mut dyn Read,
    algorithms: &[Algorithm],
    note: &dyn Fn(u64) -> Result<()>,
) -> Result<(u64, Vec<Digest>)> {
    let mut hashers: Vec<Hasher> = algorithms.iter().map(|it| Hasher::new(*it)).collect();
    let (mut piece, mut done) = (vec![0; PIECE_BYTES], 0);
    loop {
        let count = match body.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                let message = format!("the data of the location cannot be read: {error}");
                return Err(Error::new(ErrorCode::StoreUnavailable, message).with_source(error));
            }
        };
        hashers.iter_mut().for_each(|it| it.update(&piece[..count]));
        done += count as u64;
        note(done)?;
    }
    let digests = hashers.into_iter().map(Hasher::finish);
    let digests = digests.map(|it| Digest::from_bytes(it.as_bytes()));
    Ok((done, digests.collect::<Result<_>>()?))
}

/// The digests that data is known by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known<'a> {
    checksum: Option<&'a Digest>,
    os_hash: Option<(&'a str, &'a Digest)>,
}

impl<'a> Known<'a> {
    pub(crate) fn of_image(image: &'a Image) -> Self {
        Self {
            checksum: image.checksum(),
            os_hash: image.os_hash_algo().zip(image.os_hash_value()),
        }
    }

    pub(crate) fn of_staged(staged: &'a Staged) -> Self {
        let os_hash = staged.os_hash.as_ref();
        Self {
            checksum: staged.checksum.as_ref(),
            os_hash: os_hash.map(|(name, digest)| (&**name, digest)),
        }
    }

    pub(super) fn of_location(expected: &Expected<'a>) -> Self {
        Self {
            checksum: expected.checksum,
            os_hash: expected.os_hash,
        }
    }

    /// Returns the digest that data is held against: the multihash before the MD5.
    pub(super) fn proof(self) -> Option<(Algorithm, Digest)> {
        let by_hash = self.os_hash;
        let by_hash = by_hash.and_then(|(name, digest)| Some((name.parse().ok()?, *digest)));
        by_hash.or_else(|| self.checksum.map(|digest| (Algorithm::Md5, *digest)))
    }

    /// Returns by what a copy is held against its source, and what it has to be.
    pub(crate) fn expected(self, len_bytes: u64) -> (Option<Algorithm>, UploadOptions) {
        let proof = self.proof();
        let of = |md5: bool| {
            proof
                .filter(|it| (it.0 == Algorithm::Md5) == md5)
                .map(|it| it.1)
        };
        let options = UploadOptions {
            expected_len_bytes: Some(len_bytes),
            expected_checksum: of(true),
            expected_hash: of(false),
            ..UploadOptions::default()
        };
        (proof.map(|it| it.0), options)
    }
}

//! Data that is there, written once more: its bytes in order, holes as holes, and what they have to
//! be.

use crate::error::Result;
use crate::hash::Algorithm;
use crate::image::{Digest, Image};
use crate::index::staged::Staged;
use crate::ingest::{Judging, Upload, UploadOptions};
use crate::read::{ExtentKind, Reader};

/// Takes the bytes of a source in order.
pub(crate) trait Sink {
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
    fn skip(&mut self, len_bytes: u64) -> Result<()>;
}

impl Sink for Upload {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.put(bytes)
    }

    fn skip(&mut self, len_bytes: u64) -> Result<()> {
        Upload::skip(self, len_bytes)
    }
}

impl Sink for Judging {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Judging::write(self, bytes);
        Ok(())
    }

    fn skip(&mut self, len_bytes: u64) -> Result<()> {
        Judging::skip(self, len_bytes);
        Ok(())
    }
}

/// Gives all bytes of a source to a sink. `note` hears how many are done, and may end it.
pub(crate) fn pump(
    reader: &Reader,
    sink: &mut dyn Sink,
    note: &dyn Fn(u64) -> Result<()>,
) -> Result<()> {
    for extent in reader.extents() {
        let extent = extent?;
        let range = extent.range.clone();
        if extent.kind == ExtentKind::Zero {
            sink.skip(range.end - range.start)?;
            note(range.end)?;
            continue;
        }
        let mut done = range.start;
        for slice in reader.slices(range)? {
            let slice = slice?;
            sink.write(&slice)?;
            done += slice.len() as u64;
            note(done)?;
        }
    }
    Ok(())
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

    /// Returns by what a copy is held against its source, the multihash before the MD5, and what it
    /// has to be.
    pub(crate) fn expected(self, len_bytes: u64) -> (Option<Algorithm>, UploadOptions) {
        let by_hash = self.os_hash;
        let by_hash = by_hash.and_then(|(name, digest)| Some((name.parse().ok()?, *digest)));
        let by_md5 = || self.checksum.map(|digest| (Algorithm::Md5, *digest));
        let proof: Option<(Algorithm, Digest)> = by_hash.or_else(by_md5);
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

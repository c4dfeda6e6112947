//! Certificates as files of one directory, which an operator fills.

use std::path::Path;
use std::sync::Arc;

use super::super::invalid;
use super::CertificateProvider;
use crate::disk::{Access, Disk, DiskFile, RealDisk};
use crate::error::{Error, Result, shown};
use crate::limits::CERTIFICATE_MAX_BYTES;

/// Longest name of a certificate here, in bytes.
const ID_MAX_BYTES: usize = 128;
/// Ends of the names of files, in the order in which they are looked for.
const ENDINGS: [&str; 2] = ["pem", "der"];

/// Certificates `ID.pem` and `ID.der` of one directory. They are read anew for each upload, so that
/// files may come and go.
#[derive(Debug, Clone)]
pub struct CertificateDirectory {
    disk: Arc<dyn Disk>,
}

impl CertificateDirectory {
    /// Takes a directory, which need not be there yet.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self::on_disk(Arc::new(RealDisk::new(path)))
    }

    /// Takes the root of a disk of the host's own.
    pub fn on_disk(disk: Arc<dyn Disk>) -> Self {
        Self { disk }
    }

    fn open(&self, id: &str) -> Result<Option<Arc<dyn DiskFile>>> {
        for ending in ENDINGS {
            match self.disk.open(&format!("{id}.{ending}"), Access::Read) {
                Ok(file) => return Ok(Some(file)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io("open a certificate", error)),
            }
        }
        Ok(None)
    }
}

impl CertificateProvider for CertificateDirectory {
    /// Returns the content of `ID.pem`, or else of `ID.der`.
    ///
    /// # Errors
    /// `SignatureInvalid` if the id is no plain name of up to 128 ASCII letters, digits, `-`, `_`
    /// and inner `.`, if there is no such file, or if it is too long; `StoreUnavailable` if it
    /// cannot be read.
    fn certificate(&self, id: &str) -> Result<Vec<u8>> {
        if !is_plain(id) {
            let message = format!("certificate id {:?} is no plain name", shown(id));
            return Err(invalid(message));
        }
        let absent = || invalid(format!("certificate {id:?} is not there"));
        let file = self.open(id)?.ok_or_else(absent)?;
        let failed = |error| Error::io("read a certificate", error);
        let len = file.len().map_err(failed)?;
        let in_bounds = usize::try_from(len)
            .ok()
            .filter(|&len| len <= CERTIFICATE_MAX_BYTES);
        let too_long = || {
            invalid(format!(
                "certificate {id:?} is {len} bytes, limit {CERTIFICATE_MAX_BYTES}"
            ))
        };
        let mut bytes = vec![0; in_bounds.ok_or_else(too_long)?];
        file.read_at(&mut bytes, 0).map_err(failed)?;
        Ok(bytes)
    }
}

/// Tells whether an id is the name of a file in this very directory, whatever the file system.
fn is_plain(id: &str) -> bool {
    let is_taken = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=ID_MAX_BYTES).contains(&id.len())
        && id.bytes().all(is_taken)
        && !id.starts_with('.')
        && !id.contains("..")
}

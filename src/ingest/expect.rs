//! What is known of data before it comes, against what came.

use super::goal::Algorithms;
use super::upload::UploadOptions;
use crate::error::{Error, ErrorCode, Result};
use crate::hash::Algorithm;
use crate::image::Digest;

/// Makes the error for data of another length than was declared.
pub(super) fn size_mismatch(found: u64, expected: u64) -> Error {
    let more = if found > expected { " or more" } else { "" };
    let message = format!("data is {found} bytes{more}, {expected} were declared");
    Error::new(ErrorCode::SizeMismatch, message)
}

/// Refuses to wait for digests that no bytes can have here.
pub(super) fn check_expected(options: &UploadOptions, (md5, hash): Algorithms) -> Result<()> {
    can_have(options.expected_checksum, md5, "MD5")?;
    can_have(options.expected_hash, hash, "hash")
}

/// Tests that an expected digest is one of the algorithm that computes it.
fn can_have(expected: Option<Digest>, by: Option<Algorithm>, what: &str) -> Result<()> {
    let Some(expected) = expected else {
        return Ok(());
    };
    let len = expected.as_bytes().len();
    let message = match by {
        None => format!("a {what} is expected, but this engine computes none"),
        Some(by) if len != by.len_bytes() => {
            let (name, has) = (by.name(), by.len_bytes());
            format!("the expected {what} is {len} bytes, {name} has {has}")
        }
        Some(_) => return Ok(()),
    };
    Err(Error::new(ErrorCode::InvalidParameter, message))
}

/// Tests a digest that was expected.
pub(super) fn expect(expected: Option<Digest>, found: Option<Digest>, what: &str) -> Result<()> {
    match (expected, found) {
        (Some(expected), Some(found)) if expected != found => {
            let message = format!("data has {what} {found}, expected {expected}");
            Err(Error::new(ErrorCode::HashConflict, message))
        }
        _ => Ok(()),
    }
}

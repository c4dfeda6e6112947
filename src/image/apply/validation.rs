//! What a request says about the data of its locations, against what the record says.

use std::borrow::Cow;

use crate::error::{Error, ErrorCode, Result};
use crate::image::entry::{Entry, Validation};
use crate::image::{Digest, Image, Status, hash_name};

/// Length of an MD5, in bytes.
const CHECKSUM_BYTES: usize = 16;

/// What a record takes over from validation data: only what it did not have.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::image) struct Learned {
    pub(in crate::image) checksum: Option<Digest>,
    pub(in crate::image) os_hash: Option<(Cow<'static, str>, Digest)>,
}

/// Compares the validation data of locations with each other and with the record.
///
/// # Errors
/// `HashConflict`: two locations differ, the record has another value, or a new value comes to an
/// image that is not queued, by another algorithm than the configured one, or with a malformed
/// digest.
pub(in crate::image) fn resolve<'e>(
    image: &Image,
    entries: impl IntoIterator<Item = &'e Entry>,
    hash: Option<(&str, usize)>,
) -> Result<Learned> {
    let given = entries.into_iter().filter_map(|it| it.validation.as_ref());
    let Some(given) = merged(given)? else {
        return Ok(Learned::default());
    };
    let learned = Learned {
        checksum: checksum(image, &given)?,
        os_hash: os_hash(image, &given, hash)?,
    };
    if learned != Learned::default() && image.status() != Status::Queued {
        let status = image.status();
        return Err(conflict(format!(
            "image is {status}, and takes digests in queued only"
        )));
    }
    Ok(learned)
}

/// Makes one of several; each value stands once, or is the same wherever it stands.
fn merged<'e>(all: impl Iterator<Item = &'e Validation>) -> Result<Option<Validation>> {
    let mut merged: Option<Validation> = None;
    for one in all {
        let Some(kept) = &mut merged else {
            merged = Some(one.clone());
            continue;
        };
        let checksums = kept.checksum.as_ref().zip(one.checksum.as_ref());
        let agree = kept.algorithm == one.algorithm
            && kept.digest.eq_ignore_ascii_case(&one.digest)
            && checksums.is_none_or(|(a, b)| a.eq_ignore_ascii_case(b));
        if !agree {
            let message = "validation_data of two locations differ";
            return Err(conflict(message));
        }
        if kept.checksum.is_none() {
            kept.checksum.clone_from(&one.checksum);
        }
    }
    Ok(merged)
}

fn checksum(image: &Image, given: &Validation) -> Result<Option<Digest>> {
    let Some(text) = &given.checksum else {
        return Ok(None);
    };
    let digest = digest("checksum", text, CHECKSUM_BYTES)?;
    match image.checksum() {
        None => Ok(Some(digest)),
        Some(known) if *known == digest => Ok(None),
        Some(_) => Err(conflict("image has another checksum")),
    }
}

fn os_hash(
    image: &Image,
    given: &Validation,
    hash: Option<(&str, usize)>,
) -> Result<Option<(Cow<'static, str>, Digest)>> {
    if let Some((name, known)) = image.os_hash_algo().zip(image.os_hash_value()) {
        let same =
            given.algorithm == name && given.digest.parse::<Digest>().is_ok_and(|it| it == *known);
        return if same {
            Ok(None)
        } else {
            Err(conflict("image has another os_hash_algo or os_hash_value"))
        };
    }
    let Some((name, len_bytes)) = hash.filter(|(name, _)| *name == given.algorithm) else {
        let wanted = hash.map_or("not configured", |(name, _)| name);
        return Err(conflict(format!(
            "os_hash_algo is not the configured one, {wanted}"
        )));
    };
    let digest = digest("os_hash_value", &given.digest, len_bytes)?;
    Ok(Some((hash_name(name), digest)))
}

fn digest(what: &str, text: &str, len_bytes: usize) -> Result<Digest> {
    let digest = text.parse::<Digest>().ok();
    let digest = digest.filter(|it| it.as_bytes().len() == len_bytes);
    digest.ok_or_else(|| {
        let (chars, wanted) = (text.chars().count(), 2 * len_bytes);
        conflict(format!(
            "{what} is {chars} characters, and must be {wanted} hex digits"
        ))
    })
}

fn conflict(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::HashConflict, message)
}

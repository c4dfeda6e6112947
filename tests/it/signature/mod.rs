//! Signatures over the data of images: what the properties may say, what the hook of a host sees,
//! and what certificates verify.

mod digest;
#[cfg(feature = "signature")]
mod directory;
#[cfg(feature = "signature")]
mod garbage;
mod hook;
mod properties;
#[cfg(feature = "signature")]
pub(crate) mod upload;
#[cfg(feature = "signature")]
pub(crate) mod vector;
#[cfg(feature = "signature")]
mod vectors;

use smalti::NewImage;

use crate::support::new_image;

/// The names of the four properties: signature, hash method, key type, certificate.
pub(crate) const NAMES: [&str; 4] = [
    "img_signature",
    "img_signature_hash_method",
    "img_signature_key_type",
    "img_signature_certificate_uuid",
];

/// Values of the four properties that are well-formed.
pub(crate) const VALUES: [&str; 4] = ["c2lnbmVk", "SHA-256", "RSA-PSS", "some-id"];

/// An image that may be filled, with four properties.
pub(crate) fn signed_image(values: [&str; 4]) -> NewImage {
    let with = |new: NewImage, (name, value)| new.property(name, value);
    NAMES.into_iter().zip(values).fold(new_image(), with)
}

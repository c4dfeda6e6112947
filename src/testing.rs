//! Doors for tests and fuzz targets. Not part of the API: anything here may change at any time.

/// Decodes any stored record and asserts that decode, encode and decode agree; returns whether the
/// bytes are a record.
///
/// # Panics
/// When they don't agree, which is what a fuzz target looks for.
pub fn decode_record(bytes: &[u8]) -> bool {
    crate::index::decode_and_compare(bytes)
}

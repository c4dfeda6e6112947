//! qcow2, and the first version of it: all that matters is in the first 512 bytes.

use super::check::Check;
use super::field::{be_u32, be_u64};
use super::finding::Finding;
use super::format::Format;
use super::headers::HEAD_LEN_BYTES;

/// Incompatible features that are known: dirty, corrupt, data file, compression type.
const KNOWN_FEATURES: u64 = 0b1111;
/// The incompatible feature of data in another file.
const DATA_FILE: u64 = 0b100;

/// Recognises the format; a shorter header is no image.
pub(super) fn find(head: &[u8]) -> Option<Finding> {
    if head.len() < HEAD_LEN_BYTES || !head.starts_with(b"QFI\xfb") {
        return None;
    }
    let (version, backing) = (be_u32(head, 4)?, be_u64(head, 8)?);
    let features = be_u64(head, 72)?;
    let backed = (backing != 0).then_some("it has a backing file");
    // As in G the bit is looked at in every version, also where a header ends before it.
    let data_file = features & DATA_FILE != 0;
    let data_file = data_file.then_some("its data is in another file");
    let finding = Finding::new(Format::Qcow2)
        .sized(be_u64(head, 24))
        .fails(Check::BackingFile, backed)
        .fails(Check::UnknownFeatures, unknown(version, features))
        .fails(Check::DataFile, data_file);
    Some(finding)
}

fn unknown(version: u32, features: u64) -> Option<String> {
    match version {
        2 => None,
        3 if features & !KNOWN_FEATURES == 0 => None,
        3 => Some(format!(
            "incompatible features {:#x} are not known",
            features & !KNOWN_FEATURES
        )),
        other => Some(format!("version {other} is neither 2 nor 3")),
    }
}

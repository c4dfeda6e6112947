//! Where errors and panics of redb become errors of this crate.
//!
//! redb trusts its file: a flipped bit can make it panic. Every call into it goes through
//! [`guarded`], so that a panic stops here and is reported as damage.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, ErrorCode, Result};

/// Name of the index file below the root of the engine.
pub(super) const INDEX: &str = "index.redb";

/// Runs a call into redb; its error is converted and its panic caught.
pub(super) fn guarded<T, E: Into<redb::Error>>(
    deed: &str,
    call: impl FnOnce() -> Result<T, E>,
) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(convert(deed, error.into())),
        Err(_) => Err(Error::corrupt(format!(
            "{INDEX}: {deed} met damage that redb does not survive"
        ))),
    }
}

fn convert(deed: &str, error: redb::Error) -> Error {
    let code = match error {
        redb::Error::Io(cause) => return convert_io(deed, cause),
        redb::Error::Corrupted(_)
        | redb::Error::TableDoesNotExist(_)
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TypeDefinitionChanged { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TableIsNotMultimap(_)
        | redb::Error::UpgradeRequired(_) => ErrorCode::Corrupt,
        redb::Error::RepairAborted => ErrorCode::NeedsRecovery,
        redb::Error::DatabaseClosed => ErrorCode::Closed,
        redb::Error::PreviousIo => ErrorCode::Poisoned,
        _ => ErrorCode::Internal,
    };
    Error::new(code, format!("{INDEX}: {deed}: {error}")).with_source(error)
}

fn convert_io(deed: &str, cause: std::io::Error) -> Error {
    use std::io::ErrorKind as Io;
    match cause.kind() {
        Io::InvalidData | Io::UnexpectedEof => {
            Error::corrupt(format!("{INDEX}: {deed}: {cause}")).with_source(cause)
        }
        _ => Error::io(format_args!("{INDEX}: {deed}"), cause),
    }
}

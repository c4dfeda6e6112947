//! The one public error: an opaque box that carries a kind, a stable code and a message.
//!
//! Kinds are chosen by what a caller would do, codes name the exact reason, the message is for
//! reading. This file names no other room; each room converts its own errors.

use std::error::Error as StdError;
use std::fmt;

/// The result of every fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Shortens what a client has sent to what a message may hold.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

/// What went wrong: kind, stable code, message, and the cause where there is one.
pub struct Error(Box<Inner>);

struct Inner {
    code: ErrorCode,
    message: String,
    /// Where the same reason has another status than usual.
    http_status: Option<u16>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The coarse reason, by what a caller would do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The state of the image, or another writer, stands against it: look again, then decide.
    Conflict,
    /// Stored bytes are damaged: restore them or give the image up.
    Corrupt,
    /// The caller may see the image, but may not do this.
    Forbidden,
    /// The disk is full: free space and try again.
    Full,
    /// A fault of this library.
    Internal,
    /// The request is wrong: mend it.
    Invalid,
    /// No such thing, or none that the caller may see.
    NotFound,
    /// A limit or quota is exceeded.
    TooLarge,
    /// The engine cannot serve this now: locked, closed, poisoned, or the disk failed.
    Unavailable,
    /// The byte range lies outside the image.
    Unsatisfiable,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident => $kind:ident, $status:literal;)*) => {
        /// The exact reason, stable across releases; each belongs to one [`ErrorKind`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode { $($(#[$doc])* $name,)* }

        impl ErrorCode {
            /// Returns the coarse kind that this code belongs to.
            pub fn kind(self) -> ErrorKind {
                match self { $(Self::$name => ErrorKind::$kind,)* }
            }

            /// Returns the HTTP status that the Images API usually gives to this reason.
            pub fn http_status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// Returns the name of this code, as the API documents write it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

codes! {
    /// An id is not of the form `8-4-4-4-12` hexadecimal digits, or a value breaks the schema.
    SchemaViolation => Invalid, 400;
    /// A number lies outside its bounds.
    InvalidParameter => Invalid, 400;
    /// A property name is longer than 255 characters.
    PropertyNameTooLong => Invalid, 400;
    /// A property value is longer than 65,535 bytes.
    PropertyTooLong => Invalid, 400;
    /// A tag is empty.
    EmptyTag => Invalid, 400;
    /// A string holds a code point at or above U+10000 while these are refused.
    UnsupportedCharacter => Invalid, 400;
    /// A body is not JSON, or holds more than is read.
    MalformedJson => Invalid, 400;
    /// There is no body, and there must be one.
    BodyRequired => Invalid, 400;
    /// A body is JSON of another shape than the call takes.
    UnexpectedBody => Invalid, 400;
    /// There is a body, and there must be none.
    BodyNotAllowed => Invalid, 400;
    /// A pointer of a patch is malformed, or as deep as none may be here.
    InvalidPointer => Invalid, 400;
    /// An operation of a patch is none of add, replace and remove.
    UnknownOperation => Invalid, 400;
    /// An operation of a patch lacks its value.
    MissingValue => Invalid, 400;
    /// The value of a filter is malformed.
    InvalidFilterValue => Invalid, 400;
    /// A filter has an operator that it does not know.
    InvalidFilterOperator => Invalid, 400;
    /// The filter `visibility` is no visibility.
    InvalidVisibility => Invalid, 400;
    /// The filter `member_status` is no status of a member.
    InvalidMemberStatus => Invalid, 400;
    /// Lists have no such filter.
    UnsupportedFilter => Invalid, 400;
    /// A parameter that stands once is repeated.
    RepeatedParameter => Invalid, 400;
    /// Lists are not sorted by this.
    InvalidSortKey => Invalid, 400;
    /// A direction is neither `asc` nor `desc`.
    InvalidSortDir => Invalid, 400;
    /// Both forms of sorting are used at once.
    SortSyntaxMixed => Invalid, 400;
    /// There are as many directions as no number of keys allows.
    SortCountMismatch => Invalid, 400;
    /// The limit of a page is no number.
    InvalidLimit => Invalid, 400;
    /// The marker is no image that the caller sees.
    InvalidMarker => Invalid, 400;
    /// The url of a location is not allowed, or stands for nothing.
    InvalidLocation => Invalid, 400;
    /// The index of a location is malformed or out of range.
    InvalidLocationIndex => Invalid, 400;
    /// The location is there already.
    DuplicateLocation => Invalid, 400;
    /// More than one byte range was asked for.
    MultiRange => Invalid, 400;
    /// Data was sent to an image whose formats are not set.
    MissingFormat => Invalid, 400;
    /// The header that declares the size of data is no number of bytes.
    InvalidSize => Invalid, 400;
    /// The data is shorter or longer than was declared.
    SizeMismatch => Invalid, 400;
    /// The data does not have the signature that the image says it has, or none can be had so.
    SignatureInvalid => Invalid, 400;
    /// No such store.
    UnknownStore => Invalid, 400;
    /// The method of an import is none that is enabled.
    UnknownImportMethod => Invalid, 400;
    /// Parameters exclude each other.
    ConflictingParameters => Invalid, 400;
    /// Several stores would be needed, and the engine has one.
    MultiStoreRequired => Invalid, 400;
    /// The store has the data already.
    AlreadyInStore => Invalid, 400;
    /// The image is not active, and only active ones are cached.
    NotActive => Conflict, 400;
    /// What is to be cleared of the cache is none of what can be.
    InvalidCacheTarget => Invalid, 400;
    /// The uri of a download is malformed, or the rules let nothing be fetched from there.
    UriNotAllowed => Invalid, 400;
    /// The data does not have the digest that was expected.
    HashConflict => Conflict, 409;
    /// A setting of the engine has no legal value.
    InvalidSettings => Invalid, 400;
    /// A policy file or a file of property protections is faulty.
    InvalidPolicy => Invalid, 500;
    /// The source of an upload failed.
    SourceFailed => Invalid, 400;
    /// The caller has no identity.
    Unauthenticated => Forbidden, 401;
    /// Policy denies the operation.
    Forbidden => Forbidden, 403;
    /// The caller may only read.
    ReadOnlyCaller => Forbidden, 403;
    /// The property is set by the engine alone.
    ReadOnlyProperty => Forbidden, 403;
    /// The property name is reserved.
    ReservedProperty => Forbidden, 403;
    /// A base property cannot be removed.
    NotRemovable => Forbidden, 403;
    /// A format cannot change any more.
    FormatFrozen => Forbidden, 403;
    /// The image is protected against deletion.
    ProtectedImage => Forbidden, 403;
    /// The image is deactivated and its data is closed to all but administrators.
    ImageDeactivated => Forbidden, 403;
    /// An image keeps its last location.
    LastLocation => Forbidden, 403;
    /// Locations are not shown and cannot be changed.
    LocationsHidden => Forbidden, 403;
    /// The image is not shared, so it has no members.
    NotShared => Forbidden, 403;
    /// No such image, or none that the caller may see.
    NotFound => NotFound, 404;
    /// The id is or was in use.
    Duplicate => Conflict, 409;
    /// The status of the image does not allow the operation.
    InvalidState => Conflict, 409;
    /// The image has changed since the revision that the caller knows.
    RevisionMismatch => Conflict, 409;
    /// There is no such custom property.
    PropertyMissing => Conflict, 409;
    /// There is such a property already.
    PropertyExists => Conflict, 409;
    /// An import of the image is under way.
    ImportLocked => Conflict, 409;
    /// The data is in use, so it cannot be removed.
    InUse => Conflict, 409;
    /// The cache is that of this node alone, and tells of no other.
    CacheNotCentral => Conflict, 409;
    /// The store is only read, so no import can write to it.
    StoreReadOnly => Conflict, 409;
    /// The image was deleted while its data came in.
    GoneDuringUpload => NotFound, 410;
    /// The store takes no data.
    StoreAddDisabled => Invalid, 410;
    /// Too many tags.
    TagLimitExceeded => TooLarge, 413;
    /// Too many properties.
    PropertyLimitExceeded => TooLarge, 413;
    /// Too many members.
    MemberLimitExceeded => TooLarge, 413;
    /// Too many locations.
    LocationLimitExceeded => TooLarge, 413;
    /// A quota of the project is exceeded.
    QuotaExceeded => TooLarge, 413;
    /// The image is larger than the largest size allowed.
    ImageTooLarge => TooLarge, 413;
    /// The disk is full.
    StorageFull => Full, 413;
    /// The path does not take the method.
    MethodNotAllowed => Invalid, 405;
    /// The method is none of HTTP that the API uses.
    NotImplemented => Invalid, 501;
    /// The id of a request is too long.
    RequestIdTooLong => TooLarge, 431;
    /// The media type of a body is not taken here.
    UnsupportedMediaType => Invalid, 415;
    /// The data is not of the format of its image, or fails a safety check.
    InvalidImageData => Invalid, 415;
    /// The range is malformed or lies outside the image.
    RangeNotSatisfiable => Unsatisfiable, 416;
    /// A fault of this library.
    Internal => Internal, 500;
    /// The directory is in use by another engine.
    Locked => Unavailable, 503;
    /// The directory was not closed cleanly and must be opened for writing first.
    NeedsRecovery => Unavailable, 503;
    /// Stored bytes are damaged.
    Corrupt => Corrupt, 500;
    /// The directory is not a store of this library.
    UnknownFormat => Invalid, 500;
    /// The directory was written by a newer release.
    NewerFormat => Unavailable, 503;
    /// A write or sync failed; nothing is acknowledged until the engine has been opened again.
    Poisoned => Unavailable, 503;
    /// The engine is closed.
    Closed => Unavailable, 503;
    /// The engine was opened for reading only.
    ReadOnlyEngine => Unavailable, 503;
    /// The disk or the store failed.
    StoreUnavailable => Unavailable, 503;
    /// The store may not be written to.
    StoreWriteDenied => Unavailable, 503;
    /// The source of a download does not answer, or broke off; it may be asked again.
    SourceUnavailable => Unavailable, 503;
}

impl Error {
    /// Makes an error with a code and a message.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            http_status: None,
            source: None,
        }))
    }

    /// Makes an error for stored bytes that are damaged; the message names the place.
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Corrupt, message)
    }

    /// Makes the error for a failed system call, with the deed that failed.
    ///
    /// A full disk or quota of the file system becomes [`ErrorCode::StorageFull`], all else
    /// [`ErrorCode::StoreUnavailable`].
    pub fn io(deed: impl fmt::Display, source: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let code = match source.kind() {
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => ErrorCode::StorageFull,
            _ => ErrorCode::StoreUnavailable,
        };
        Self::new(code, format!("{deed}: {source}")).with_source(source)
    }

    /// Attaches the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Sets the status of a reason that the API answers otherwise in this operation.
    #[must_use]
    pub(crate) fn with_http_status(mut self, status: u16) -> Self {
        self.0.http_status = Some(status);
        self
    }

    /// Returns the coarse reason.
    pub fn kind(&self) -> ErrorKind {
        self.0.code.kind()
    }

    /// Returns the exact reason.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// Returns the HTTP status that the Images API gives to this error.
    pub fn http_status(&self) -> u16 {
        let usual = || self.0.code.http_status();
        self.0.http_status.unwrap_or_else(usual)
    }

    /// Returns the text for a reader, without the code.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Makes the same error for another who asks, without its cause.
    pub(crate) fn again(&self) -> Self {
        let again = Self::new(self.code(), self.message());
        match self.0.http_status {
            Some(status) => again.with_http_status(status),
            None => again,
        }
    }

    /// Tells whether bytes that were stored are damaged, or the medium does not give them: both are
    /// contained alike, to what needs these bytes.
    pub(crate) fn is_unreadable(&self) -> bool {
        matches!(
            self.code(),
            ErrorCode::Corrupt | ErrorCode::StoreUnavailable
        )
    }

    /// Tells whether the same call may succeed later without a change by the caller.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind(), ErrorKind::Full | ErrorKind::Unavailable)
            && !matches!(
                self.code(),
                ErrorCode::NewerFormat | ErrorCode::ReadOnlyEngine
            )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.name(), self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::NotFound => std::io::ErrorKind::NotFound,
            ErrorKind::Forbidden => std::io::ErrorKind::PermissionDenied,
            ErrorKind::Full => std::io::ErrorKind::StorageFull,
            ErrorKind::Invalid | ErrorKind::Unsatisfiable => std::io::ErrorKind::InvalidInput,
            ErrorKind::Corrupt => std::io::ErrorKind::InvalidData,
            _ => std::io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_failed_one() {
        let full = Error::io("write pack", std::io::ErrorKind::StorageFull.into());
        assert_eq!(
            (full.code(), full.kind()),
            (ErrorCode::StorageFull, ErrorKind::Full)
        );
        assert!(full.is_retryable());
        let failed = Error::io("write pack", std::io::Error::other("bus fell off"));
        assert_eq!(failed.code(), ErrorCode::StoreUnavailable);
        assert_eq!(failed.to_string(), "write pack: bus fell off");
    }
}

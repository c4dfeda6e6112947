//! The two media types of a patch.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorCode, Result};

/// A patch language, chosen by the media type of the body (Glance: `glance/api/v2/images.py`,
/// `_get_change_operation_d4`, `_get_change_operation_d10`).
///
/// The set is closed: the Images API v2 defines these two.
///
/// # Examples
/// ```
/// use smalti::patch::Dialect;
///
/// let header = Some("application/openstack-images-v2.1-json-patch; charset=utf-8");
/// assert_eq!(Dialect::from_media_type(header)?, Dialect::V2_1);
/// assert!(Dialect::from_media_type(Some("application/json")).is_err());
/// # Ok::<(), smalti::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "the API defines these two")]
pub enum Dialect {
    /// Operations `{"add": path, "value": value}`; an add of what exists is a conflict. Deprecated.
    V2_0,
    /// Operations `{"op": "add", "path": path, "value": value}`; an add of what exists replaces.
    #[default]
    V2_1,
}

impl Dialect {
    /// The header `Accept-Patch` of an answer 415.
    pub const ACCEPT_PATCH: &'static str = "application/openstack-images-v2.0-json-patch, \
         application/openstack-images-v2.1-json-patch";

    /// Returns the media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::V2_0 => "application/openstack-images-v2.0-json-patch",
            Self::V2_1 => "application/openstack-images-v2.1-json-patch",
        }
    }

    /// Reads the header `Content-Type`, whose parameters do not count. Case does, as in Glance.
    ///
    /// # Errors
    /// `UnsupportedMediaType` when there is none, or another than the two.
    pub fn from_media_type(header: Option<&str>) -> Result<Self> {
        let header = header.unwrap_or_default();
        let media_type = header.split(';').next().unwrap_or_default().trim();
        let all = [Self::V2_0, Self::V2_1];
        let found = all.into_iter().find(|it| it.media_type() == media_type);
        found.ok_or_else(|| {
            let shown: String = media_type.chars().take(64).collect();
            let message = format!("media type {shown:?} is not one of {}", Self::ACCEPT_PATCH);
            Error::new(ErrorCode::UnsupportedMediaType, message)
        })
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.media_type())
    }
}

/// Reads a media type, as [`Dialect::from_media_type`].
impl FromStr for Dialect {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::from_media_type(Some(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_print_and_read_back() {
        for dialect in [Dialect::V2_0, Dialect::V2_1] {
            assert_eq!(dialect.to_string().parse::<Dialect>().unwrap(), dialect);
            let header = format!(" {dialect} ; charset=utf-8;q=1");
            assert_eq!(header.parse::<Dialect>().unwrap(), dialect);
            assert!(Dialect::ACCEPT_PATCH.contains(dialect.media_type()));
        }
    }

    #[test]
    fn other_media_types_are_refused() {
        let upper = Dialect::V2_1.media_type().to_uppercase();
        for header in [
            None,
            Some(""),
            Some("application/json"),
            Some("application/json-patch+json"),
            Some("application/openstack-images-v2.2-json-patch"),
            Some("application/openstack-images-v2.1-json-patch, x"),
            Some(upper.as_str()),
        ] {
            let error = Dialect::from_media_type(header).unwrap_err();
            assert_eq!(error.code(), ErrorCode::UnsupportedMediaType, "{header:?}");
        }
    }
}

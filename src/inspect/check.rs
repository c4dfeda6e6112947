//! The safety checks by name, and what it says when one fails.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result, shown};

/// A safety check. Each belongs to one format, except `parent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Check {
    /// qcow2: no backing file.
    BackingFile,
    /// qcow2: version 2 or 3, and no incompatible feature that is not known.
    UnknownFeatures,
    /// qcow2: no external data file.
    DataFile,
    /// vmdk: an embedded descriptor that says nothing but what is understood and safe.
    Descriptor,
    /// vmdk: a footer that agrees with the header.
    Footer,
    /// vhd, vhdx, vdi: not the difference to another disk.
    Parent,
    /// gpt: a table of partitions that is one.
    Mbr,
    /// gpt: a name that operators may list; failures of such tables are told as [`Check::Mbr`].
    #[serde(rename = "gptmbr")]
    GptMbr,
    /// luks: version 1.
    Version,
    /// qed: always fails.
    Banned,
}

impl Check {
    /// Every check.
    pub const ALL: &'static [Self] = &[
        Self::BackingFile,
        Self::UnknownFeatures,
        Self::DataFile,
        Self::Descriptor,
        Self::Footer,
        Self::Parent,
        Self::Mbr,
        Self::GptMbr,
        Self::Version,
        Self::Banned,
    ];

    /// Returns the name of the check.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BackingFile => "backing_file",
            Self::UnknownFeatures => "unknown_features",
            Self::DataFile => "data_file",
            Self::Descriptor => "descriptor",
            Self::Footer => "footer",
            Self::Parent => "parent",
            Self::Mbr => "mbr",
            Self::GptMbr => "gptmbr",
            Self::Version => "version",
            Self::Banned => "banned",
        }
    }

    /// Tells whether operators may let data pass that fails it.
    pub fn may_be_nonfatal(self) -> bool {
        matches!(self, Self::Mbr | Self::GptMbr)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads the exact name of a check. Anything else is `InvalidSettings`: names come from operators.
impl FromStr for Check {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = Self::ALL.iter().find(|check| check.as_str() == text);
        known.copied().ok_or_else(|| {
            let message = format!("no safety check is called {:?}", shown(text));
            Error::new(ErrorCode::InvalidSettings, message)
        })
    }
}

/// A safety check that failed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    check: Check,
    reason: Cow<'static, str>,
}

impl Failure {
    pub(crate) fn new(check: Check, reason: impl Into<Cow<'static, str>>) -> Self {
        let reason = reason.into();
        Self { check, reason }
    }

    /// Returns the check.
    pub fn check(&self) -> Check {
        self.check
    }

    /// Returns why it failed, in words for a reader.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_checks_are_read_back_and_others_refused() {
        for &check in Check::ALL {
            assert_eq!(check.to_string().parse::<Check>().unwrap(), check);
            let text = serde_json::to_string(&check).unwrap();
            assert_eq!(text, format!("\"{check}\""));
        }
        let error = "MBR".parse::<Check>().unwrap_err();
        assert_eq!(error.to_string(), "no safety check is called \"MBR\"");
    }
}

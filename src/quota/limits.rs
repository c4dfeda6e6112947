//! Limits of projects, by the names of the API.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result, shown};
use crate::id::ProjectId;

/// What a project may use; nothing for no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "written with `..ProjectLimits::default()`"
)]
pub struct ProjectLimits {
    /// Data of images, each copy counted, in MiB.
    pub image_size_total: Option<u64>,
    /// Data that is staged for imports, or being copied, in MiB.
    pub image_stage_total: Option<u64>,
    /// Images.
    pub image_count_total: Option<u64>,
    /// Images whose data comes in at the same time.
    pub image_count_uploading: Option<u64>,
}

/// Knows what projects may use. Asked on each call that is tested against a limit, so it answers
/// from memory.
pub trait LimitSource: Send + Sync + 'static {
    /// Returns the limits of a project, or of the images without owner.
    fn limits(&self, project: Option<&ProjectId>) -> ProjectLimits;
}

/// The same limits for every project.
impl LimitSource for ProjectLimits {
    fn limits(&self, _project: Option<&ProjectId>) -> ProjectLimits {
        *self
    }
}

impl<F: Fn(Option<&ProjectId>) -> ProjectLimits + Send + Sync + 'static> LimitSource for F {
    fn limits(&self, project: Option<&ProjectId>) -> ProjectLimits {
        self(project)
    }
}

/// How much of one limit is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsageOf {
    /// What is used, in the unit of the limit; MiB are rounded down.
    pub usage: u64,
    /// The limit; nothing for none.
    pub limit: Option<u64>,
}

/// What a project uses of its limits. Bytes on their way are not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Data of images, each copy counted, in MiB.
    pub image_size_total: UsageOf,
    /// Data that is staged for imports, or being copied, in MiB.
    pub image_stage_total: UsageOf,
    /// Images.
    pub image_count_total: UsageOf,
    /// Images whose data comes in now.
    pub image_count_uploading: UsageOf,
}

impl Usage {
    /// Returns each figure with its name, in the order of the API.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, UsageOf)> {
        [
            ("image_size_total", self.image_size_total),
            ("image_stage_total", self.image_stage_total),
            ("image_count_total", self.image_count_total),
            ("image_count_uploading", self.image_count_uploading),
        ]
        .into_iter()
    }
}

/// Reads a number of bytes as `user_storage_quota` is written: digits, and `B`, `KB`, `MB`, `GB` or
/// `TB` behind them, in powers of 1024.
///
/// # Errors
/// `InvalidSettings`.
///
/// # Examples
/// ```
/// assert_eq!(smalti::quota::storage_quota("5GB")?, 5 << 30);
/// assert!(smalti::quota::storage_quota("5 gb").is_err());
/// # Ok::<(), smalti::Error>(())
/// ```
pub fn storage_quota(text: &str) -> Result<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let shift = match unit {
        "" | "B" => 0,
        "KB" => 10,
        "MB" => 20,
        "GB" => 30,
        "TB" => 40,
        _ => 64,
    };
    let bytes = number.parse::<u64>().ok();
    let bytes = bytes.and_then(|bytes| bytes.checked_mul(1_u64.checked_shl(shift)?));
    bytes.ok_or_else(|| {
        let message = format!(
            "{:?} is no number of bytes, with B, KB, MB, GB or TB behind it if any, below 2^64",
            shown(text)
        );
        Error::new(ErrorCode::InvalidSettings, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_quotas_are_read_as_the_specification_writes_them() {
        for (text, bytes) in [
            ("0", 0),
            ("1000B", 1000),
            ("1KB", 1024),
            ("3MB", 3 << 20),
            ("2TB", 2 << 40),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(storage_quota(text).expect(text), bytes);
        }
        for text in [
            "",
            "B",
            "1 KB",
            "1kb",
            "1KiB",
            "-1",
            "1.5GB",
            "18446744073709551616",
            "16777216TB",
        ] {
            assert!(storage_quota(text).is_err(), "{text}");
        }
    }
}

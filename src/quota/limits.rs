//! Limits of projects, by the names of the API.

use serde::{Deserialize, Serialize};

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

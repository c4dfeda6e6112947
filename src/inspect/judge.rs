//! The decision about an upload: what was found, against what was claimed.
//!
//! Source: the specification, "Formats", decision table; `location.py` of G. The safety checks are
//! those of what the data is, not of what it is said to be.

use serde::{Deserialize, Serialize};

use super::check::Check;
use super::finding::Finding;
use super::format::Format;
use super::inspection::Inspection;
use crate::error::{Error, ErrorCode, Result};
use crate::image::{ContainerFormat, DiskFormat, Image};

/// What an image says that its data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    disk: DiskFormat,
    container: ContainerFormat,
}

impl Claim {
    /// Makes the claim of an image with both formats.
    pub fn new(disk: DiskFormat, container: ContainerFormat) -> Self {
        Self { disk, container }
    }

    /// Returns what an image says that its data is, if that is looked at.
    pub(crate) fn of(image: &Image) -> Option<Self> {
        let claim = Self::new(image.disk_format()?, image.container_format()?);
        claim.is_inspected().then_some(claim)
    }

    /// Tells whether the data is looked at: only where nothing stands around the disk.
    pub fn is_inspected(self) -> bool {
        self.container == ContainerFormat::Bare
    }

    /// Tells whether data that is nothing in particular may have the format: there is no telling.
    fn is_opaque(self) -> bool {
        use DiskFormat::{Aki, Ami, Ari, Ploop};
        matches!(self.disk, Ami | Aki | Ari | Ploop)
    }
}

/// What operators decide, by the names of the options of G.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "written with `..InspectRules::default()`"
)]
pub struct InspectRules {
    /// Refuses data that is not of the disk format of its image. If this is off such data is taken,
    /// with no length of the disk known; of data that is of several formats at once no safety check
    /// is made then, which is unsafe (DEV-D16).
    pub require_image_format_match: bool,
    /// Checks of partition tables that may fail, of `mbr` and `gptmbr`; other checks are not
    /// heeded here.
    pub gpt_safety_checks_nonfatal: Vec<Check>,
}

impl Default for InspectRules {
    fn default() -> Self {
        Self {
            require_image_format_match: true,
            gpt_safety_checks_nonfatal: Vec::new(),
        }
    }
}

/// The data is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    virtual_size: Option<u64>,
    tolerated: Option<String>,
}

impl Verdict {
    /// Returns the length in bytes of the disk that the image describes, where it is known.
    pub fn virtual_size(&self) -> Option<u64> {
        self.virtual_size
    }

    /// Returns what was wrong and is tolerated by the rules, for a log; it names the formats.
    pub fn tolerated(&self) -> Option<&str> {
        self.tolerated.as_deref()
    }

    fn sized(virtual_size: Option<u64>) -> Self {
        let tolerated = None;
        Self {
            virtual_size,
            tolerated,
        }
    }
}

/// Decides whether data may become that of an image, and how long its disk is.
///
/// # Errors
/// `InvalidImageData` where the data fails a safety check, and, unless the rules say otherwise,
/// where it is another format than claimed, several at once, or malformed.
pub fn judge(inspection: &Inspection, claim: Claim, rules: &InspectRules) -> Result<Verdict> {
    if !claim.is_inspected() {
        return Ok(Verdict::sized(None));
    }
    let Some(finding) = inspection.finding() else {
        return judge_raw(inspection, claim, rules);
    };
    let tolerated = check_safety(finding, claim, rules)?;
    if let Some(fault) = finding.fault() {
        let message = format!(
            "the data is {} and malformed: {fault}",
            claimed(finding, claim)
        );
        return mismatch(message, rules);
    }
    let virtual_size = match claim.disk {
        DiskFormat::Raw => Some(inspection.len_bytes()),
        disk if disk.as_str() == finding.format().as_str() => finding.virtual_size(),
        disk => {
            let message = format!("disk format is {disk}, the data is {}", finding.format());
            return mismatch(message, rules);
        }
    };
    Ok(Verdict {
        virtual_size,
        tolerated,
    })
}

/// Decides about data that is nothing in particular, or several things at once.
fn judge_raw(inspection: &Inspection, claim: Claim, rules: &InspectRules) -> Result<Verdict> {
    let detected = inspection.detected();
    let disk = claim.disk;
    if detected.len() > 1 {
        let names: Vec<&str> = detected.iter().map(|it| it.as_str()).collect();
        let names = names.join(", ");
        let message = format!("disk format is {disk}, the data is several formats: {names}");
        return mismatch(message, rules);
    }
    if disk == DiskFormat::Raw {
        return Ok(Verdict::sized(Some(inspection.len_bytes())));
    }
    if claim.is_opaque() {
        return Ok(Verdict::sized(None));
    }
    let found = match (inspection.hint(), inspection.len_bytes()) {
        (Some(hint), _) => format!("raw, it looks like {hint}"),
        (None, 0) => "empty".to_owned(),
        (None, _) => Format::Raw.to_string(),
    };
    mismatch(format!("disk format is {disk}, the data is {found}"), rules)
}

/// Returns what failed and may fail.
fn check_safety(finding: &Finding, claim: Claim, rules: &InspectRules) -> Result<Option<String>> {
    let may_fail = |check: Check| {
        let is_listed = rules.gpt_safety_checks_nonfatal.contains(&check);
        check.may_be_nonfatal() && is_listed
    };
    let failures = finding.failures();
    if let Some(failure) = failures.iter().find(|it| !may_fail(it.check())) {
        let data = claimed(finding, claim);
        let message = format!("the data is {data} and fails the safety check {failure}");
        return Err(Error::new(ErrorCode::InvalidImageData, message));
    }
    Ok(failures.first().map(|failure| {
        let data = claimed(finding, claim);
        format!("the data is {data} and fails the safety check {failure}")
    }))
}

/// Names a format beside the one that was claimed.
fn claimed(finding: &Finding, claim: Claim) -> String {
    format!("{} (disk format is {})", finding.format(), claim.disk)
}

fn mismatch(message: String, rules: &InspectRules) -> Result<Verdict> {
    if rules.require_image_format_match {
        return Err(Error::new(ErrorCode::InvalidImageData, message));
    }
    Ok(Verdict {
        virtual_size: None,
        tolerated: Some(message),
    })
}

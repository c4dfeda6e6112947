//! What happened in sequences, and how often it must have.

use std::collections::BTreeMap;

use smalti::Error;
use smalti::engine::Page;

use super::outcome::Outcome;

/// Calls, and how often at least each must be done and be refused over all seeds: about half of
/// what they are.
const CALLS: [(&str, u64, u64); 26] = [
    ("abort", 1_500, 0),
    ("collect", 400, 0),
    ("create", 17_000, 20_000),
    ("deactivate", 1_000, 4_000),
    ("delete", 2_500, 2_500),
    ("finish", 9_000, 800),
    ("inspect", 2_800, 0),
    ("leave", 400, 0),
    ("list", 14_000, 2_500),
    ("list to the end", 3_000, 0),
    ("members.add", 4_500, 7_500),
    ("members.list", 1_600, 2_000),
    ("members.remove", 300, 3_500),
    ("members.set_status", 600, 10_000),
    ("members.show", 350, 3_500),
    ("open", 1_800, 2_500),
    ("reactivate", 500, 3_000),
    ("reopen", 400, 0),
    ("restore", 80, 2_000),
    ("scrub", 1_500, 0),
    ("show", 4_500, 1_500),
    ("tags.add", 4_000, 3_000),
    ("tags.remove", 700, 4_000),
    ("update", 7_500, 15_000),
    ("update_if", 2_000, 7_000),
    ("upload", 6_500, 8_000),
];

/// Reasons, and how often at least each must be given over all seeds.
const CODES: [(&str, u64); 42] = [
    ("Duplicate", 5_000),
    ("EmptyTag", 700),
    ("Forbidden", 10_000),
    ("FormatFrozen", 150),
    ("GoneDuringUpload", 40),
    ("ImageDeactivated", 40),
    ("InvalidFilterOperator", 100),
    ("InvalidFilterValue", 200),
    ("InvalidImageData", 700),
    ("InvalidLimit", 50),
    ("InvalidMarker", 400),
    ("InvalidMemberStatus", 50),
    ("InvalidParameter", 500),
    ("InvalidPointer", 700),
    ("InvalidSortDir", 50),
    ("InvalidSortKey", 50),
    ("InvalidState", 2_000),
    ("InvalidVisibility", 45),
    ("LastLocation", 60),
    ("LocationsHidden", 180),
    ("MemberLimitExceeded", 150),
    ("MissingFormat", 3_000),
    ("MissingValue", 400),
    ("NotFound", 40_000),
    ("NotRemovable", 100),
    ("NotShared", 8_000),
    ("PropertyExists", 900),
    ("PropertyLimitExceeded", 500),
    ("PropertyMissing", 4_500),
    ("PropertyNameTooLong", 500),
    ("PropertyTooLong", 500),
    ("ProtectedImage", 300),
    ("QuotaExceeded", 3_000),
    ("ReadOnlyCaller", 1_500),
    ("ReadOnlyProperty", 1_000),
    ("ReservedProperty", 800),
    ("RevisionMismatch", 2_000),
    ("SchemaViolation", 5_000),
    ("TagLimitExceeded", 600),
    ("UnknownOperation", 200),
    ("UnsupportedCharacter", 1_000),
    ("UnsupportedFilter", 100),
];

/// How often each call succeeded and was refused, and how often for each reason.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) calls: BTreeMap<&'static str, [u64; 2]>,
    pub(super) codes: BTreeMap<&'static str, u64>,
    pub(super) pages: u64,
    pub(super) listed: u64,
    pub(super) scrubbed: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        for (name, counts) in &other.calls {
            let sum = self.calls.entry(name).or_default();
            sum[0] += counts[0];
            sum[1] += counts[1];
        }
        for (code, count) in &other.codes {
            *self.codes.entry(code).or_default() += count;
        }
        self.pages += other.pages;
        self.listed += other.listed;
        self.scrubbed += other.scrubbed;
    }

    pub(super) fn print(&self) {
        let (pages, listed, scrubbed) = (self.pages, self.listed, self.scrubbed);
        println!("{pages} pages of {listed} images, {scrubbed} images scrubbed");
        for (name, [done, refused]) in &self.calls {
            println!("{name:20} {done:8} done {refused:8} refused");
        }
        for (code, count) in &self.codes {
            println!("{code:28} {count:8}");
        }
    }

    /// Tests that everything happened often enough to have been tested.
    pub(super) fn check(&self) {
        for (name, done, refused) in CALLS {
            let found = self.calls.get(name).copied().unwrap_or_default();
            let enough = found[0] >= done && found[1] >= refused;
            assert!(enough, "{name}: {found:?}, floors {done} and {refused}");
        }
        for (code, floor) in CODES {
            let found = self.codes.get(code).copied().unwrap_or_default();
            assert!(found >= floor, "{code} came {found} times, floor {floor}");
        }
        assert!(self.listed >= 200_000, "{} images on pages", self.listed);
        assert!(self.scrubbed >= 60, "{} images scrubbed", self.scrubbed);
    }

    pub(super) fn page(&mut self, page: &Result<Page, Error>) {
        self.pages += 1;
        self.listed += page.as_ref().map_or(0, |page| page.images().len() as u64);
    }

    pub(super) fn count(&mut self, name: &'static str, outcome: &Outcome) {
        let counts = self.calls.entry(name).or_default();
        match outcome {
            Outcome::Refused(code, _) => {
                counts[1] += 1;
                *self.codes.entry(code.name()).or_default() += 1;
            }
            _ => counts[0] += 1,
        }
        if let Outcome::Count(count) = outcome {
            self.scrubbed += count;
        }
    }
}

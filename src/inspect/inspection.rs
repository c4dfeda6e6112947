//! What is known about a stream after its last byte.

use super::finding::Finding;
use super::format::Format;
use super::hint::Hint;

/// The result of an [`Inspector`](super::Inspector).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    len_bytes: u64,
    findings: Vec<Finding>,
    hint: Option<Hint>,
}

impl Inspection {
    pub(crate) fn new(len_bytes: u64, findings: Vec<Finding>, hint: Option<Hint>) -> Self {
        Self {
            len_bytes,
            findings,
            hint,
        }
    }

    /// Returns the number of bytes that passed by.
    pub fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// Returns the formats that were recognised, in the order of [`Format::ALL`]: `raw` alone where
    /// nothing else was, and nothing at all where there was no byte.
    pub fn detected(&self) -> Vec<Format> {
        match self.findings.as_slice() {
            [] if self.len_bytes == 0 => Vec::new(),
            [] => vec![Format::Raw],
            findings => findings.iter().map(Finding::format).collect(),
        }
    }

    /// Returns every recognised format besides `raw`, with what was found in it.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Returns the finding that counts: the only one, or that of a disc that has a partition table
    /// too, as discs that one can boot from have.
    pub fn finding(&self) -> Option<&Finding> {
        match self.findings.as_slice() {
            [one] => Some(one),
            [iso, gpt] if (iso.format(), gpt.format()) == (Format::Iso, Format::Gpt) => Some(iso),
            _ => None,
        }
    }

    /// Returns what the data looks like where it is none of the formats; for messages only.
    pub fn hint(&self) -> Option<Hint> {
        self.hint
    }
}

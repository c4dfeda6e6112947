//! What one format made of the bytes.

use std::borrow::Cow;

use super::check::{Check, Failure};
use super::format::Format;

/// Longest disk that a header may tell, in bytes: numbers of the API have 63 bits.
const VIRTUAL_MAX_BYTES: u64 = i64::MAX as u64;

/// A format that the bytes are recognised as: length of the disk, failed checks, faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    format: Format,
    virtual_size: Option<u64>,
    failures: Vec<Failure>,
    fault: Option<Cow<'static, str>>,
}

impl Finding {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            virtual_size: None,
            failures: Vec::new(),
            fault: None,
        }
    }

    /// Sets the length of the disk; one that no number of the API holds is a fault.
    pub(crate) fn sized(mut self, bytes: Option<u64>) -> Self {
        self.virtual_size = bytes.filter(|&bytes| bytes <= VIRTUAL_MAX_BYTES);
        match bytes {
            Some(bytes) if bytes > VIRTUAL_MAX_BYTES => self.with_fault(Some(format!(
                "the disk has {bytes} bytes, limit {VIRTUAL_MAX_BYTES}"
            ))),
            _ => self,
        }
    }

    /// Adds a failure of a check, where there is a reason.
    pub(crate) fn fails(
        mut self,
        check: Check,
        reason: Option<impl Into<Cow<'static, str>>>,
    ) -> Self {
        let failure = reason.map(|reason| Failure::new(check, reason));
        self.failures.extend(failure);
        self
    }

    /// Sets what is malformed, unless something is already.
    pub(crate) fn with_fault(mut self, fault: Option<impl Into<Cow<'static, str>>>) -> Self {
        self.fault = self.fault.or(fault.map(Into::into));
        self
    }

    /// Returns the format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns the length in bytes of the disk that the image describes, where it tells one.
    pub fn virtual_size(&self) -> Option<u64> {
        self.virtual_size
    }

    /// Returns the safety checks that failed, in the order of the checks of the format.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Returns what is cut off or contradicts itself in what had to be read, where anything does.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }
}

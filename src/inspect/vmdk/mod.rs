//! vmdk: a sparse extent with its descriptor, or a descriptor alone, which is never safe.
//!
//! Source: the Virtual Disk Format 5.0 of VMware, and what QEMU reads of it.

mod descriptor;
mod extent;
mod text;

use super::check::Check;
use super::finding::Finding;
use super::format::Format;
use super::headers::HEAD_LEN_BYTES;
use super::region::Region;
use extent::Extent;

/// Longest descriptor, in bytes.
const DESCRIPTOR_MAX_BYTES: usize = (1 << 20) - 1;

/// What is known of an image so far.
#[derive(Debug)]
pub(super) enum Vmdk {
    /// A sparse extent, where its descriptor may be looked for; and the descriptor.
    Sparse(Result<Extent, String>, Vec<u8>),
    /// Text that may be a descriptor.
    Text(Vec<u8>),
}

impl Vmdk {
    /// Looks at the first bytes, and says what to keep besides.
    pub(super) fn begin(head: &[u8]) -> Option<(Self, Option<Region>)> {
        if head.starts_with(b"KDMV") {
            let extent = Extent::read(head);
            let region = extent.as_ref().ok().map(Extent::descriptor);
            return Some((Self::Sparse(extent, Vec::new()), region));
        }
        let is_whole = head.len() < HEAD_LEN_BYTES || head.contains(&0);
        let rest = Region::text(HEAD_LEN_BYTES as u64, DESCRIPTOR_MAX_BYTES - HEAD_LEN_BYTES);
        let text = text::may_be(head).then(|| Self::Text(head.to_vec()))?;
        Some((text, (!is_whole).then_some(rest)))
    }

    /// Takes the rest of the text.
    pub(super) fn take(&mut self, bytes: Vec<u8>) {
        match self {
            Self::Sparse(_, descriptor) => *descriptor = bytes,
            Self::Text(text) => text.extend_from_slice(&bytes),
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        match self {
            Self::Sparse(_, text) | Self::Text(text) => text.capacity(),
        }
    }

    /// Tells what it is, by the last bytes of the stream and its length too.
    pub(super) fn finding(self, tail: &[u8], len_bytes: u64) -> Option<Finding> {
        let finding = Finding::new(Format::Vmdk);
        match self {
            Self::Sparse(Err(fault), _) => Some(finding.fails(Check::Descriptor, Some(fault))),
            Self::Sparse(Ok(extent), descriptor) => {
                let finding = finding.fails(Check::Descriptor, descriptor::fault(&descriptor));
                Some(extent.add_to(finding, tail, len_bytes))
            }
            Self::Text(text) => {
                let fault = "it is a descriptor alone, which names other files";
                text::is_descriptor(&text).then(|| finding.fails(Check::Descriptor, Some(fault)))
            }
        }
    }
}

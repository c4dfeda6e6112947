//! The header of a sparse extent, and its copy at the end of the stream.

use super::DESCRIPTOR_MAX_BYTES;
use crate::inspect::check::Check;
use crate::inspect::field::{le_u32, le_u64};
use crate::inspect::finding::Finding;
use crate::inspect::headers::HEAD_LEN_BYTES;
use crate::inspect::region::Region;
use crate::inspect::tail::TAIL_LEN_BYTES;

const SECTOR_LEN_BYTES: u64 = 512;
/// Where the descriptor stands, in sectors: behind the header.
const DESCRIPTOR_SECTOR: u64 = 1;
/// Place of the grain directory that says that the header at the end counts.
const AT_END: u64 = u64::MAX;
/// Type of the marker before that header.
const FOOTER: u32 = 3;

/// The fields that matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::inspect) struct Extent {
    version: u32,
    sectors: u64,
    /// First sector and number of sectors.
    descriptor: (u64, u64),
    directory: u64,
}

impl Extent {
    /// Reads the header of an image.
    pub(super) fn read(head: &[u8]) -> Result<Self, String> {
        let extent = Self::fields(head).filter(|_| head.len() >= HEAD_LEN_BYTES);
        let extent = extent.ok_or("it ends within its header")?;
        let (at, sectors) = extent.descriptor;
        let most = DESCRIPTOR_MAX_BYTES as u64 / SECTOR_LEN_BYTES;
        match extent.version {
            1..=3 if at != DESCRIPTOR_SECTOR => Err(format!(
                "the descriptor is in sector {at} instead of {DESCRIPTOR_SECTOR}"
            )),
            1..=3 if sectors == 0 => Err("there is no descriptor".to_owned()),
            1..=3 if sectors > most => Err(format!(
                "the descriptor has {sectors} sectors, limit {most}"
            )),
            1..=3 => Ok(extent),
            other => Err(format!("version {other} is not 1, 2 or 3")),
        }
    }

    fn fields(header: &[u8]) -> Option<Self> {
        Some(Self {
            version: le_u32(header, 4)?,
            sectors: le_u64(header, 12)?,
            descriptor: (le_u64(header, 28)?, le_u64(header, 36)?),
            directory: le_u64(header, 56)?,
        })
    }

    /// Returns where the descriptor stands.
    pub(super) fn descriptor(&self) -> Region {
        let (at, sectors) = self.descriptor;
        let len = usize::try_from(sectors * SECTOR_LEN_BYTES).unwrap_or(DESCRIPTOR_MAX_BYTES);
        Region::text(at * SECTOR_LEN_BYTES, len.min(DESCRIPTOR_MAX_BYTES))
    }

    /// Adds the length of the disk, and what is wrong with the end of the stream.
    pub(super) fn add_to(&self, finding: Finding, tail: &[u8], len_bytes: u64) -> Finding {
        let is_at_end = self.directory == AT_END;
        let footer = is_at_end.then(|| self.footer_fault(tail)).flatten();
        let size = self.sectors.checked_mul(SECTOR_LEN_BYTES);
        let fault = match size {
            None => Some(format!("the disk has {} sectors", self.sectors)),
            Some(_) if len_bytes < self.descriptor_end() => {
                Some("it ends within its descriptor".to_owned())
            }
            Some(_) => None,
        };
        finding
            .sized(size)
            .fails(Check::Footer, footer)
            .with_fault(fault)
    }

    /// Returns where the descriptor ends, in bytes.
    fn descriptor_end(&self) -> u64 {
        let (at, sectors) = self.descriptor;
        (at + sectors) * SECTOR_LEN_BYTES
    }

    fn footer_fault(&self, tail: &[u8]) -> Option<&'static str> {
        if tail.len() < TAIL_LEN_BYTES {
            return Some("there is no footer");
        }
        let (marker, rest) = tail.split_at(HEAD_LEN_BYTES);
        let (footer, end) = rest.split_at(HEAD_LEN_BYTES);
        let fields = Self::fields(footer)?;
        // A marker is a number, a length and a type; the number of a footer is its own business.
        let is_marker = |at: usize, sector: &[u8], kind: u32| {
            let is_zero = |bytes: &[u8]| bytes.iter().all(|&byte| byte == 0);
            let is_kind = le_u32(sector, 12) == Some(kind);
            is_zero(&sector[at..12]) && is_kind && is_zero(&sector[16..])
        };
        match fields {
            _ if !footer.starts_with(b"KDMV") => Some("the footer has another signature"),
            it if it.version != self.version => Some("the footer has another version"),
            it if it.descriptor != self.descriptor => Some("the footer has another descriptor"),
            // Bent: G does not look, and QEMU takes the length from here.
            it if it.sectors != self.sectors => Some("the footer has another length of the disk"),
            it if it.directory == AT_END => Some("the footer points to a footer"),
            _ if !is_marker(8, marker, FOOTER) => Some("the marker of the footer is malformed"),
            _ if !is_marker(0, end, 0) => Some("the end of the stream is malformed"),
            _ => None,
        }
    }
}

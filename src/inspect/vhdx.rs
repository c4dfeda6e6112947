//! vhdx: the way from the table of regions to the items of metadata, forward only.
//!
//! Source: MS-VHDX. Of two copies of the table of regions the first one counts, as in G.

use super::check::Check;
use super::field::{array, le_u16, le_u32, le_u64};
use super::finding::Finding;
use super::format::Format;
use super::region::Region;

/// Where the table of regions stands, in bytes.
const TABLE_AT: u64 = 192 << 10;
const TABLE_HEAD_LEN_BYTES: usize = 16;
const META_HEAD_LEN_BYTES: usize = 32;
/// Length of an entry of either table, and most entries of one.
const ENTRY_LEN_BYTES: usize = 32;
const ENTRIES_MAX: usize = 2047;
const ITEM_LEN_BYTES: usize = 8;

type Guid = [u8; 16];
const METADATA: Guid = guid(0x8b7c_a206, 0x4790, 0x4b9a, 0xb8fe_575f_050f_886e);
const DISK_SIZE: Guid = guid(0x2fa5_4224, 0xcd1b, 0x4876, 0xb211_5dbe_d83b_f4b8);
const FILE_PARAMETERS: Guid = guid(0xcaa1_6737, 0xfa36, 0x4d43, 0xb3b6_33f0_aa44_e76b);
/// The bit of the file parameters that says that there is a parent.
const HAS_PARENT: u32 = 2;

/// Lays a GUID out as Microsoft does.
const fn guid(one: u32, two: u16, three: u16, rest: u64) -> Guid {
    let (a, b, c, d) = (
        one.to_le_bytes(),
        two.to_le_bytes(),
        three.to_le_bytes(),
        rest.to_be_bytes(),
    );
    [
        a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6],
        d[7],
    ]
}

/// What is read, one after the other; the last two in any order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    TableHead,
    Table,
    MetaHead,
    MetaTable,
    DiskSize,
    FileParameters,
}

type Parts = Vec<(Part, Region)>;

/// What is known of an image so far.
#[derive(Debug, Default)]
pub(super) struct Vhdx {
    meta_at: u64,
    size: Option<u64>,
    has_parent: bool,
    fault: Option<String>,
}

impl Vhdx {
    /// Recognises the format by its first bytes.
    pub(super) fn begin(head: &[u8]) -> Option<(Self, (Part, Region))> {
        let region = Region::new(TABLE_AT, TABLE_HEAD_LEN_BYTES);
        let is_known = head.starts_with(b"vhdxfile");
        is_known.then(|| (Self::default(), (Part::TableHead, region)))
    }

    /// Takes a part that ended at `at`, and returns what is to be read next.
    pub(super) fn take(&mut self, part: Part, region: &Region, at: u64) -> Parts {
        let next = match region.is_complete() {
            true => self.read(part, region, at),
            false => Err(format!("it ends before byte {}", region.start())),
        };
        next.unwrap_or_else(|fault| {
            self.fault.get_or_insert(fault);
            Vec::new()
        })
    }

    pub(super) fn finding(self) -> Finding {
        let parent = self
            .has_parent
            .then_some("it is the difference to another disk");
        let unknown = self.size.is_none();
        let finding = Finding::new(Format::Vhdx).with_fault(self.fault);
        finding
            .sized(self.size)
            .fails(Check::Parent, parent)
            .with_fault(unknown.then_some("it ends before the length of its disk"))
    }

    fn read(&mut self, part: Part, region: &Region, at: u64) -> Result<Parts, String> {
        let bytes = region.bytes();
        match part {
            Part::TableHead => {
                let count = le_u32(bytes, 8).unwrap_or_default();
                let count = entries("region", bytes.starts_with(b"regi"), count)?;
                Ok(vec![(Part::Table, Region::new(at, count))])
            }
            Part::Table => self.find_metadata(bytes, at),
            Part::MetaHead => {
                let count = le_u16(bytes, 10).unwrap_or_default();
                let is_head = bytes.starts_with(b"metadata");
                let count = entries("metadata", is_head, u32::from(count))?;
                Ok(vec![(Part::MetaTable, Region::new(at, count))])
            }
            Part::MetaTable => self.find_items(bytes, at),
            Part::DiskSize => {
                self.size = le_u64(bytes, 0);
                Ok(Vec::new())
            }
            Part::FileParameters => {
                let flags = le_u32(bytes, 4).unwrap_or_default();
                self.has_parent = flags & HAS_PARENT != 0;
                Ok(Vec::new())
            }
        }
    }

    fn find_metadata(&mut self, table: &[u8], at: u64) -> Result<Parts, String> {
        let entry = only(table, &METADATA)?.ok_or("it has no region of metadata")?;
        let start = le_u64(entry, 16).unwrap_or_default();
        self.meta_at = start;
        let region = ahead(start, META_HEAD_LEN_BYTES, at)?;
        Ok(vec![(Part::MetaHead, region)])
    }

    fn find_items(&self, table: &[u8], at: u64) -> Result<Parts, String> {
        let size = only(table, &DISK_SIZE)?.ok_or("its metadata has no length of the disk")?;
        let mut parts = vec![(Part::DiskSize, self.item(size, at)?)];
        if let Some(parameters) = only(table, &FILE_PARAMETERS)? {
            parts.push((Part::FileParameters, self.item(parameters, at)?));
        }
        Ok(parts)
    }

    fn item(&self, entry: &[u8], at: u64) -> Result<Region, String> {
        let offset = le_u32(entry, 16).unwrap_or_default();
        match le_u32(entry, 20) {
            Some(8) => ahead(
                self.meta_at.saturating_add(offset.into()),
                ITEM_LEN_BYTES,
                at,
            ),
            other => Err(format!(
                "an item of metadata has {} bytes instead of {ITEM_LEN_BYTES}",
                other.unwrap_or_default()
            )),
        }
    }
}

/// Returns the length of the entries of a table.
fn entries(what: &str, is_head: bool, count: u32) -> Result<usize, String> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    match count {
        _ if !is_head => Err(format!("the {what} table has another signature")),
        count if count > ENTRIES_MAX => Err(format!(
            "the {what} table has {count} entries, limit {ENTRIES_MAX}"
        )),
        count => Ok(count * ENTRY_LEN_BYTES),
    }
}

/// Returns the entry of a table with a GUID, of which there is one at most.
fn only<'t>(table: &'t [u8], wanted: &Guid) -> Result<Option<&'t [u8]>, String> {
    let entries = table.chunks_exact(ENTRY_LEN_BYTES);
    let mut named = entries.filter(|entry| array::<16>(entry, 0).as_ref() == Some(wanted));
    match (named.next(), named.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => Err("a table names the same thing twice".to_owned()),
    }
}

/// Makes a region that begins at `at` or later: nothing that went by is looked at again.
fn ahead(start: u64, len_bytes: usize, at: u64) -> Result<Region, String> {
    match start.checked_add(len_bytes as u64) {
        Some(_) if start >= at => Ok(Region::new(start, len_bytes)),
        _ => Err(format!("byte {start} is pointed at from byte {at}")),
    }
}

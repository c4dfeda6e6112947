//! Finding the segments of a pack: backwards from a known end, or forwards where no end is known.

use std::ops::Range;

use super::segment::{
    EDGE_LEN_BYTES, ENTRY_LEN_BYTES, Entry, Footer, Header, Segment, TRAILER_LEN_BYTES,
    decode_footer, decode_header, decode_trailer,
};
#[cfg(any(test, feature = "testing"))]
use super::segment::{SEGMENT_MAX_BYTES, SEGMENT_MAX_ENTRIES};
use crate::error::{Error, Result};
use crate::hash;
use crate::id::PackId;
use crate::limits::BLOCK_LEN_BYTES;
use crate::store::PackSource;

const BLOCK: u64 = BLOCK_LEN_BYTES as u64;

fn header(source: &dyn PackSource, pack: PackId) -> Result<Header> {
    let header = decode_header(&source.read(0..EDGE_LEN_BYTES as u64)?)?;
    if header.pack != pack {
        return Err(Error::corrupt(format!(
            "pack {pack} says that it is pack {}",
            header.pack
        )));
    }
    Ok(header)
}

fn footer(source: &dyn PackSource, pack: PackId) -> Result<Footer> {
    let len = source.len_bytes()?;
    let start = len
        .checked_sub(EDGE_LEN_BYTES as u64)
        .filter(|_| len.is_multiple_of(BLOCK));
    let start = start.ok_or_else(|| Error::corrupt(format!("pack {pack} is {len} bytes")))?;
    let footer = decode_footer(&source.read(start..len)?)?;
    if footer.pack != pack || footer.end != start {
        let found = format!("pack {} ending at {}", footer.pack, footer.end);
        return Err(Error::corrupt(format!(
            "pack {pack}, footer at {start}: it is of {found}"
        )));
    }
    Ok(footer)
}

fn segment_before(source: &dyn PackSource, header: &Header, end: u64) -> Result<Segment> {
    let trailer = source.read(end - TRAILER_LEN_BYTES as u64..end)?;
    let trailer = decode_trailer(header, &trailer, end)?;
    let (at, len) = trailer.entries_at();
    trailer.decode_entries(header, &source.read(at..at + len as u64)?)
}

/// Hands out the segments of a pack whose end is known, the last one first.
///
/// `end` is that of the last segment in an open pack; a sealed one tells it itself.
pub(crate) fn walk_back(
    source: &dyn PackSource,
    pack: PackId,
    end: Option<u64>,
    visit: &mut dyn FnMut(Segment) -> Result<()>,
) -> Result<()> {
    let named = |e: Error| Error::new(e.code(), format!("pack {pack}: {e}")).with_source(e);
    let header = header(source, pack).map_err(named)?;
    let mut end = match end {
        Some(end) => end,
        None => footer(source, pack).map_err(named)?.end,
    };
    while end > EDGE_LEN_BYTES as u64 {
        let segment = segment_before(source, &header, end).map_err(named)?;
        end = segment.start;
        visit(segment)?;
    }
    Ok(())
}

/// What is found in a pack of which nothing is known and which may be damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Salvage {
    /// Every segment whose own descriptor is whole, first one first.
    pub(crate) segments: Vec<Segment>,
    /// Offset behind the last one; that of the footer in a sealed pack.
    pub(crate) end: u64,
    /// Whether the pack has a whole footer.
    pub(crate) sealed: bool,
    /// What was skipped between header, segments and footer: descriptors there are damaged.
    pub(crate) skipped: Vec<Range<u64>>,
}

/// Finds the segments of a pack as far as their descriptors are whole, whatever lies between them.
///
/// What lies behind the last whole segment of an unsealed pack counts as never acknowledged.
pub(crate) fn salvage_pack(source: &dyn PackSource, pack: PackId) -> Result<Salvage> {
    let header = header(source, pack)?;
    let footer = whole(footer(source, pack))?;
    let mut walked = Vec::new();
    let mut limit = match &footer {
        Some(footer) => footer.end,
        None => source.len_bytes()?,
    };
    if footer.is_some() {
        while limit > EDGE_LEN_BYTES as u64 {
            let Some(segment) = whole(segment_before(source, &header, limit))? else {
                break;
            };
            limit = segment.start;
            walked.push(segment);
        }
    }
    let (mut segments, mut skipped) = (Vec::new(), Vec::new());
    let mut start = EDGE_LEN_BYTES as u64;
    let mut end = start + BLOCK;
    while end <= limit {
        let found = whole(segment_before(source, &header, end))?;
        if let Some(segment) = found.filter(|segment| segment.start >= start) {
            if segment.start > start {
                skipped.push(start..segment.start);
            }
            start = end;
            segments.push(segment);
        }
        end += BLOCK;
    }
    if footer.is_some() && start < limit {
        skipped.push(start..limit);
    }
    segments.extend(walked.into_iter().rev());
    Ok(Salvage {
        end: footer.map_or(start, |footer| footer.end),
        segments,
        sealed: footer.is_some(),
        skipped,
    })
}

/// Returns what was read, none where it is damaged or the medium does not give it.
fn whole<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.is_unreadable() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Finds the segments of a pack of which nothing is known, first one first, and returns the end of
/// the last one and whether the pack is sealed.
///
/// What lies behind the last whole segment of an unsealed pack was never acknowledged.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn scan_pack(
    source: &dyn PackSource,
    pack: PackId,
    visit: &mut dyn FnMut(Segment) -> Result<()>,
) -> Result<(u64, bool)> {
    if let Ok(footer) = footer(source, pack) {
        let mut segments = Vec::new();
        walk_back(source, pack, Some(footer.end), &mut |segment| {
            segments.push(segment);
            Ok(())
        })?;
        segments.into_iter().rev().try_for_each(visit)?;
        return Ok((footer.end, true));
    }
    let header = header(source, pack)?;
    let len = source.len_bytes()?;
    let mut start = EDGE_LEN_BYTES as u64;
    while let Some(segment) = segment_after(source, &header, start, len)? {
        start = segment.end;
        visit(segment)?;
    }
    Ok((start, false))
}

/// Looks for the segment that starts at `start` by the trailers that may end it.
#[cfg(any(test, feature = "testing"))]
fn segment_after(
    source: &dyn PackSource,
    header: &Header,
    start: u64,
    len: u64,
) -> Result<Option<Segment>> {
    let longest = SEGMENT_MAX_BYTES + (SEGMENT_MAX_ENTRIES as u64 + 1) * 64 + BLOCK;
    let last = len.min(start.saturating_add(longest));
    let mut end = start + BLOCK;
    while end <= last {
        let trailer = source.read(end - TRAILER_LEN_BYTES as u64..end)?;
        if let Ok(trailer) = decode_trailer(header, &trailer, end) {
            let (at, len) = trailer.entries_at();
            if trailer.start == start {
                let entries = source.read(at..at + len as u64)?;
                if let Ok(segment) = trailer.decode_entries(header, &entries) {
                    return Ok(Some(segment));
                }
            }
        }
        end += BLOCK;
    }
    Ok(None)
}

/// Reads every byte of a segment and says of each chunk, and of what stands between data and
/// descriptor, whether it is as it should be: `None`, or what is wrong.
pub(crate) fn check_segment(
    source: &dyn PackSource,
    segment: &Segment,
    visit: &mut dyn FnMut(u64, Option<&Entry>, Option<String>),
) -> Result<()> {
    for (offset, entry) in segment.places() {
        let wrong = match source.read(offset..offset + u64::from(entry.len_bytes)) {
            Ok(bytes) => {
                let found = hash::chunk_id(&[&bytes]);
                (found != entry.id).then(|| {
                    let len = entry.len_bytes;
                    format!("{len} bytes have identity {found}, expected {}", entry.id)
                })
            }
            Err(error) if error.is_unreadable() => Some(error.message().to_owned()),
            Err(error) => return Err(error),
        };
        visit(offset, Some(&entry), wrong);
    }
    let data_end = segment
        .places()
        .last()
        .map_or(segment.start, |(offset, entry)| {
            offset + u64::from(entry.len_bytes)
        });
    let descriptor = segment.entries.len() * ENTRY_LEN_BYTES + TRAILER_LEN_BYTES;
    let padding = match source.read(data_end..segment.end - descriptor as u64) {
        Ok(padding) => padding,
        Err(error) if error.is_unreadable() => {
            visit(data_end, None, Some(error.message().to_owned()));
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    if let Some(at) = padding.iter().position(|&byte| byte != 0) {
        let what = format!("padding holds byte {:#04x}", padding[at]);
        visit(data_end + at as u64, None, Some(what));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::chunk::{NewChunk, PackWriter};
    use crate::disk::MemoryDisk;
    use crate::hash::chunk_id;
    use crate::id::ChunkKind;
    use crate::store::{LocalStore, PackState, Store};

    fn filled(sealed: bool) -> (LocalStore, Vec<Segment>) {
        let store = LocalStore::new(Arc::new(MemoryDisk::new()), "packs").expect("make");
        let mut writer = PackWriter::create(0, &store, PackId(9), [1; 32]).expect("make");
        for round in 0..3u8 {
            writer.set_domain(u32::from(round)).expect("end");
            let bytes = vec![round + 1; 5000 + usize::from(round)];
            for kind in [ChunkKind::Data, ChunkKind::Page] {
                let new = NewChunk {
                    kind,
                    id: chunk_id(&[&bytes]),
                    parts: vec![&bytes[..9], &bytes[9..]],
                };
                writer.append(&[new]).expect("append");
            }
        }
        writer.sync().expect("sync");
        let end = writer.mark().end;
        if sealed {
            writer.seal().expect("seal");
        }
        let source = store.open(PackId(9), PackState::Open).expect("open");
        let mut segments = Vec::new();
        let known = (!sealed).then_some(end);
        walk_back(&*source, PackId(9), known, &mut |s| {
            segments.push(s);
            Ok(())
        })
        .expect("walk");
        segments.reverse();
        (store, segments)
    }

    #[test]
    fn both_ways_find_the_same_segments() {
        for sealed in [false, true] {
            let (store, segments) = filled(sealed);
            assert_eq!(
                segments.iter().map(|s| s.domain).collect::<Vec<_>>(),
                [0, 1, 2]
            );
            let source = store.open(PackId(9), PackState::Open).expect("open");
            let mut scanned = Vec::new();
            let found = scan_pack(&*source, PackId(9), &mut |s| {
                scanned.push(s);
                Ok(())
            });
            let end = segments.last().expect("three").end;
            assert_eq!(found.expect("scan"), (end, sealed));
            assert_eq!(scanned, segments);
        }
    }

    #[test]
    fn a_torn_tail_ends_the_scan_before_it() {
        let (store, segments) = filled(false);
        let mut sink = store
            .resume(PackId(9), segments[2].end - 1)
            .expect("resume");
        sink.append(&[std::io::IoSlice::new(&[0; 100])])
            .expect("append");
        let source = store.open(PackId(9), PackState::Open).expect("open");
        let found = scan_pack(&*source, PackId(9), &mut |_| Ok(())).expect("scan");
        assert_eq!(found, (segments[1].end, false));
    }
}

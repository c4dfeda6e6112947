//! Doors into packs for tests and fuzz targets: whatever the bytes are, finding segments is
//! bounded, and what is found is what was written.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::segment::{
    EDGE_LEN_BYTES, ENTRY_LEN_BYTES, Entry, FOOTER_MAGIC, Footer, Header, SEGMENT_MAX_ENTRIES,
    Segment, TRAILER_LEN_BYTES, TRAILER_MAGIC, decode_footer, decode_header, encode_descriptor,
    encode_footer, encode_header, seal_edge,
};
use super::{scan_pack, walk_back};
use crate::error::{Error, Result};
use crate::hash::{chunk_id, keyed_sum};
use crate::id::{ChunkKind, PackId};
use crate::limits::BLOCK_LEN_BYTES;
use crate::store::PackSource;

/// The bytes of a pack; counts what is read of them.
#[derive(Debug)]
struct Counted<'b> {
    bytes: &'b [u8],
    reads: AtomicUsize,
    longest: AtomicUsize,
}

impl<'b> Counted<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        Self {
            bytes,
            reads: AtomicUsize::new(0),
            longest: AtomicUsize::new(0),
        }
    }

    fn assert_bounded(&self, walks: usize) {
        let blocks = self.bytes.len() / BLOCK_LEN_BYTES;
        let reads = self.reads.load(Ordering::Relaxed);
        assert!(reads <= walks * (2 * blocks + 4), "{reads} reads");
        let longest = self.longest.load(Ordering::Relaxed);
        assert!(longest <= longest_read(), "a read of {longest} bytes");
    }
}

fn longest_read() -> usize {
    (SEGMENT_MAX_ENTRIES * ENTRY_LEN_BYTES).max(EDGE_LEN_BYTES)
}

impl PackSource for Counted<'_> {
    fn len_bytes(&self) -> Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_into(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.longest.fetch_max(buf.len(), Ordering::Relaxed);
        let range = index(offset)..index(offset.saturating_add(buf.len() as u64));
        let found = self.bytes.get(range);
        buf.copy_from_slice(found.ok_or_else(|| Error::corrupt("the pack ends before"))?);
        Ok(())
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// Finds the segments of a pack, the first one first, and whether it is sealed.
pub(crate) fn segments(bytes: &[u8], pack: PackId) -> Result<(Vec<Segment>, bool)> {
    let mut found = Vec::new();
    let (_, sealed) = scan_pack(&Counted::new(bytes), pack, &mut keep(&mut found))?;
    Ok((found, sealed))
}

fn keep(found: &mut Vec<Segment>) -> impl FnMut(Segment) -> Result<()> {
    |segment| {
        found.push(segment);
        Ok(())
    }
}

/// Takes any bytes as a pack and asserts that all ways of reading it are bounded and agree.
/// Returns the number of its segments.
pub(crate) fn check_pack(bytes: &[u8], pack: PackId) -> usize {
    check_edges(bytes);
    let source = Counted::new(bytes);
    let _ = walk_back(&source, pack, None, &mut |_| Ok(()));
    let mut found = Vec::new();
    let scanned = scan_pack(&source, pack, &mut keep(&mut found));
    // A scan walks back when there is a footer, and forwards when there is none.
    source.assert_bounded(3);
    let Ok((end, sealed)) = scanned else {
        return 0;
    };
    let header = decode_header(&bytes[..EDGE_LEN_BYTES]).expect("the scan has read it");
    let mut start = EDGE_LEN_BYTES as u64;
    for segment in &found {
        assert_eq!(segment.start, start, "segments lie back to back");
        check_segment(bytes, &header, segment);
        start = segment.end;
    }
    assert_eq!(start, end, "the last segment ends where the scan says");
    found.reverse();
    for known in [Some(end), None] {
        let mut back = Vec::new();
        let walked = walk_back(&source, pack, known, &mut keep(&mut back));
        match known {
            None if !sealed => assert!(walked.is_err(), "a pack without footer tells no end"),
            _ => assert_eq!((walked.ok(), &back), (Some(()), &found)),
        }
    }
    found.len()
}

/// Takes every block as a header and as a footer.
fn check_edges(bytes: &[u8]) {
    for block in bytes.chunks(BLOCK_LEN_BYTES) {
        if let Ok(header) = decode_header(block) {
            assert_eq!(encode_header(&header), block);
        }
        if let Ok(footer) = decode_footer(block) {
            assert_eq!(encode_footer(&footer), block);
        }
    }
}

fn check_segment(bytes: &[u8], header: &Header, segment: &Segment) {
    let Segment {
        start,
        end,
        domain,
        entries,
    } = segment;
    assert!(start < end && *end <= bytes.len() as u64);
    let descriptor = encode_descriptor(header, *start, *domain, entries);
    let data_end = end - descriptor.len() as u64;
    let last = segment.places().last();
    let (offset, entry) = last.expect("a segment has a chunk");
    assert_eq!(offset + u64::from(entry.len_bytes), data_end);
    // What lies before the entries is padding, which no sum covers.
    let used = entries.len() * ENTRY_LEN_BYTES + TRAILER_LEN_BYTES;
    let stored = &bytes[index(*end) - used..index(*end)];
    assert_eq!(&descriptor[descriptor.len() - used..], stored);
}

/// A segment to be made: its domain, and kind and bytes of its chunks.
pub(crate) type NewSegment = (u32, Vec<(ChunkKind, Vec<u8>)>);

/// Makes the bytes of a pack: for each segment a domain, and kind and bytes of its chunks.
pub(crate) fn make_pack(
    pack: PackId,
    salt: [u8; 32],
    segments: &[NewSegment],
    sealed: bool,
) -> Vec<u8> {
    let header = Header { pack, salt };
    let mut bytes = encode_header(&header);
    for (domain, chunks) in segments {
        let start = bytes.len() as u64;
        let mut entries = Vec::new();
        for (kind, chunk) in chunks {
            bytes.extend_from_slice(chunk);
            entries.push(Entry {
                kind: *kind,
                id: chunk_id(&[chunk]),
                len_bytes: u32::try_from(chunk.len()).unwrap_or(u32::MAX),
            });
        }
        bytes.extend(encode_descriptor(&header, start, *domain, &entries));
    }
    if sealed {
        let end = bytes.len() as u64;
        bytes.extend(encode_footer(&Footer { pack, end }));
    }
    bytes
}

/// Makes the sums of header, footer and whatever looks like a segment right, so that what stands
/// behind them is reached.
pub(crate) fn mend_sums(bytes: &mut [u8]) {
    let Some(head) = bytes.first_chunk::<EDGE_LEN_BYTES>() else {
        return;
    };
    let head = seal_edge(head.to_vec());
    bytes[..EDGE_LEN_BYTES].copy_from_slice(&head);
    let mut salt = [0; 32];
    salt.copy_from_slice(&head[24..56]);
    let ends = (2 * EDGE_LEN_BYTES..=bytes.len()).step_by(BLOCK_LEN_BYTES);
    for end in ends {
        if let Some(summed) = summed(bytes, end) {
            let sum = keyed_sum(&salt, &[&bytes[summed.clone()]]);
            bytes[summed.end..end].copy_from_slice(&sum);
        }
        let block = end - EDGE_LEN_BYTES..end;
        if bytes[block.clone()].starts_with(&FOOTER_MAGIC) {
            let footer = seal_edge(bytes[block.clone()].to_vec());
            bytes[block].copy_from_slice(&footer);
        }
    }
}

/// Returns what the sum of the trailer at `end` covers, if there is one.
fn summed(bytes: &[u8], end: usize) -> Option<Range<usize>> {
    let trailer = &bytes[end - TRAILER_LEN_BYTES..end];
    let count = trailer[32..36].first_chunk().copied()?;
    let entries = (u32::from_le_bytes(count) as usize).checked_mul(ENTRY_LEN_BYTES)?;
    let start = (end - TRAILER_LEN_BYTES).checked_sub(entries)?;
    trailer
        .starts_with(&TRAILER_MAGIC)
        .then_some(start..end - 16)
}

//! Bytes of a pack: header, descriptors of segments, footer. `docs/format.md`, "Packs".
//!
//! Pure: encoding, and decoding that trusts nothing.

use crate::error::{Error, Result};
use crate::hash;
use crate::id::{ChunkId, ChunkKind, PackId};
use crate::limits::{BLOCK_LEN_BYTES, CHUNK_MAX_BYTES};
use crate::sum::sum64;

const BLOCK: u64 = BLOCK_LEN_BYTES as u64;

/// Length of the header and of the footer, in bytes.
pub(crate) const EDGE_LEN_BYTES: usize = BLOCK_LEN_BYTES;
/// Length of the trailer that ends a segment, in bytes.
pub(crate) const TRAILER_LEN_BYTES: usize = 64;
/// Length of one entry of a descriptor, in bytes.
pub(crate) const ENTRY_LEN_BYTES: usize = 36;
/// Most entries of a segment.
pub(crate) const SEGMENT_MAX_ENTRIES: usize = 16_384;
/// Longest data of a segment, in bytes.
pub(crate) const SEGMENT_MAX_BYTES: u64 = 64 << 20;

pub(super) const HEADER_MAGIC: [u8; 8] = *b"smalti-p";
pub(super) const TRAILER_MAGIC: [u8; 8] = *b"smalti-s";
pub(super) const FOOTER_MAGIC: [u8; 8] = *b"smalti-f";
const VERSION: u32 = 1;
const KIND_BIT: u32 = 1 << 31;

const _: () = assert!(TRAILER_LEN_BYTES == 8 + 8 + 8 + 8 + 4 + 4 + 8 + 16);

/// What the first block of a pack says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) pack: PackId,
    /// Random; keys the sums of segments, so that no image can hold bytes that pass for one.
    pub(crate) salt: [u8; 32],
}

/// One chunk of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: ChunkKind,
    pub(crate) id: ChunkId,
    pub(crate) len_bytes: u32,
}

/// A segment: where it is and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Offset of its data in the pack; that of its first chunk.
    pub(crate) start: u64,
    /// Offset behind its trailer; that of the next segment.
    pub(crate) end: u64,
    pub(crate) domain: u32,
    /// Its chunks, in the order in which they lie.
    pub(crate) entries: Vec<Entry>,
}

impl Segment {
    /// Returns each entry with its offset in the pack.
    pub(crate) fn places(&self) -> impl Iterator<Item = (u64, Entry)> + '_ {
        let mut offset = self.start;
        self.entries.iter().map(move |entry| {
            let place = offset;
            offset += u64::from(entry.len_bytes);
            (place, *entry)
        })
    }
}

/// What the last 64 bytes of a segment say, before its entries are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trailer {
    pub(crate) start: u64,
    pub(crate) end: u64,
    data_len: u64,
    count: u32,
    domain: u32,
    sum: [u8; 16],
    head: [u8; 48],
}

/// What the last block of a sealed pack says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) pack: PackId,
    /// Offset of the footer; that behind the last segment.
    pub(crate) end: u64,
}

pub(crate) fn encode_header(header: &Header) -> Vec<u8> {
    let mut bytes = vec![0; EDGE_LEN_BYTES];
    bytes[..8].copy_from_slice(&HEADER_MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..24].copy_from_slice(&header.pack.0.to_le_bytes());
    bytes[24..56].copy_from_slice(&header.salt);
    seal_edge(bytes)
}

pub(crate) fn decode_header(bytes: &[u8]) -> Result<Header> {
    let bytes = open_edge(bytes, HEADER_MAGIC, "header")?;
    let mut salt = [0; 32];
    salt.copy_from_slice(&bytes[24..56]);
    if bytes[56..].iter().any(|&byte| byte != 0) {
        return Err(bad("header", "reserved bytes are set"));
    }
    Ok(Header {
        pack: PackId(word(bytes, 16)),
        salt,
    })
}

pub(crate) fn encode_footer(footer: &Footer) -> Vec<u8> {
    let mut bytes = vec![0; EDGE_LEN_BYTES];
    bytes[..8].copy_from_slice(&FOOTER_MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..24].copy_from_slice(&footer.pack.0.to_le_bytes());
    bytes[24..32].copy_from_slice(&footer.end.to_le_bytes());
    seal_edge(bytes)
}

pub(crate) fn decode_footer(bytes: &[u8]) -> Result<Footer> {
    let bytes = open_edge(bytes, FOOTER_MAGIC, "footer")?;
    if bytes[32..].iter().any(|&byte| byte != 0) {
        return Err(bad("footer", "reserved bytes are set"));
    }
    Ok(Footer {
        pack: PackId(word(bytes, 16)),
        end: word(bytes, 24),
    })
}

/// Puts the sum of a header or footer into its last eight bytes.
pub(super) fn seal_edge(mut bytes: Vec<u8>) -> Vec<u8> {
    let at = EDGE_LEN_BYTES - 8;
    let sum = sum64(u64::from(VERSION), &bytes[..at]);
    bytes[at..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Checks a header or footer and returns it without its sum.
fn open_edge<'a>(bytes: &'a [u8], magic: [u8; 8], what: &str) -> Result<&'a [u8]> {
    if bytes.len() != EDGE_LEN_BYTES {
        return Err(bad(
            what,
            &format!("it is {} bytes, expected {EDGE_LEN_BYTES}", bytes.len()),
        ));
    }
    if bytes[..8] != magic {
        return Err(bad(what, &format!("it starts with {:02x?}", &bytes[..8])));
    }
    let version = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    if version != VERSION || bytes[12..16] != [0; 4] {
        return Err(bad(what, &format!("version {version}, expected {VERSION}")));
    }
    let (body, sum) = bytes.split_at(EDGE_LEN_BYTES - 8);
    let expected = sum64(u64::from(VERSION), body);
    if word(sum, 0) != expected {
        return Err(bad(
            what,
            &format!("sum {:016x}, expected {expected:016x}", word(sum, 0)),
        ));
    }
    Ok(body)
}

fn bad(what: &str, why: &str) -> Error {
    Error::corrupt(format!("pack {what}: {why}"))
}

fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

/// Returns what stands between the data of a segment and its end: padding, entries, trailer.
///
/// Entries and trailer end on a block border; tails of data share their first block.
pub(crate) fn encode_descriptor(
    header: &Header,
    start: u64,
    domain: u32,
    entries: &[Entry],
) -> Vec<u8> {
    let data_len: u64 = entries.iter().map(|entry| u64::from(entry.len_bytes)).sum();
    let used = data_len + descriptor_len(entries.len());
    let end = start + used.next_multiple_of(BLOCK);
    let len = usize::try_from(end - start - data_len).expect("a descriptor fits in memory");
    let mut bytes = vec![0; len];
    let trailer_at = len - TRAILER_LEN_BYTES;
    let entries_at = trailer_at - entries.len() * ENTRY_LEN_BYTES;
    for (entry, out) in entries
        .iter()
        .zip(bytes[entries_at..trailer_at].chunks_exact_mut(ENTRY_LEN_BYTES))
    {
        out[..32].copy_from_slice(&entry.id.0);
        let kind = if entry.kind == ChunkKind::Page {
            KIND_BIT
        } else {
            0
        };
        out[32..].copy_from_slice(&(entry.len_bytes | kind).to_le_bytes());
    }
    let count = u32::try_from(entries.len()).expect("a segment has at most 16,384 entries");
    let trailer = &mut bytes[trailer_at..];
    trailer[..8].copy_from_slice(&TRAILER_MAGIC);
    trailer[8..16].copy_from_slice(&header.pack.0.to_le_bytes());
    trailer[16..24].copy_from_slice(&start.to_le_bytes());
    trailer[24..32].copy_from_slice(&data_len.to_le_bytes());
    trailer[32..36].copy_from_slice(&count.to_le_bytes());
    trailer[36..40].copy_from_slice(&domain.to_le_bytes());
    let sum = hash::keyed_sum(&header.salt, &[&bytes[entries_at..trailer_at + 48]]);
    bytes[trailer_at + 48..].copy_from_slice(&sum);
    bytes
}

fn descriptor_len(count: usize) -> u64 {
    (count * ENTRY_LEN_BYTES + TRAILER_LEN_BYTES) as u64
}

/// Reads the trailer that ends at `end`; what it says is not yet proved by its sum.
pub(crate) fn decode_trailer(header: &Header, bytes: &[u8], end: u64) -> Result<Trailer> {
    let head: [u8; 48] = *bytes
        .first_chunk()
        .filter(|_| bytes.len() == TRAILER_LEN_BYTES)
        .ok_or_else(|| bad("segment", &format!("its trailer is {} bytes", bytes.len())))?;
    if head[..8] != TRAILER_MAGIC || word(&head, 8) != header.pack.0 || word(&head, 40) != 0 {
        return Err(bad("segment", "what should be its trailer is none"));
    }
    let (start, data_len) = (word(&head, 16), word(&head, 24));
    let count = u32::from_le_bytes([head[32], head[33], head[34], head[35]]);
    let domain = u32::from_le_bytes([head[36], head[37], head[38], head[39]]);
    let mut sum = [0; 16];
    sum.copy_from_slice(&bytes[48..]);
    let fits = count as usize <= SEGMENT_MAX_ENTRIES
        && count > 0
        && data_len <= SEGMENT_MAX_BYTES
        && start >= EDGE_LEN_BYTES as u64
        && start.is_multiple_of(BLOCK)
        && start.checked_add((data_len + descriptor_len(count as usize)).next_multiple_of(BLOCK))
            == Some(end);
    if !fits {
        let place = format!("start {start}, data {data_len}, entries {count}, end {end}");
        return Err(bad(
            "segment",
            &format!("its trailer does not add up: {place}"),
        ));
    }
    Ok(Trailer {
        start,
        end,
        data_len,
        count,
        domain,
        sum,
        head,
    })
}

impl Trailer {
    /// Returns where the entries lie in the pack: offset and length in bytes.
    pub(crate) fn entries_at(&self) -> (u64, usize) {
        let len = self.count as usize * ENTRY_LEN_BYTES;
        (self.end - (TRAILER_LEN_BYTES + len) as u64, len)
    }

    /// Reads the entries, and proves them and the trailer by the sum.
    pub(crate) fn decode_entries(&self, header: &Header, bytes: &[u8]) -> Result<Segment> {
        let sum = hash::keyed_sum(&header.salt, &[bytes, &self.head]);
        if sum != self.sum {
            let found = format!("sum {:02x?}, expected {sum:02x?}", self.sum);
            return Err(bad("segment", &format!("at {}: {found}", self.start)));
        }
        let mut entries = Vec::with_capacity(self.count as usize);
        let mut data_len = 0u64;
        for entry in bytes.chunks_exact(ENTRY_LEN_BYTES) {
            let mut id = [0; 32];
            id.copy_from_slice(&entry[..32]);
            let tail = u32::from_le_bytes([entry[32], entry[33], entry[34], entry[35]]);
            let kind = if tail & KIND_BIT == 0 {
                ChunkKind::Data
            } else {
                ChunkKind::Page
            };
            let len_bytes = tail & !KIND_BIT;
            if len_bytes == 0 || len_bytes as usize > CHUNK_MAX_BYTES {
                let what = format!("at {}: a chunk of {len_bytes} bytes", self.start);
                return Err(bad("segment", &what));
            }
            data_len += u64::from(len_bytes);
            entries.push(Entry {
                kind,
                id: ChunkId(id),
                len_bytes,
            });
        }
        if data_len != self.data_len || entries.len() != self.count as usize {
            return Err(bad(
                "segment",
                &format!("at {}: its entries do not add up", self.start),
            ));
        }
        Ok(Segment {
            start: self.start,
            end: self.end,
            domain: self.domain,
            entries,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        pack: PackId(5),
        salt: [3; 32],
    };

    fn entries() -> Vec<Entry> {
        vec![
            Entry {
                kind: ChunkKind::Data,
                id: ChunkId([1; 32]),
                len_bytes: 65_536,
            },
            Entry {
                kind: ChunkKind::Page,
                id: ChunkId([2; 32]),
                len_bytes: 100,
            },
        ]
    }

    fn read(bytes: &[u8], end: u64) -> Result<Segment> {
        let (rest, trailer) = bytes.split_at(bytes.len() - TRAILER_LEN_BYTES);
        let trailer = decode_trailer(&HEADER, trailer, end)?;
        let (at, len) = trailer.entries_at();
        let from = usize::try_from(at + bytes.len() as u64 - end).expect("small");
        trailer.decode_entries(&HEADER, &rest[from..from + len])
    }

    #[test]
    fn a_descriptor_decodes_to_its_segment() {
        let bytes = encode_descriptor(&HEADER, 4096, 7, &entries());
        let end = 4096 + 65_636 + bytes.len() as u64;
        assert_eq!(
            end,
            4096 + 65_536 + 4096,
            "tail and descriptor share one block"
        );
        let segment = read(&bytes, end).expect("valid");
        assert_eq!((segment.start, segment.end, segment.domain), (4096, end, 7));
        assert_eq!(segment.entries, entries());
        let places: Vec<u64> = segment.places().map(|(offset, _)| offset).collect();
        assert_eq!(places, [4096, 4096 + 65_536]);
    }

    #[test]
    fn every_flipped_bit_of_a_descriptor_is_found() {
        let good = encode_descriptor(&HEADER, 4096, 7, &entries());
        let end = 4096 + 65_636 + good.len() as u64;
        let used = 2 * ENTRY_LEN_BYTES + TRAILER_LEN_BYTES;
        for bit in (good.len() - used) * 8..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&bytes, end).is_err(), "bit {bit}");
        }
        let other = Header {
            pack: PackId(5),
            salt: [4; 32],
        };
        let (_, trailer) = good.split_at(good.len() - TRAILER_LEN_BYTES);
        let trailer = decode_trailer(&other, trailer, end).expect("only the sum is keyed");
        let entries = &good[good.len() - used..good.len() - TRAILER_LEN_BYTES];
        assert!(
            trailer.decode_entries(&other, entries).is_err(),
            "the sum is keyed by the pack"
        );
    }

    #[test]
    fn every_flipped_bit_of_header_and_footer_is_found() {
        let header = encode_header(&HEADER);
        assert_eq!(decode_header(&header).expect("valid"), HEADER);
        let footer = Footer {
            pack: PackId(5),
            end: 8192,
        };
        let footer_bytes = encode_footer(&footer);
        assert_eq!(decode_footer(&footer_bytes).expect("valid"), footer);
        for bit in 0..EDGE_LEN_BYTES * 8 {
            let (mut header, mut footer) = (header.clone(), footer_bytes.clone());
            header[bit / 8] ^= 1 << (bit % 8);
            footer[bit / 8] ^= 1 << (bit % 8);
            assert!(decode_header(&header).is_err(), "bit {bit}");
            assert!(decode_footer(&footer).is_err(), "bit {bit}");
        }
    }
}

//! Bytes of a page: encoding, and decoding that trusts nothing.

use super::{Content, MAX_LEVEL, PAGE_MAX_BYTES, PAGE_MAX_PIECES, Page, Piece};
use crate::error::{Error, Result};
use crate::id::ChunkId;

const MAGIC: [u8; 2] = *b"sp";
const VERSION: u8 = 1;
const HEADER_LEN_BYTES: usize = 8;

const TAG_ZERO: u64 = 0;
const TAG_OWN: u64 = 1;
const TAG_PUBLIC: u64 = 2;

/// Returns the bytes of a page.
pub(crate) fn encode(level: u8, pieces: &[Piece]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_LEN_BYTES + pieces.len() * 36);
    bytes.extend_from_slice(&MAGIC);
    bytes.push(VERSION);
    bytes.push(level);
    let count = u32::try_from(pieces.len()).expect("a page has at most 1,024 pieces");
    bytes.extend_from_slice(&count.to_le_bytes());
    for piece in pieces {
        let (tag, id) = match &piece.content {
            Content::Zero => (TAG_ZERO, None),
            Content::Own(id) => (TAG_OWN, Some(id)),
            Content::Public(id) => (TAG_PUBLIC, Some(id)),
        };
        put_varint(&mut bytes, piece.len_bytes << 2 | tag);
        if let Some(id) = id {
            bytes.extend_from_slice(&id.0);
        }
    }
    bytes
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push((value & 0x7f) as u8);
}

/// Reads the bytes of a page, whole and in the one form that [`encode`] writes.
pub(crate) fn decode(bytes: &[u8]) -> Result<Page> {
    if bytes.len() > PAGE_MAX_BYTES {
        return Err(bad(format!(
            "it is {} bytes, limit {PAGE_MAX_BYTES}",
            bytes.len()
        )));
    }
    let (header, mut rest) = bytes.split_at_checked(HEADER_LEN_BYTES).ok_or_else(|| {
        bad(format!(
            "it is {} bytes, header is {HEADER_LEN_BYTES}",
            bytes.len()
        ))
    })?;
    if header[..2] != MAGIC || header[2] != VERSION {
        return Err(bad(format!(
            "it starts with {:02x?}, expected \"sp\" and version 1",
            &header[..3]
        )));
    }
    let level = header[3];
    let count = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
    if level > MAX_LEVEL || count > PAGE_MAX_PIECES {
        let bounds = format!("limits {MAX_LEVEL} and {PAGE_MAX_PIECES}");
        return Err(bad(format!("level is {level} and count {count}, {bounds}")));
    }
    let mut page = Page {
        level,
        contents: Vec::with_capacity(count),
        ends: Vec::with_capacity(count),
    };
    let mut end = 0u64;
    for index in 0..count {
        let piece =
            take_piece(&mut rest, level).map_err(|what| bad(format!("piece {index}: {what}")))?;
        end = end
            .checked_add(piece.len_bytes)
            .filter(|&end| end <= crate::limits::IMAGE_MAX_BYTES)
            .ok_or_else(|| bad(format!("piece {index}: it ends beyond 2^62-1 bytes")))?;
        page.contents.push(piece.content);
        page.ends.push(end);
    }
    if !rest.is_empty() {
        return Err(bad(format!("{} bytes follow the last piece", rest.len())));
    }
    Ok(page)
}

fn bad(what: String) -> Error {
    Error::corrupt(format!("manifest page: {what}"))
}

fn take_piece(rest: &mut &[u8], level: u8) -> Result<Piece, String> {
    let head = take_varint(rest)?;
    let (tag, len_bytes) = (head & 3, head >> 2);
    if len_bytes == 0 {
        return Err("its length is 0".to_owned());
    }
    let content = match tag {
        TAG_ZERO if level == 0 => Content::Zero,
        TAG_OWN => Content::Own(take_id(rest)?),
        TAG_PUBLIC if level == 0 => Content::Public(take_id(rest)?),
        _ => return Err(format!("tag {tag} at level {level}")),
    };
    if level == 0 && content != Content::Zero && len_bytes > crate::limits::CHUNK_MAX_BYTES as u64 {
        return Err(format!(
            "chunk of {len_bytes} bytes, limit {}",
            crate::limits::CHUNK_MAX_BYTES
        ));
    }
    Ok(Piece { content, len_bytes })
}

fn take_varint(rest: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first().ok_or("its length is cut off")?;
        *rest = tail;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err("its length is beyond 64 bits".to_owned());
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            if byte == 0 && shift > 0 {
                return Err("its length is not in the shortest form".to_owned());
            }
            return Ok(value);
        }
    }
    Err("its length is beyond 64 bits".to_owned())
}

fn take_id(rest: &mut &[u8]) -> Result<ChunkId, String> {
    let (id, tail) = rest
        .split_first_chunk::<32>()
        .ok_or("its identity is cut off")?;
    *rest = tail;
    Ok(ChunkId(*id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces() -> Vec<Piece> {
        vec![
            Piece {
                content: Content::Own(ChunkId([7; 32])),
                len_bytes: 65_536,
            },
            Piece {
                content: Content::Zero,
                len_bytes: 4 << 40,
            },
            Piece {
                content: Content::Public(ChunkId([9; 32])),
                len_bytes: 1,
            },
        ]
    }

    #[test]
    fn a_page_decodes_to_what_was_encoded() {
        let bytes = encode(0, &pieces());
        let page = decode(&bytes).expect("valid");
        assert_eq!(page.pieces().collect::<Vec<_>>(), pieces());
        assert_eq!(page.len_bytes(), 65_536 + (4 << 40) + 1);
        assert_eq!(page.piece_at(0), Some(0));
        assert_eq!(page.piece_at(65_535), Some(0));
        assert_eq!(page.piece_at(65_536), Some(1));
        assert_eq!(page.piece_at(page.len_bytes() - 1), Some(2));
        assert_eq!(page.piece_at(page.len_bytes()), None);
    }

    #[test]
    fn the_longest_image_is_one_piece() {
        let piece = Piece {
            content: Content::Zero,
            len_bytes: crate::limits::IMAGE_MAX_BYTES,
        };
        let page = decode(&encode(0, &[piece])).expect("valid");
        assert_eq!(page.pieces().collect::<Vec<_>>(), [piece]);
    }

    #[test]
    fn the_bytes_of_a_page_are_part_of_the_format() {
        let bytes = encode(0, &pieces());
        assert_eq!(&bytes[..11], b"sp\x01\x00\x03\x00\x00\x00\x81\x80\x10");
        assert_eq!(bytes[43..50], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x04]);
        assert_eq!(bytes.len(), 8 + 3 + 32 + 7 + 1 + 32);
    }

    #[test]
    fn damaged_pages_are_refused() {
        let good = encode(0, &pieces());
        for len in 0..good.len() {
            assert!(decode(&good[..len]).is_err(), "cut to {len}");
        }
        for (at, value) in [
            (0, 0),
            (2, 2),
            (3, 13),
            (3, 1),
            (4, 4),
            (4, 2),
            (7, 1),
            (8, 3),
        ] {
            let mut bytes = good.clone();
            bytes[at] = value;
            assert!(decode(&bytes).is_err(), "byte {at} is {value}");
        }
        let mut longer = good.clone();
        longer.push(0);
        assert!(decode(&longer).is_err());
    }
}

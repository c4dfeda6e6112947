//! The door of the fuzz target `manifest`.

use super::{Page, decode, encode};

/// Decodes any bytes as a page and asserts that decode and encode agree, and that pieces lie where
/// counting finds them. Returns whether the bytes are a page.
pub(crate) fn decode_and_compare(bytes: &[u8], offsets: &[u64]) -> bool {
    let Ok(page) = decode(bytes) else {
        return false;
    };
    let pieces: Vec<_> = page.pieces().collect();
    assert_eq!(pieces.len(), page.piece_count());
    assert_eq!(
        encode(page.level(), &pieces),
        bytes,
        "a page is encoded otherwise than it was read"
    );
    let mut end = 0;
    for (index, piece) in pieces.iter().enumerate() {
        let start = end;
        end += piece.len_bytes;
        assert_eq!(page.piece(index), Some((piece.content, start..end)));
        assert_eq!(page.piece_at(start), Some(index));
        assert_eq!(page.piece_at(end - 1), Some(index));
    }
    assert_eq!(page.len_bytes(), end);
    assert_eq!(page.piece(pieces.len()), None);
    assert_eq!(page.piece_at(end), None);
    for &offset in offsets {
        assert_eq!(page.piece_at(offset), counted(&page, offset));
    }
    true
}

fn counted(page: &Page, offset: u64) -> Option<usize> {
    let mut end = 0;
    page.pieces().position(|piece| {
        end += piece.len_bytes;
        offset < end
    })
}

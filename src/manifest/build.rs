//! Building a tree of pages from pieces, bottom-up and in bounded memory.

use super::{Content, PAGE_MAX_PIECES, PAGE_MIN_PIECES, Piece, encode};
use crate::id::ChunkId;

/// A finished page, ready to be stored.
#[derive(Debug)]
pub(crate) struct NewPage {
    pub(crate) id: ChunkId,
    pub(crate) bytes: Vec<u8>,
    pub(crate) level: u8,
    /// What the page refers to, in order, repeated as often as it occurs; zero runs left out.
    pub(crate) children: Vec<Content>,
}

/// Takes pieces in order and emits pages, children before parents, the root last.
#[derive(Debug)]
pub(crate) struct TreeBuilder {
    hash: fn(&[u8]) -> ChunkId,
    levels: Vec<Vec<Piece>>,
    len_bytes: u64,
    zero_bytes: u64,
}

impl TreeBuilder {
    /// Makes an empty builder that names pages by `hash`.
    pub(crate) fn new(hash: fn(&[u8]) -> ChunkId) -> Self {
        Self {
            hash,
            levels: vec![Vec::new()],
            len_bytes: 0,
            zero_bytes: 0,
        }
    }

    /// Returns the bytes taken so far.
    pub(crate) fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// Returns the bytes taken so far that are in zero runs.
    pub(crate) fn zero_bytes(&self) -> u64 {
        self.zero_bytes
    }

    /// Returns the pieces of data that no finished page names yet.
    pub(crate) fn pending(&self) -> impl Iterator<Item = Content> + '_ {
        self.levels[0].iter().map(|piece| piece.content)
    }

    /// Takes the next piece of the image.
    pub(crate) fn push(&mut self, piece: Piece, emit: &mut dyn FnMut(NewPage)) {
        self.len_bytes += piece.len_bytes;
        if piece.content == Content::Zero {
            self.zero_bytes += piece.len_bytes;
        }
        self.push_at(0, piece, emit);
    }

    fn push_at(&mut self, level: usize, piece: Piece, emit: &mut dyn FnMut(NewPage)) {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
        self.levels[level].push(piece);
        let count = self.levels[level].len();
        if count == PAGE_MAX_PIECES || count >= PAGE_MIN_PIECES && ends_page(piece.content) {
            self.close(level, emit);
        }
    }

    /// Ends the page of a level and hands it to the level above.
    fn close(&mut self, level: usize, emit: &mut dyn FnMut(NewPage)) {
        let pieces = std::mem::take(&mut self.levels[level]);
        let page = self.page(level, &pieces);
        let piece = Piece {
            content: Content::Own(page.id),
            len_bytes: pieces.iter().map(|piece| piece.len_bytes).sum(),
        };
        emit(page);
        self.push_at(level + 1, piece, emit);
    }

    fn page(&self, level: usize, pieces: &[Piece]) -> NewPage {
        let level = u8::try_from(level).expect("ten levels hold 2^60 pieces");
        let bytes = encode(level, pieces);
        let children = pieces.iter().map(|piece| piece.content);
        NewPage {
            id: (self.hash)(&bytes),
            level,
            children: children
                .filter(|content| *content != Content::Zero)
                .collect(),
            bytes,
        }
    }

    /// Ends the tree and returns the identity of its root.
    pub(crate) fn finish(mut self, emit: &mut dyn FnMut(NewPage)) -> ChunkId {
        for level in 0.. {
            let top = level + 1 == self.levels.len();
            if top && level > 0 && self.levels[level].len() == 1 {
                // The only page below is the root already.
                if let Content::Own(root) = self.levels[level][0].content {
                    return root;
                }
            }
            if top {
                let root = self.page(level, &self.levels[level]);
                let id = root.id;
                emit(root);
                return id;
            }
            if !self.levels[level].is_empty() {
                self.close(level, emit);
            }
        }
        unreachable!("each turn looks one level higher, and the top one returns")
    }
}

/// Whether a page may end behind this piece: one chunk in 256, by its identity.
fn ends_page(content: Content) -> bool {
    match content {
        Content::Zero => false,
        Content::Own(id) | Content::Public(id) => id.0[0] == 0,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::manifest::decode;

    /// A hash that is good enough for tests and needs no other room.
    fn hash(bytes: &[u8]) -> ChunkId {
        let mut id = [0; 32];
        for (word, out) in id.chunks_exact_mut(8).enumerate() {
            let seed = word as u64;
            out.copy_from_slice(&crate::sum::sum64(seed, bytes).to_le_bytes());
        }
        ChunkId(id)
    }

    fn chunk(number: u64) -> Piece {
        let content = if number.is_multiple_of(17) {
            Content::Zero
        } else {
            Content::Own(hash(&number.to_le_bytes()))
        };
        Piece {
            content,
            len_bytes: 4096 * (1 + number % 5),
        }
    }

    fn build(pieces: &[Piece]) -> (ChunkId, HashMap<ChunkId, NewPage>) {
        let mut pages = HashMap::new();
        let mut builder = TreeBuilder::new(hash);
        let mut emit = |page: NewPage| {
            for child in &page.children {
                if let (Content::Own(id), true) = (child, page.level > 0) {
                    assert!(pages.contains_key(id), "children come before their parents");
                }
            }
            pages.insert(page.id, page);
        };
        pieces
            .iter()
            .for_each(|piece| builder.push(*piece, &mut emit));
        let root = builder.finish(&mut emit);
        (root, pages)
    }

    fn flatten(root: ChunkId, pages: &HashMap<ChunkId, NewPage>, out: &mut Vec<Piece>) {
        let page = decode(&pages[&root].bytes).expect("valid");
        for piece in page.pieces() {
            match piece.content {
                Content::Own(id) if page.level() > 0 => flatten(id, pages, out),
                _ => out.push(piece),
            }
        }
    }

    #[test]
    fn trees_of_every_height_give_their_pieces_back() {
        for count in [0, 1, 2, 63, 64, 65, 300, 1023, 1024, 1025, 50_000] {
            let pieces: Vec<Piece> = (0..count).map(chunk).collect();
            let (root, pages) = build(&pieces);
            let mut found = Vec::new();
            flatten(root, &pages, &mut found);
            assert_eq!(found, pieces, "{count} pieces");
        }
    }

    #[test]
    fn a_change_in_the_middle_shares_almost_all_pages() {
        let mut pieces: Vec<Piece> = (0..50_000).map(chunk).collect();
        let (_, before) = build(&pieces);
        pieces.insert(
            25_000,
            Piece {
                content: Content::Own(hash(b"new")),
                len_bytes: 1,
            },
        );
        let (_, after) = build(&pieces);
        let new = after.keys().filter(|id| !before.contains_key(id)).count();
        assert!(before.len() > 100, "the tree has {} pages", before.len());
        assert!(new <= 4, "{new} pages are new");
    }
}

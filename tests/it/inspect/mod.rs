//! Inspection of formats: vectors, hostile images, generated images, and QEMU as the other opinion.

mod cost;
mod generate;
mod generated;
mod hostile;
#[path = "../../bounds/images/mod.rs"]
mod images;
mod qemu;
pub(crate) mod vectors;

use smalti::inspect::{Inspection, Inspector};

use self::images::outcome;

/// A generator of numbers, the same for the same seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }
}

/// Inspects pieces; returns the most memory that was held, too.
fn inspect_pieces<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> (Inspection, usize) {
    let (mut inspector, mut most) = (Inspector::new(), 0);
    for piece in pieces {
        inspector.write(piece);
        most = most.max(inspector.held_bytes());
    }
    (inspector.finish(), most + size_of::<Inspector>())
}

fn inspect(image: &[u8]) -> Inspection {
    inspect_pieces(std::iter::once(image)).0
}

/// Cuts an image into pieces of random lengths below a bound.
fn pieces<'i>(image: &'i [u8], numbers: &mut Numbers, bound: usize) -> Vec<&'i [u8]> {
    let (mut pieces, mut rest) = (Vec::new(), image);
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(numbers.below(bound).min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// Inspects an image with its stretches of zeros skipped.
fn inspect_skipping(image: &[u8]) -> Inspection {
    let mut inspector = Inspector::new();
    for block in image.chunks(64) {
        match block.iter().all(|&byte| byte == 0) {
            true => inspector.skip(block.len() as u64),
            false => inspector.write(block),
        }
    }
    inspector.finish()
}

//! Hostile images: each is told for what it is within 50 ms and 8 MiB, what is held and what the
//! end of the stream takes together.

use std::time::Duration;

use smalti::inspect::{Inspection, Inspector};

use crate::images::{Row, all, outcome};
use crate::{Cost, RUNS, TIME_MAX, memory, time_used};

const MEMORY_MAX_BYTES: usize = 8 << 20;
const PIECE_LEN_BYTES: usize = 64 << 10;

fn inspect(image: &[u8]) -> Inspection {
    let mut inspector = Inspector::new();
    for piece in image.chunks(PIECE_LEN_BYTES) {
        inspector.write(piece);
    }
    inspector.finish()
}

/// Inspects an image more than once; says what it took, or what is wrong.
fn measure((name, image, expected): &Row) -> Result<Cost, String> {
    let mut least = Cost(Duration::MAX, usize::MAX);
    for _ in 0..RUNS {
        let start = time_used();
        let (inspection, memory) = memory::peak_of(|| inspect(image));
        least = Cost(least.0.min(time_used() - start), least.1.min(memory));
        let found = outcome(&inspection);
        if found != *expected {
            return Err(format!("{name}: {found}, {expected} expected"));
        }
    }
    let Cost(time, memory) = least;
    match time <= TIME_MAX && memory <= MEMORY_MAX_BYTES {
        true => Ok(least),
        false => Err(format!("{name}: {time:?} and {memory} bytes of memory")),
    }
}

/// Prints a table of all images and what they took.
pub(crate) fn run() {
    let (rows, mut faults) = (all(), Vec::new());
    println!(
        "{:<46} {:<24} {:>8} {:>10}",
        "image", "outcome", "us", "bytes"
    );
    for row in &rows {
        let (name, _, expected) = row;
        match measure(row) {
            Ok(Cost(time, memory)) => {
                println!(
                    "{name:<46} {expected:<24} {:>8} {memory:>10}",
                    time.as_micros()
                );
            }
            Err(fault) => faults.push(fault),
        }
    }
    assert!(rows.len() >= 90, "{} images", rows.len());
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

//! What inspection costs beside the digests that look at the same bytes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use smalti::inspect::{Format, Inspector};
use smalti::testing::disks;
use smalti::{Algorithm, hash::Hasher};

const BUFFER_LEN_BYTES: usize = 1 << 20;
const GIB_BUFFERS: usize = 1 << 10;

/// Returns the time for one GiB, of which the first buffer is an image and the rest noise.
fn inspection_of_one_gib(image: &[u8], rest: &[u8]) -> Duration {
    let mut first = image.to_vec();
    first.resize(BUFFER_LEN_BYTES, 7);
    let start = Instant::now();
    let mut inspector = Inspector::new();
    inspector.write(black_box(&first));
    (1..GIB_BUFFERS).for_each(|_| inspector.write(black_box(rest)));
    black_box(inspector.finish());
    start.elapsed()
}

#[test]
fn inspection_costs_less_than_a_hundredth_of_a_digest() {
    let rest: Vec<u8> = (0..BUFFER_LEN_BYTES)
        .map(|at| (at * 31 % 251) as u8)
        .collect();
    // SHA-512 is the digest that every upload has; 32 MiB of it stand for one GiB.
    let start = Instant::now();
    let mut hasher = Hasher::new(Algorithm::Sha512);
    (0..32).for_each(|_| hasher.update(black_box(&rest)));
    black_box(hasher.finish());
    let digest = start.elapsed() * 32;
    let images = [
        ("raw", vec![7; 4096]),
        ("qcow2", disks::qcow2(3)),
        ("vmdk", disks::vmdk_stream()),
    ];
    for (name, image) in images {
        let runs = (0..3).map(|_| inspection_of_one_gib(&image, &rest));
        let best = runs.min().expect("three runs");
        println!("inspection of 1 GiB of {name}: {best:?}, SHA-512: {digest:?}");
        assert!(best * 100 < digest, "{name}: {best:?}, SHA-512 {digest:?}");
    }
}

#[test]
fn zeros_are_skipped_in_no_time_and_change_nothing() {
    let mut inspector = Inspector::new();
    inspector.write(&disks::qcow2(3)[..600]);
    (0..4).for_each(|_| inspector.skip(u64::MAX / 4));
    let inspection = inspector.finish();
    assert_eq!(inspection.detected(), [Format::Qcow2]);
    assert_eq!(
        inspection.len_bytes(),
        u64::MAX,
        "lengths end where numbers do"
    );
    let mut inspector = Inspector::new();
    inspector.skip(32 << 10);
    inspector.write(&disks::iso()[32 << 10..]);
    inspector.skip(1 << 40);
    assert_eq!(inspector.finish().detected(), [Format::Iso]);
}

//! What the flows share: callers, images and bytes.

#[cfg(feature = "tokio")]
pub(crate) mod alone;
#[cfg(feature = "testing")]
pub(crate) mod below;
#[cfg(feature = "testing")]
pub(crate) mod elsewhere;
#[cfg(feature = "testing")]
pub(crate) mod judge;
#[cfg(feature = "testing")]
pub(crate) mod rot;
#[cfg(feature = "testing")]
pub(crate) mod script;
#[cfg(feature = "testing")]
pub(crate) mod settle;
#[cfg(feature = "testing")]
pub(crate) mod stage;

use smalti::{Caller, ContainerFormat, DiskFormat, ImageId, Images, NewImage};

/// How test bytes look.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pattern {
    /// Zeros only.
    Zero,
    /// Incompressible, by seed.
    Random(u64),
    /// Runs of zeros, runs of incompressible bytes and repetitions, by seed.
    Mixed(u64),
}

/// A small fast generator, the same everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

/// Returns `len` bytes of a pattern.
pub(crate) fn bytes(pattern: Pattern, len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    match pattern {
        Pattern::Zero => {}
        Pattern::Random(seed) => Rng(seed).fill(&mut out),
        Pattern::Mixed(seed) => mix(&mut Rng(seed), &mut out),
    }
    out
}

fn mix(rng: &mut Rng, out: &mut [u8]) {
    let mut at = 0;
    while at < out.len() {
        let run = ((1 + rng.below(60)) * 4096 + rng.below(3) * 17) as usize;
        let end = (at + run).min(out.len());
        match rng.below(3) {
            0 => {}
            1 => rng.fill(&mut out[at..end]),
            _ => Rng(rng.below(4)).fill(&mut out[at..end]),
        }
        at = end;
    }
}

/// A caller with the role member in the project `a`.
pub(crate) fn caller() -> Caller {
    Caller::project("a")
}

/// An image that may be filled.
pub(crate) fn new_image() -> NewImage {
    NewImage::named("test")
        .disk_format(DiskFormat::Raw)
        .container_format(ContainerFormat::Bare)
}

/// Reads an image to its end.
pub(crate) fn read_all(images: &Images, id: &ImageId) -> Vec<u8> {
    let reader = images
        .open(id)
        .expect("open")
        .expect("the image holds data");
    let mut found = Vec::new();
    for slice in reader.slices(..).expect("all") {
        found.extend_from_slice(&slice.expect("read"));
    }
    found
}

/// Settings under which small images fill, seal and roll packs.
pub(crate) fn small_packs() -> smalti::Settings {
    smalti::Settings {
        pack_len_bytes: 1 << 20,
        seal_from_bytes: 512 << 10,
        checkpoint_log_bytes: 256 << 10,
        reserve_len_bytes: 0,
        ..Default::default()
    }
}

/// Waits until something holds that follows soon from what was done.
#[track_caller]
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        let waited = begun.elapsed();
        assert!(waited < std::time::Duration::from_secs(30), "never {what}");
        std::thread::yield_now();
    }
}

/// The seed of random tests: from `SMALTI_SEED`, or 1.
#[cfg(feature = "testing")]
pub(crate) fn seed() -> u64 {
    let given = std::env::var("SMALTI_SEED").ok();
    given.and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

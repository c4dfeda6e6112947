//! Randomness: the only door to it.

use std::fmt::Debug;

use uuid::Uuid;

/// A source of random bytes. Hosts inject their own in tests; [`SystemRandom`] is the default.
pub trait Random: Debug + Send + Sync + 'static {
    /// Returns 16 fresh bytes. Ids of images and the keys of packs' checksums are made of them, so
    /// they must not be foreseeable.
    fn bytes(&self) -> [u8; 16];
}

/// The randomness of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn bytes(&self) -> [u8; 16] {
        // 122 random bits each; three fixed fields do no harm where these bytes go.
        *Uuid::new_v4().as_bytes()
    }
}

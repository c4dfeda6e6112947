//! A digest that is computed beside the transfer, on a thread of its own.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use smalti::hash::Hasher;
use smalti::{Algorithm, Bytes};

/// Pieces that wait for the digest.
const PIECES: usize = 16;
const ZEROS: &[u8] = &[0; 256 << 10];

/// Computes one digest over what it is given. Dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct Digester {
    algorithm: Algorithm,
    pieces: SyncSender<Bytes>,
    thread: JoinHandle<String>,
}

impl Digester {
    /// Begins a digest.
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let (pieces, taken) = sync_channel::<Bytes>(PIECES);
        let thread = std::thread::spawn(move || {
            let mut hasher = Hasher::new(algorithm);
            while let Ok(bytes) = taken.recv() {
                hasher.update(&bytes);
            }
            hasher.finish().to_string()
        });
        Self {
            algorithm,
            pieces,
            thread,
        }
    }

    /// Returns the algorithm.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Takes bytes.
    pub(crate) fn update(&self, bytes: Bytes) {
        // The thread takes until the sender is gone.
        let _ = self.pieces.send(bytes);
    }

    /// Takes zeros.
    pub(crate) fn zeros(&self, mut len_bytes: u64) {
        while len_bytes > 0 {
            let step = usize::try_from(len_bytes)
                .unwrap_or(usize::MAX)
                .min(ZEROS.len());
            self.update(Bytes::from_static(&ZEROS[..step]));
            len_bytes -= step as u64;
        }
    }

    /// Returns the digest of all that was taken, in lower-case hex; nothing if the thread is lost.
    pub(crate) fn finish(self) -> Option<String> {
        drop(self.pieces);
        self.thread.join().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_zeros_are_digested_in_order() {
        let digester = Digester::new(Algorithm::Sha256);
        digester.update(Bytes::from_static(b"a"));
        digester.zeros(1_000_000);
        digester.update(Bytes::from_static(b"b"));
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(&[b"a".as_slice(), &vec![0; 1_000_000], b"b"].concat());
        assert_eq!(digester.finish(), Some(hasher.finish().to_string()));
    }
}

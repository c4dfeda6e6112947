//! Which copies are being made: one at a time for each image, each to be given up from outside.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::id::ImageId;

/// The copies that are being made, by image.
#[derive(Debug, Default)]
pub(super) struct Fills(Mutex<HashMap<ImageId, Arc<Progress>>>);

/// How far one copy is.
#[derive(Debug)]
struct Progress {
    is_given_up: AtomicBool,
    /// When bytes came last, in microseconds since the epoch.
    moved_at: AtomicI64,
}

/// The right to make the copy of an image, until it is dropped.
#[derive(Debug)]
pub(super) struct Filling {
    fills: Arc<Fills>,
    image: ImageId,
    progress: Arc<Progress>,
}

impl Fills {
    fn running(&self) -> MutexGuard<'_, HashMap<ImageId, Arc<Progress>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to make the copy of an image; nothing if that is being made already.
    pub(super) fn begin(self: &Arc<Self>, image: ImageId, now: Timestamp) -> Option<Filling> {
        let mut running = self.running();
        if running.contains_key(&image) {
            return None;
        }
        let progress = Arc::new(Progress {
            is_given_up: AtomicBool::new(false),
            moved_at: AtomicI64::new(now.as_micros()),
        });
        running.insert(image, Arc::clone(&progress));
        Some(Filling {
            fills: Arc::clone(self),
            image,
            progress,
        })
    }

    /// Tells whether the copy of an image is being made.
    pub(super) fn has(&self, image: &ImageId) -> bool {
        self.running().contains_key(image)
    }

    /// Gives up the copy of an image.
    pub(super) fn give_up(&self, image: &ImageId) {
        if let Some(progress) = self.running().remove(image) {
            progress.give_up();
        }
    }

    /// Gives up the copies for which bytes came last before a time; returns their number.
    pub(super) fn give_up_before(&self, time: Timestamp) -> u64 {
        self.give_up_where(|moved_at| moved_at < time.as_micros())
    }

    /// Gives up copies by when bytes came for them last; returns their number.
    pub(super) fn give_up_where(&self, is_over: impl Fn(i64) -> bool) -> u64 {
        let mut count = 0;
        self.running().retain(|_, progress| {
            let is_over = is_over(progress.moved_at.load(Ordering::Relaxed));
            if is_over {
                progress.give_up();
                count += 1;
            }
            !is_over
        });
        count
    }
}

impl Progress {
    fn give_up(&self) {
        self.is_given_up.store(true, Ordering::SeqCst);
    }
}

impl Filling {
    pub(super) fn image(&self) -> &ImageId {
        &self.image
    }

    /// Says that bytes have come.
    pub(super) fn moved(&self, now: Timestamp) {
        self.progress
            .moved_at
            .store(now.as_micros(), Ordering::Relaxed);
    }

    /// Tests that the copy is still wanted.
    ///
    /// # Errors
    /// `InvalidState`.
    pub(super) fn expect_wanted(&self) -> Result<()> {
        if self.progress.is_given_up.load(Ordering::SeqCst) {
            let message = format!("the copy of image {} was given up", self.image);
            return Err(Error::new(ErrorCode::InvalidState, message));
        }
        Ok(())
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        let mut running = self.fills.running();
        // After it was given up, another may be making the copy.
        let is_this = |it: &Arc<Progress>| Arc::ptr_eq(it, &self.progress);
        if running.get(&self.image).is_some_and(is_this) {
            running.remove(&self.image);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn one_at_a_time_makes_the_copy_of_an_image() {
        let fills = Arc::new(Fills::default());
        let (a, b) = (ImageId::from_bytes([1; 16]), ImageId::from_bytes([2; 16]));
        let first = fills.begin(a, at(0)).expect("nobody makes it");
        assert!(fills.begin(a, at(0)).is_none(), "it is being made");
        assert!(fills.begin(b, at(0)).is_some());
        assert!(!fills.has(&b), "that one has ended");
        fills.give_up(&a);
        first.expect_wanted().expect_err("given up");
        let second = fills.begin(a, at(0)).expect("the first was given up");
        drop(first);
        assert!(
            fills.has(&a),
            "the end of the first is not that of the second"
        );
        second.expect_wanted().expect("wanted");
    }

    #[test]
    fn only_what_does_not_move_is_given_up_for_that() {
        let fills = Arc::new(Fills::default());
        let ids = [1, 2].map(|byte| ImageId::from_bytes([byte; 16]));
        let both = ids.map(|id| fills.begin(id, at(0)).expect("nobody makes it"));
        both[1].moved(at(20));
        assert_eq!(fills.give_up_before(at(20)), 1);
        both[0].expect_wanted().expect_err("it did not move");
        both[1].expect_wanted().expect("it moved");
    }
}

//! What is measured: the calls of a place, with images that go away again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use smalti::{ByteRange, ImageId, ListQuery, Random, SystemRandom};

use super::measure::{Measured, measure};
use crate::fault::Outcome;
use crate::files::{Source, Target};
use crate::interrupt;
use crate::place::{Known, Place};
use crate::shell::Shell;

const RANGE_BYTES: u64 = 64 << 10;
/// Most records that are created, over all connections: they are deleted one by one.
const CREATES_MAX: u64 = 2000;
const NAME: &str = "smalti-bench";

/// A place under measurement.
pub(super) struct Work<'a> {
    place: &'a dyn Place,
    /// Of each image with data.
    len_bytes: u64,
    connections: u16,
    time: Duration,
    seed: u64,
    /// All images that were made.
    made: Mutex<Vec<ImageId>>,
}

impl<'a> Work<'a> {
    /// Makes ready; nothing is done yet.
    pub(super) fn new(
        place: &'a dyn Place,
        size_bytes: u64,
        connections: u16,
        seconds: u64,
    ) -> Self {
        Self {
            place,
            len_bytes: (size_bytes / u64::from(connections)).max(1),
            connections,
            time: Duration::from_secs(seconds),
            seed: seed(),
            made: Mutex::default(),
        }
    }

    /// Measures everything.
    pub(super) fn all(&self, shell: Shell) -> Outcome<Vec<Measured>> {
        let ids = (0..self.connections)
            .map(|_| self.create())
            .collect::<Outcome<Vec<_>>>()?;
        let steps: [(
            &'static str,
            &(dyn Fn(&'static str) -> Outcome<Measured> + Sync),
        ); 6] = [
            ("upload", &|name| self.upload(name, &ids)),
            ("download", &|name| self.download(name, &ids)),
            ("range 64 KiB", &|name| self.ranges(name, &ids)),
            ("show", &|name| {
                self.repeat(name, |thread| {
                    self.place.show(&ids[usize::from(thread)]).map(drop)
                })
            }),
            ("list 25", &|name| self.list(name)),
            ("create", &|name| self.creates(name)),
        ];
        let mut all = Vec::new();
        for (name, step) in steps {
            shell.note(&format!("measuring {name} ..."));
            all.push(step(name)?);
        }
        Ok(all)
    }

    /// Removes all images that were made.
    pub(super) fn remove_images(&self) -> Outcome {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.drain(..).try_for_each(|id| self.place.delete(&id))
    }

    fn create(&self) -> Outcome<ImageId> {
        let body = json!({
            "name": NAME, "disk_format": "raw", "container_format": "bare", "visibility": "private",
        });
        let Known { image, .. } = self.place.create(&body)?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.push(image.id);
        Ok(image.id)
    }

    fn upload(&self, name: &'static str, ids: &[ImageId]) -> Outcome<Measured> {
        measure(name, self.connections, |thread, count| {
            if count > 0 {
                return Ok(None);
            }
            let seed = self.seed.wrapping_add(u64::from(thread) << 40);
            let mut source = Source::pattern(seed, self.len_bytes);
            self.place
                .upload(&ids[usize::from(thread)], &mut source, None)?;
            Ok(Some(self.len_bytes))
        })
    }

    fn download(&self, name: &'static str, ids: &[ImageId]) -> Outcome<Measured> {
        let quiet = Shell::new(crate::shell::Form::Text, true);
        measure(name, self.connections, |thread, count| {
            if count > 0 {
                return Ok(None);
            }
            let mut target = Target::nowhere(quiet);
            self.place
                .download(&ids[usize::from(thread)], None, &mut target)?;
            Ok(Some(target.len_bytes()))
        })
    }

    fn ranges(&self, name: &'static str, ids: &[ImageId]) -> Outcome<Measured> {
        let quiet = Shell::new(crate::shell::Form::Text, true);
        let until = Instant::now() + self.time;
        let starts = self.len_bytes.saturating_sub(RANGE_BYTES) + 1;
        measure(name, self.connections, |thread, count| {
            interrupt::check()?;
            if Instant::now() >= until {
                return Ok(None);
            }
            // A stride that is prime walks all over the image.
            let first = count
                .wrapping_mul(1_000_000_007)
                .wrapping_add(u64::from(thread))
                % starts;
            let range = ByteRange::FromTo {
                first,
                last: first + RANGE_BYTES - 1,
            };
            let mut target = Target::nowhere(quiet);
            self.place
                .download(&ids[usize::from(thread)], Some(range), &mut target)?;
            Ok(Some(target.len_bytes()))
        })
    }

    fn list(&self, name: &'static str) -> Outcome<Measured> {
        let query = ListQuery::new().with_limit(25);
        self.repeat(name, |_| self.place.list(&query).map(drop))
    }

    fn creates(&self, name: &'static str) -> Outcome<Measured> {
        let until = Instant::now() + self.time;
        let most = CREATES_MAX / u64::from(self.connections);
        measure(name, self.connections, |_, count| {
            interrupt::check()?;
            if Instant::now() >= until || count >= most.max(1) {
                return Ok(None);
            }
            self.create().map(|_| Some(0))
        })
    }

    /// Repeats a call that moves no data, for the time that was asked for.
    fn repeat(
        &self,
        name: &'static str,
        call: impl Fn(u16) -> Outcome + Sync,
    ) -> Outcome<Measured> {
        let until = Instant::now() + self.time;
        measure(name, self.connections, |thread, _| {
            interrupt::check()?;
            match Instant::now() >= until {
                true => Ok(None),
                false => call(thread).map(|()| Some(0)),
            }
        })
    }
}

/// Returns a seed that no earlier run had, so that nothing is stored already.
fn seed() -> u64 {
    let bytes = SystemRandom.bytes();
    bytes
        .iter()
        .take(8)
        .fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

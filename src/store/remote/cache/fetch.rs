//! The request behind some blocks that lie back to back, told apart as their bytes come in.

use std::future::poll_fn;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore};
use tokio::task::JoinHandle;

use super::{Cache, Keep, Object};
use crate::error::{Error, ErrorCode, ErrorKind, Result};
use crate::store::remote::bucket::{failed, short};
use crate::sum::sum64;

/// How often a range is asked for before what went wrong is told.
const TRIES: u32 = 3;
/// How long it is waited before the second try, in milliseconds; longer before later ones.
const PAUSE_MS: u64 = 50;

/// Blocks on their way. Whatever becomes of it, nobody waits for them for ever.
#[derive(Debug)]
pub(super) struct Fetch {
    cache: Arc<Cache>,
    object: Object,
    /// The next block to come, and the one behind the last.
    next: u64,
    end: u64,
    /// What has come of it.
    bytes: Vec<u8>,
    keep: Keep,
    /// Blocks that are being written to their files.
    shelving: Option<JoinHandle<()>>,
}

/// Returns what tells an object from any other that ever had its name.
pub(in crate::store::remote) fn tag(meta: &ObjectMeta) -> u64 {
    let ObjectMeta {
        location,
        size,
        e_tag,
        last_modified,
        ..
    } = meta;
    let version = match e_tag {
        Some(tag) => tag.clone(),
        None => last_modified.to_rfc3339(),
    };
    sum64(*size, format!("{location}\n{version}").as_bytes())
}

impl Fetch {
    pub(super) fn new(cache: &Arc<Cache>, object: &Object, blocks: Range<u64>, keep: Keep) -> Self {
        Self {
            cache: Arc::clone(cache),
            object: *object,
            next: blocks.start,
            end: blocks.end,
            bytes: Vec::new(),
            keep,
            shelving: None,
        }
    }

    /// Starts the request.
    pub(super) fn start(mut self) {
        let tasks = self.cache.bucket.tasks.clone();
        tasks.start(async move {
            let turns = Arc::clone(&self.cache.bucket.fetching);
            let turn = turns.acquire().await;
            if let Err(error) = self.run().await {
                self.fail(&error);
            }
            drop(turn);
        });
    }

    async fn run(&mut self) -> Result<()> {
        let mut tries = 1;
        loop {
            match self.ask().await {
                Ok(()) => return Ok(()),
                Err(error) if tries == TRIES || error.kind() != ErrorKind::Unavailable => {
                    return Err(error);
                }
                Err(error) => {
                    let pack = self.object.pack;
                    tracing::debug!(%pack, %error, tries, "a range is asked for again");
                }
            }
            tokio::time::sleep(Duration::from_millis(PAUSE_MS << tries)).await;
            tries += 1;
        }
    }

    /// Asks for all that has not come.
    async fn ask(&mut self) -> Result<()> {
        let (bucket, object) = (&self.cache.bucket, self.object);
        let start = object.range(self.next).start + self.bytes.len() as u64;
        let wanted = start..object.range(self.end - 1).end;
        let options = GetOptions {
            range: Some(GetRange::Bounded(wanted.clone())),
            ..GetOptions::default()
        };
        let read = |error| failed("read", object.pack, error);
        let path = bucket.path(object.pack);
        let got = bucket.objects.get_opts(&path, options).await;
        let got = got.map_err(read)?;
        if tag(&got.meta) != object.tag || got.range != wanted {
            let message = format!("pack {} is not the object that was opened", object.pack);
            return Err(Error::corrupt(message));
        }
        let mut body = got.into_stream();
        while let Some(bytes) = next_of(&mut body).await {
            self.take(bytes.map_err(read)?).await;
        }
        let missing = match self.next < self.end {
            true => wanted.end - object.range(self.next).start - self.bytes.len() as u64,
            false => return Ok(()),
        };
        let len = wanted.end - wanted.start;
        Err(short(object.pack, len - missing, len))
    }

    /// Takes bytes that came, and hands over each block that is whole by them.
    async fn take(&mut self, mut bytes: Bytes) {
        while !bytes.is_empty() && self.next < self.end {
            let range = self.object.range(self.next);
            let len = usize::try_from(range.end - range.start).expect("a block fits into memory");
            if self.bytes.capacity() < len {
                self.bytes.reserve_exact(len - self.bytes.len());
            }
            let part = bytes.split_to(bytes.len().min(len - self.bytes.len()));
            self.bytes.extend_from_slice(&part);
            if self.bytes.len() == len {
                self.hand_over().await;
            }
        }
    }

    async fn hand_over(&mut self) {
        let (cache, key) = (Arc::clone(&self.cache), self.object.key(self.next));
        let block = Bytes::from(std::mem::take(&mut self.bytes));
        let due = cache.landed(key, block, self.keep);
        self.next += 1;
        if due.is_empty() {
            return;
        }
        // One at a time, so that a slow disk holds up the network and not memory.
        if let Some(before) = self.shelving.take() {
            let _ = before.await;
        }
        let tasks = cache.bucket.tasks.clone();
        self.shelving = Some(tasks.start_aside(move || {
            due.iter()
                .for_each(|(key, block)| cache.shelve(*key, block));
        }));
    }

    fn fail(&mut self, why: &Error) {
        let blocks = self.next..self.end;
        self.next = self.end;
        self.cache.lost(&self.object, blocks, why);
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        let why = Error::new(ErrorCode::StoreUnavailable, "the store is closed");
        self.fail(&why);
    }
}

async fn next_of<T>(stream: &mut Pin<Box<dyn Stream<Item = T> + Send + '_>>) -> Option<T> {
    poll_fn(|context| stream.as_mut().poll_next(context)).await
}

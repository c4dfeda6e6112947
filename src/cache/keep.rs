//! What leaves the cache: by name, by target, for want of room, and for being of no use.
use super::{Cache, Cleaned, ClearTarget, Pruned};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{ChunkId, ImageId};
use crate::index::cached::{self, Cached};
use crate::index::{Durability, Kv, images};
use crate::read::{Opening, Reader};

impl Cache {
    /// Removes the copy of an image, and its place in the queue; one in the making is given up.
    pub(crate) fn remove(&self, image: &ImageId) -> Result<()> {
        self.fills.give_up(image);
        let kv = &self.base().kv;
        kv.write(Durability::Now, |put| cached::forget(put, image))
    }

    /// Removes all copies, all places in the queue, or both. Copies in the making are given up with
    /// the copies.
    pub(crate) fn clear(&self, target: ClearTarget) -> Result<()> {
        if target != ClearTarget::Queue {
            self.fills.give_up_where(|_| true);
        }
        self.base().kv.write(Durability::Now, |put| {
            if target != ClearTarget::Queue {
                for (image, _) in cached::all(put)? {
                    cached::remove(put, &image)?;
                }
            }
            if target != ClearTarget::Cache {
                for image in cached::queue(put)? {
                    cached::dequeue(put, &image)?;
                }
            }
            Ok(())
        })
    }

    /// Removes the copies that were read least recently, until the others are no longer than the
    /// cache may be.
    pub(crate) fn prune(&self) -> Result<Pruned> {
        self.base().kv.write(Durability::Now, |put| {
            let mut all = cached::all(put)?;
            let mut sum: u64 = all.iter().map(|(_, cached)| cached.data.len_bytes).sum();
            all.sort_by_key(|(image, cached)| (cached.last_accessed, *image.as_bytes()));
            let mut pruned = Pruned::default();
            for (image, cached) in all {
                if sum <= self.max_bytes {
                    break;
                }
                let len_bytes = cached.data.len_bytes;
                cached::remove(put, &image)?;
                sum -= len_bytes;
                pruned.copy_count += 1;
                pruned.size_bytes += len_bytes;
            }
            Ok(pruned)
        })
    }

    /// Removes copies whose manifest cannot be read, and gives up those in the making for which
    /// no byte came for as long as a standstill may last. Reads the manifest of each copy, and none
    /// of its data: where that is damaged, the copy goes when it is read.
    pub(crate) fn clean(&self) -> Result<Cleaned> {
        let now = self.base().now().as_micros();
        let stall = i64::try_from(self.stall_time_s)
            .unwrap_or(i64::MAX)
            .saturating_mul(1_000_000);
        let before = Timestamp::from_micros(now.saturating_sub(stall));
        let mut cleaned = Cleaned {
            stalled_count: self.fills.give_up_before(before),
            ..Cleaned::default()
        };
        for (image, cached) in self.base().kv.read(|get| cached::all(get))? {
            if self.is_readable(&image, &cached)? {
                continue;
            }
            let root = cached.data.root;
            cleaned.copy_count += u64::from(self.remove_root(&image, root)?);
        }
        Ok(cleaned)
    }

    /// Removes the copy of an image if it still is at this root, and tells whether it was.
    pub(super) fn remove_root(&self, image: &ImageId, root: ChunkId) -> Result<bool> {
        self.base().kv.write(Durability::Now, |put| {
            match cached::find(put, image)?.filter(|it| it.data.root == root) {
                Some(_) => cached::remove(put, image).map(|_| true),
                None => Ok(false),
            }
        })
    }

    fn is_readable(&self, id: &ImageId, cached: &Cached) -> Result<bool> {
        let base = self.base();
        let (look, mut lease) = (base.leases.look(), base.leases.none());
        let found = base.kv.read(|get| {
            let still = cached::find(get, id)?.is_some_and(|it| it.data == cached.data);
            Ok(images::find(get, id)?.filter(|_| still))
        })?;
        // Gone meanwhile is no reason to remove what has come since.
        let Some(image) = found else {
            return Ok(true);
        };
        let roots = vec![images::root_key(&cached.data)];
        look.lease(&roots, &mut lease);
        drop(look);
        let opening = Opening::new(base, image, roots, lease);
        let read =
            Reader::open(opening).and_then(|it| it.extents().try_for_each(|it| it.map(drop)));
        match read {
            Err(error) if error.is_unreadable() => Ok(false),
            read => read.map(|()| true),
        }
    }
}

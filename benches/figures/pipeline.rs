//! The bare pipeline: what an upload costs with the same libraries and no engine around them.
//!
//! A reader copies into blocks of 1 MiB; threads for MD5, SHA and storing take them by bounded
//! channels; storing is the same cutter, BLAKE3, a look-up in a hash map, one vectored write for
//! each block, early write-back and one sync at the end. It knows no names, no transactions, no
//! proofs, and forgets everything in a crash.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use crossbeam::channel::{Receiver, Sender, bounded};
use md5::Digest;
use smalti::chunk::CutterKind;
use smalti::hash::Algorithm;
use smalti::testing::StreamCutter;

use crate::data::Digests;

const BLOCK: usize = 1 << 20;
/// As many as an upload of the engine has.
const BLOCKS: usize = 12;
const WRITEBACK: u64 = 8 << 20;

pub(crate) type Known = HashMap<[u8; 32], (u64, u32)>;

struct Block {
    bytes: Vec<u8>,
    len: usize,
}

type Shared = Arc<Block>;

/// Stores bytes in a file; what is in `known` is not written again. Returns the bytes written.
pub(crate) fn store(data: &[u8], path: &Path, digests: Digests, known: &mut Known) -> u64 {
    let (free_in, free) = bounded::<Block>(BLOCKS);
    for _ in 0..BLOCKS {
        let bytes = vec![0; BLOCK];
        free_in.send(Block { bytes, len: 0 }).expect("room for all");
    }
    std::thread::scope(|scope| {
        let mut lanes = Vec::new();
        let mut lane = || {
            let (sender, receiver) = bounded::<Shared>(BLOCKS);
            lanes.push(sender);
            (receiver, free_in.clone())
        };
        if digests.md5 {
            let (blocks, free) = lane();
            scope.spawn(move || digest::<md5::Md5>(&blocks, &free));
        }
        match digests.sha {
            None => {}
            Some(Algorithm::Sha256) => {
                let (blocks, free) = lane();
                scope.spawn(move || digest::<sha2::Sha256>(&blocks, &free));
            }
            Some(Algorithm::Sha512) => {
                let (blocks, free) = lane();
                scope.spawn(move || digest::<sha2::Sha512>(&blocks, &free));
            }
            Some(other) => panic!("no bare pipeline for {other}"),
        }
        let (blocks, free_out) = lane();
        let storing = scope.spawn(move || {
            let mut storing = Storing::new(path, known, free_out);
            blocks.iter().for_each(|block| storing.take(block));
            storing.finish()
        });
        for bytes in data.chunks(BLOCK) {
            let mut block = free.recv().expect("blocks come back");
            block.bytes[..bytes.len()].copy_from_slice(bytes);
            block.len = bytes.len();
            let block = Arc::new(block);
            for lane in &lanes {
                lane.send(Arc::clone(&block)).expect("the lane runs");
            }
            give_back(block, &free_in);
        }
        drop(lanes);
        storing.join().expect("stored")
    })
}

fn give_back(block: Shared, free: &Sender<Block>) {
    if let Some(block) = Arc::into_inner(block) {
        let _ = free.send(block);
    }
}

fn digest<D: Digest>(blocks: &Receiver<Shared>, free: &Sender<Block>) {
    let mut digest = D::new();
    for block in blocks {
        digest.update(&block.bytes[..block.len]);
        give_back(block, free);
    }
    std::hint::black_box(digest.finalize());
}

struct Storing<'a> {
    file: File,
    known: &'a mut Known,
    free: Sender<Block>,
    cutter: StreamCutter,
    held: Vec<(u64, Shared)>,
    fed: u64,
    cut: u64,
    written: u64,
    written_back: u64,
}

impl<'a> Storing<'a> {
    fn new(path: &Path, known: &'a mut Known, free: Sender<Block>) -> Self {
        Self {
            file: File::create(path).expect("file"),
            known,
            free,
            cutter: StreamCutter::new(CutterKind::Blocks),
            held: Vec::new(),
            fed: 0,
            cut: 0,
            written: 0,
            written_back: 0,
        }
    }

    fn take(&mut self, block: Shared) {
        let mut cuts = Vec::new();
        self.cutter
            .feed(&block.bytes[..block.len], &mut |data, len| {
                cuts.push((data, len))
            });
        let len = block.len as u64;
        self.held.push((self.fed, block));
        self.fed += len;
        self.store(&cuts);
    }

    fn store(&mut self, cuts: &[(bool, u64)]) {
        let mut parts: Vec<IoSlice<'_>> = Vec::new();
        let (mut len, mut chunk) = (0, Vec::new());
        for &(data, cut_len) in cuts {
            let range = self.cut..self.cut + cut_len;
            self.cut = range.end;
            if !data {
                continue;
            }
            chunk.clear();
            for (start, block) in &self.held {
                let from = range.start.max(*start);
                let to = range.end.min(start + block.len as u64);
                if from < to {
                    chunk.push(&block.bytes[(from - start) as usize..(to - start) as usize]);
                }
            }
            let id: [u8; 32] = match chunk[..] {
                [whole] => blake3::hash(whole).into(),
                _ => {
                    let mut hasher = blake3::Hasher::new();
                    chunk.iter().for_each(|part| {
                        hasher.update(part);
                    });
                    hasher.finalize().into()
                }
            };
            if let Entry::Vacant(entry) = self.known.entry(id) {
                entry.insert((self.written + len, cut_len as u32));
                len += cut_len;
                parts.extend(chunk.iter().map(|part| IoSlice::new(part)));
            }
        }
        write_all(&self.file, &mut parts, self.written);
        drop(parts);
        self.written += len;
        let waiting = self.written - self.written_back;
        if waiting >= WRITEBACK {
            let _ = rustix::fs::fadvise(
                &self.file,
                self.written_back,
                std::num::NonZeroU64::new(waiting),
                rustix::fs::Advice::DontNeed,
            );
            self.written_back = self.written;
        }
        let cut = self.cut;
        while self
            .held
            .first()
            .is_some_and(|(start, block)| start + block.len as u64 <= cut)
        {
            give_back(self.held.remove(0).1, &self.free);
        }
    }

    fn finish(mut self) -> u64 {
        let mut cuts = Vec::new();
        let cutter = std::mem::replace(&mut self.cutter, StreamCutter::new(CutterKind::Blocks));
        cutter.finish(&mut |data, len| cuts.push((data, len)));
        self.store(&cuts);
        self.file.sync_data().expect("sync");
        self.written
    }
}

fn write_all(file: &File, mut parts: &mut [IoSlice<'_>], mut offset: u64) {
    while !parts.is_empty() {
        let count = parts.len().min(1024);
        let written = rustix::io::pwritev(file, &parts[..count], offset).expect("write");
        IoSlice::advance_slices(&mut parts, written);
        offset += written as u64;
    }
}

//! The inspector: a stream goes by, some stretches of it are kept.

use super::finding::Finding;
use super::hint::Hint;
use super::inspection::Inspection;
use super::region::Region;
use super::tail::Tail;
use super::vhdx::{self, Vhdx};
use super::vmdk::Vmdk;
use super::{gpt, headers, iso, qcow2};

/// Zeros that are looked at in one step.
const ZEROS: [u8; 4096] = [0; 4096];

/// Looks at the bytes of an image as they pass by.
///
/// The answer does not depend on how the stream is cut. Memory is a few KiB, and less than 3 MiB
/// whatever the bytes say: the longest stretch that is kept is a descriptor of VMDK, of 1 MiB - 1
/// bytes. Once there is nothing to wait for, a call costs a copy of at most 1,536 bytes, which are
/// the end of the stream if no other call follows.
#[derive(Debug)]
pub struct Inspector {
    len_bytes: u64,
    watches: Vec<Watch>,
    tail: Tail,
    head: Vec<u8>,
    descriptor: Vec<u8>,
    vmdk: Option<Vmdk>,
    vhdx: Option<Vhdx>,
}

/// A stretch that is waited for, and who for.
#[derive(Debug)]
struct Watch {
    whom: Whom,
    region: Region,
}

#[derive(Debug, Clone, Copy)]
enum Whom {
    Head,
    Iso,
    Vmdk,
    Vhdx(vhdx::Part),
}

impl Default for Inspector {
    fn default() -> Self {
        Self::new()
    }
}

impl Inspector {
    /// Makes an inspector at the beginning of a stream.
    pub fn new() -> Self {
        let watch = |whom, region| Watch { whom, region };
        Self {
            len_bytes: 0,
            watches: vec![
                watch(Whom::Head, Region::head()),
                watch(Whom::Iso, iso::region()),
            ],
            tail: Tail::default(),
            head: Vec::new(),
            descriptor: Vec::new(),
            vmdk: None,
            vhdx: None,
        }
    }

    /// Takes the next bytes of the stream, as many as there are.
    pub fn write(&mut self, bytes: &[u8]) {
        self.tail.push(bytes);
        let mut rest = bytes;
        while !rest.is_empty() && !self.watches.is_empty() {
            let count = self.step(rest);
            rest = &rest[count..];
        }
        self.pass(rest.len() as u64);
    }

    /// Takes so many zeros, in time that does not grow with their number.
    pub fn skip(&mut self, len_bytes: u64) {
        self.tail.push_zeros(len_bytes);
        let mut rest = len_bytes;
        while rest > 0 && !self.watches.is_empty() {
            let ahead = self.watches.iter().map(|watch| watch.region.start());
            let ahead = ahead.min().unwrap_or_default();
            let gap = ahead.saturating_sub(self.len_bytes).min(rest);
            let zeros = usize::try_from(rest).unwrap_or(ZEROS.len());
            let count = match gap {
                0 => self.step(&ZEROS[..zeros.min(ZEROS.len())]) as u64,
                gap => self.pass(gap),
            };
            rest -= count;
        }
        self.pass(rest);
    }

    /// Returns the number of bytes that passed by.
    pub fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// Returns the memory that is held besides the value itself, in bytes.
    pub fn held_bytes(&self) -> usize {
        let watched: usize = self.watches.iter().map(|it| it.region.held_bytes()).sum();
        let vmdk = self.vmdk.as_ref().map_or(0, Vmdk::held_bytes);
        let kept = self.head.capacity() + self.descriptor.capacity() + self.tail.held_bytes();
        watched + vmdk + kept + self.watches.capacity() * size_of::<Watch>()
    }

    /// Ends the stream and tells what it was.
    pub fn finish(mut self) -> Inspection {
        // What is cut off goes to whom it was for, as far as it came. The first sector goes first:
        // what stands behind it depends on it.
        let mut cut = std::mem::take(&mut self.watches);
        cut.sort_by_key(|watch| !matches!(watch.whom, Whom::Head));
        for watch in cut {
            self.complete(watch);
        }
        let (head, tail, len_bytes) = (&self.head, self.tail.bytes(), self.len_bytes);
        let found = [
            qcow2::find(head),
            headers::vhd(head),
            self.vhdx.take().map(Vhdx::finding),
            self.vmdk.take().and_then(|it| it.finding(tail, len_bytes)),
            headers::vdi(head),
            headers::qed(head),
            iso::find(&self.descriptor),
            gpt::find(head, len_bytes),
            headers::luks(head, len_bytes),
        ];
        let findings: Vec<Finding> = found.into_iter().flatten().collect();
        let hint = Hint::of(head, tail).filter(|_| findings.is_empty());
        Inspection::new(len_bytes, findings, hint)
    }

    /// Lets bytes pass that nobody waits for.
    fn pass(&mut self, count: u64) -> u64 {
        self.len_bytes = self.len_bytes.saturating_add(count);
        count
    }

    /// Takes bytes up to the next place where a stretch begins or ends; returns how many.
    fn step(&mut self, bytes: &[u8]) -> usize {
        let at = self.len_bytes;
        let borders = self.watches.iter().map(|it| it.region.to_border(at));
        let border = borders.min().map(usize::try_from);
        let count = match border {
            Some(Ok(border)) => border.min(bytes.len()),
            _ => bytes.len(),
        };
        for watch in &mut self.watches {
            watch.region.feed(at, &bytes[..count]);
        }
        self.pass(count as u64);
        let is_done = |watch: &Watch| watch.region.is_complete();
        while let Some(done) = self.watches.iter().position(is_done) {
            let watch = self.watches.swap_remove(done);
            self.complete(watch);
        }
        count
    }

    /// Hands a stretch to whom it was kept for, who may wait for others then.
    fn complete(&mut self, watch: Watch) {
        let at = self.len_bytes;
        match watch.whom {
            Whom::Head => self.take_head(watch.region.into_bytes()),
            Whom::Iso => self.descriptor = watch.region.into_bytes(),
            Whom::Vmdk => {
                if let Some(vmdk) = &mut self.vmdk {
                    vmdk.take(watch.region.into_bytes());
                }
            }
            Whom::Vhdx(part) => {
                let next = match &mut self.vhdx {
                    Some(vhdx) => vhdx.take(part, &watch.region, at),
                    None => Vec::new(),
                };
                self.watch_vhdx(next);
            }
        }
    }

    fn take_head(&mut self, head: Vec<u8>) {
        if let Some((vhdx, region)) = Vhdx::begin(&head) {
            self.vhdx = Some(vhdx);
            self.watch_vhdx(vec![region]);
        }
        if let Some((vmdk, region)) = Vmdk::begin(&head) {
            self.vmdk = Some(vmdk);
            let whom = Whom::Vmdk;
            self.watches
                .extend(region.map(|region| Watch { whom, region }));
        }
        self.head = head;
    }

    fn watch_vhdx(&mut self, parts: Vec<(vhdx::Part, Region)>) {
        let watches = parts.into_iter().map(|(part, region)| Watch {
            whom: Whom::Vhdx(part),
            region,
        });
        self.watches.extend(watches);
    }
}

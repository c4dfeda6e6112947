//! Scripts of calls, and what must be there after each of them.

mod imports;
mod stores;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use smalti::disk::SyncSite;
use smalti::disk::sim::SimDisk;
use smalti::task::TaskStatus;
use smalti::{Engine, Error, ErrorCode, Image, ImageId, Images, Result, Upload, UploadOptions};

use crate::support::stage::{Stage, all_garbage};
use crate::support::{Pattern, Rng, bytes, caller, new_image};

pub(crate) use imports::{StoreCall, admin, bytes_of, small, stores_of};
pub(crate) use stores::{script_of_stores, short_of_stores};

/// A stretch of an image; equal seeds and lengths are equal bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Zeros(usize),
    Bytes(u64, usize),
}

/// One call of a script. It finds its image by itself, so that every sequence of calls is a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    /// A record with so many bytes of properties.
    Create(usize),
    /// Data for the oldest queued image, or for a new one.
    Upload(Vec<Part>),
    /// The same, with another call when half of the data is written.
    Around(Vec<Part>, Box<Self>),
    /// Data for it that is given up at its end.
    Drop(Vec<Part>),
    /// Of the image with this number, counted around.
    Delete(usize),
    /// Close and open again.
    Reopen,
    /// Drop the engine without closing it, and open again.
    Leave,
    /// Collect all garbage.
    Collect,
    /// What only an engine with two stores is asked for.
    Stores(StoreCall),
}

/// What an image may be.
#[derive(Debug, Clone)]
pub(crate) enum Fact {
    Absent,
    Queued(Option<Image>),
    /// Queued again, as an import into this store was broken off.
    Broken(&'static str),
    /// Uploading, and an import finds the bytes.
    Staged(Option<Image>, Arc<Vec<u8>>),
    Active(Option<Image>, Arc<Vec<u8>>),
    /// Active, while stores get copies.
    Copied(Copies, Arc<Vec<u8>>),
    Deleted,
}

/// The stores that may have a copy of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Copies {
    /// Those that do have one.
    pub(crate) sure: Vec<&'static str>,
    /// Those that are being written.
    pub(crate) coming: Vec<&'static str>,
}

/// What each image may be; one that is not named is nothing at all.
pub(crate) type Facts = BTreeMap<[u8; 16], Vec<Fact>>;

/// Joins what may be before a call with what may be after it.
pub(crate) fn either(before: &Facts, after: &Facts) -> Facts {
    let mut both = before.clone();
    for (id, facts) in after {
        both.entry(*id)
            .or_insert_with(|| vec![Fact::Absent])
            .extend(facts.iter().cloned());
    }
    both
}

/// What happened in runs. Tests ask for enough of each.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) acks: usize,
    pub(crate) uploads: usize,
    pub(crate) dropped: usize,
    pub(crate) deletes: usize,
    pub(crate) reopens: usize,
    pub(crate) collections: usize,
    pub(crate) unlinked: u64,
    pub(crate) copied: u64,
    pub(crate) dedup_hits: usize,
    pub(crate) seals: usize,
    pub(crate) new_packs: usize,
    pub(crate) checkpoints: usize,
    pub(crate) staged: usize,
    pub(crate) imports: usize,
    pub(crate) fetched: usize,
    pub(crate) given_up: usize,
    /// Copies that imports have made beside a first one.
    pub(crate) copies: usize,
    pub(crate) lost_copies: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.acks += other.acks;
        self.uploads += other.uploads;
        self.dropped += other.dropped;
        self.deletes += other.deletes;
        self.reopens += other.reopens;
        self.collections += other.collections;
        self.unlinked += other.unlinked;
        self.copied += other.copied;
        self.dedup_hits += other.dedup_hits;
        self.seals += other.seals;
        self.new_packs += other.new_packs;
        self.checkpoints += other.checkpoints;
        self.staged += other.staged;
        self.imports += other.imports;
        self.fetched += other.fetched;
        self.given_up += other.given_up;
        self.copies += other.copies;
        self.lost_copies += other.lost_copies;
    }
}

/// A script that was run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) disk: SimDisk,
    /// Operations of the disk at each acknowledgement.
    pub(crate) acks: Vec<usize>,
    /// What must be there before the first acknowledgement, and after each.
    pub(crate) facts: Vec<Facts>,
    pub(crate) tally: Tally,
    /// Tasks that have ended, with how many acknowledgements there were then.
    pub(crate) ended: Vec<(usize, ImageId, TaskStatus)>,
    /// Errors that calls returned.
    pub(crate) errors: Vec<Error>,
    /// The engine at the end, if it is open.
    pub(crate) engine: Option<Engine>,
    stage: Stage,
    now: Facts,
    /// Images in order of their creation.
    order: Vec<ImageId>,
    number: u64,
    /// The image whose data comes in around another call.
    busy: Option<ImageId>,
}

/// Returns the bytes of an image.
pub(crate) fn content(parts: &[Part]) -> Vec<u8> {
    let parts = parts.iter().map(|part| match *part {
        Part::Zeros(len) => vec![0; len],
        Part::Bytes(seed, len) => bytes(Pattern::Random(seed), len),
    });
    parts.collect::<Vec<_>>().concat()
}

impl Run {
    /// Begins a run on a disk.
    pub(crate) fn new(disk: SimDisk, seed: u64) -> Self {
        Self::on_stage(disk, Stage::new(seed))
    }

    /// Begins a run on a disk and a stage.
    pub(crate) fn on_stage(disk: SimDisk, stage: Stage) -> Self {
        Self {
            disk,
            acks: Vec::new(),
            facts: vec![Facts::new()],
            tally: Tally::default(),
            ended: Vec::new(),
            errors: Vec::new(),
            engine: None,
            stage,
            now: Facts::new(),
            order: Vec::new(),
            number: 0,
            busy: None,
        }
    }

    /// Runs a script from the opening of the engine on; no call may fail.
    pub(crate) fn of(script: &[Call], seed: u64) -> Self {
        Self::on(SimDisk::new(), script, seed)
    }

    /// Runs a script on a new disk that may have switches set.
    pub(crate) fn on(disk: SimDisk, script: &[Call], seed: u64) -> Self {
        Self::new(disk, seed).whole(script)
    }

    /// Runs a script on two stores, of which the second may leave a sync out.
    pub(crate) fn with_stores(script: &[Call], seed: u64, left_out: Option<SyncSite>) -> Self {
        Self::on_stage(SimDisk::new(), Stage::leaving_out(seed, left_out)).whole(script)
    }

    fn whole(mut self, script: &[Call]) -> Self {
        self.all(script);
        assert!(self.errors.is_empty(), "{script:?}: {:?}", self.errors);
        self.end();
        self
    }

    /// Runs all calls; failures are kept in `errors`.
    pub(crate) fn all(&mut self, script: &[Call]) {
        self.open();
        for call in script {
            self.call(call);
        }
    }

    /// Counts what the disk saw, and lets go of the engine.
    pub(crate) fn end(&mut self) {
        self.engine = None;
        let syncs = self.disk.syncs();
        let count = |site| syncs.get(&site).copied().unwrap_or(0);
        self.tally.seals = count(SyncSite::PackSeal);
        self.tally.new_packs = count(SyncSite::PackDir);
        self.tally.checkpoints = count(SyncSite::Index);
        self.tally.acks = self.acks.len();
    }

    /// Returns what may be there now, whatever was acknowledged.
    pub(crate) fn now(&self) -> &Facts {
        &self.now
    }

    fn images(&self) -> Option<Images> {
        self.engine.as_ref().map(|engine| engine.images(&caller()))
    }

    /// Opens the engine; once more if that fails.
    pub(crate) fn open(&mut self) {
        self.engine = None;
        for _ in 0..2 {
            match self.stage.open(&self.disk) {
                Ok(engine) => {
                    self.engine = Some(engine);
                    return self.ack();
                }
                Err(error) => self.errors.push(error),
            }
        }
    }

    fn ack(&mut self) {
        self.acks.push(self.disk.op_count());
        self.facts.push(self.now.clone());
    }

    /// Sets what an image is now that a call has returned.
    fn done(&mut self, id: &ImageId, fact: Fact) {
        self.now.insert(*id.as_bytes(), vec![fact]);
        self.ack();
    }

    /// Adds what an image may have become by a call that failed.
    fn failed(&mut self, id: &ImageId, fact: Option<Fact>, error: Error) {
        let facts = self.now.entry(*id.as_bytes());
        facts.or_insert_with(|| vec![Fact::Absent]).extend(fact);
        self.errors.push(error);
    }

    pub(crate) fn call(&mut self, call: &Call) {
        if self.engine.is_none() {
            return;
        }
        match call {
            Call::Create(padding) => drop(self.create(*padding)),
            Call::Upload(parts) => self.upload(Way::Data(None), parts, None, true),
            Call::Around(parts, inner) => self.upload(Way::Data(None), parts, Some(inner), true),
            Call::Drop(parts) => self.upload(Way::Data(None), parts, None, false),
            Call::Delete(number) => self.delete(*number),
            Call::Reopen => self.close(),
            Call::Leave => self.open(),
            Call::Collect => self.collect(),
            Call::Stores(call) => self.call_of_stores(call),
        }
    }

    fn create(&mut self, padding: usize) -> Option<ImageId> {
        let images = self.images()?;
        self.number += 1;
        let mut id = [0; 16];
        Rng(self.number).fill(&mut id);
        let id = ImageId::from_bytes(id);
        let mut new = new_image().id(id);
        for number in 0..padding.div_ceil(4096) {
            new = new.property(format!("p{number}"), "v".repeat(padding.min(4096)));
        }
        match images.create(new) {
            Ok(image) => {
                self.order.push(id);
                self.done(&id, Fact::Queued(Some(image)));
                Some(id)
            }
            Err(error) => {
                self.failed(&id, Some(Fact::Queued(None)), error);
                None
            }
        }
    }

    fn queued(&mut self) -> Option<ImageId> {
        let is_queued = |id: &&ImageId| {
            if self.busy == Some(**id) {
                return false;
            }
            let facts = &self.now[id.as_bytes()];
            matches!(facts[..], [Fact::Queued(_)])
        };
        match self.order.iter().find(is_queued) {
            Some(id) => Some(*id),
            None => self.create(0),
        }
    }

    fn upload(&mut self, way: Way, parts: &[Part], inner: Option<&Call>, finish: bool) {
        let Some(id) = self.queued() else { return };
        let Some(images) = self.images() else { return };
        let (data, before) = (content(parts), self.pack_bytes());
        // Its revision and times move from here on.
        let queued = Fact::Queued(None);
        self.now.insert(*id.as_bytes(), vec![queued.clone()]);
        if let Some(facts) = self.facts.last_mut() {
            facts.insert(*id.as_bytes(), vec![queued.clone()]);
        }
        let mut upload = match way.begin(&images, &id) {
            Ok(upload) => upload,
            Err(error) => return self.failed(&id, None, error),
        };
        let half = data.len() / 2;
        for (part, then) in [(&data[..half], inner), (&data[half..], None)] {
            if let Err(error) = upload.write_all(part) {
                let error = error.downcast::<Error>().expect("an error of ours");
                return self.failed(&id, None, error);
            }
            let Some(call) = then else { continue };
            // What waits in the buffer goes on its way.
            if let Err(error) = upload.skip(0) {
                return self.failed(&id, None, error);
            }
            self.busy = Some(id);
            self.call(call);
            self.busy = None;
        }
        if !finish {
            drop(upload);
            self.tally.dropped += 1;
            return self.ack();
        }
        match upload.finish() {
            Ok(image) => {
                let stored = self.pack_bytes().saturating_sub(before);
                let held = parts.iter().map(|part| match part {
                    Part::Zeros(_) => 0,
                    Part::Bytes(_, len) => *len as u64,
                });
                self.tally.uploads += usize::from(matches!(way, Way::Data(_)));
                self.tally.staged += usize::from(matches!(way, Way::Stage(_)));
                self.tally.dedup_hits += usize::from(stored + 16_384 < held.sum::<u64>());
                self.done(&id, way.fact(Some(image), data));
            }
            Err(error) if error.code() == ErrorCode::GoneDuringUpload && self.is_gone(&id) => {}
            Err(error) => {
                let fact = way.fact(None, data);
                self.failed(&id, Some(fact), error);
            }
        }
    }

    /// Tells whether an image may be deleted.
    fn is_gone(&self, id: &ImageId) -> bool {
        let facts = &self.now[id.as_bytes()];
        facts.iter().any(|fact| matches!(fact, Fact::Deleted))
    }

    /// Returns the bytes of the files of packs.
    fn pack_bytes(&self) -> u64 {
        let stats = self.engine.as_ref().map(Engine::stats);
        stats
            .and_then(Result::ok)
            .map_or(0, |stats| stats.pack_bytes)
    }

    fn delete(&mut self, number: usize) {
        let there = self.order.iter().filter(|id| !self.is_gone(id));
        let there: Vec<ImageId> = there.copied().collect();
        let (Some(images), false) = (self.images(), there.is_empty()) else {
            return;
        };
        let id = there[number % there.len()];
        match images.delete(&id) {
            Ok(()) => {
                self.tally.deletes += 1;
                self.done(&id, Fact::Deleted);
            }
            Err(error) => self.failed(&id, Some(Fact::Deleted), error),
        }
    }

    fn close(&mut self) {
        let Some(engine) = self.engine.take() else {
            return;
        };
        match engine.close(Duration::ZERO) {
            Ok(()) => self.ack(),
            Err(error) => self.errors.push(error),
        }
        drop(engine);
        self.tally.reopens += 1;
        self.open();
    }

    fn collect(&mut self) {
        let Some(engine) = &self.engine else { return };
        match engine.gc(all_garbage()).and_then(smalti::gc::Gc::run) {
            Ok(report) => {
                self.tally.collections += 1;
                self.tally.unlinked += report.unlinked_packs;
                self.tally.copied += report.copied_chunks;
                for what in report.damaged {
                    // What the disk does not give is left alone like damage.
                    let code = match what.contains("os error") {
                        true => ErrorCode::StoreUnavailable,
                        false => ErrorCode::Corrupt,
                    };
                    self.errors.push(Error::new(code, what));
                }
                self.ack();
            }
            Err(error) => self.errors.push(error),
        }
    }
}

/// What the bytes of an upload are for, and the store that gets them.
#[derive(Debug, Clone, Copy)]
enum Way {
    Data(Option<&'static str>),
    Stage(Option<&'static str>),
}

impl Way {
    fn begin(self, images: &Images, id: &ImageId) -> Result<Upload> {
        let (Self::Data(store) | Self::Stage(store)) = self;
        let options = UploadOptions {
            store: store.map(str::to_owned),
            ..UploadOptions::default()
        };
        match self {
            Self::Data(_) => images.upload_with(id, options),
            Self::Stage(_) => images.stage(id, options),
        }
    }

    /// Returns what an image is that got its bytes so.
    fn fact(self, image: Option<Image>, data: Vec<u8>) -> Fact {
        match self {
            Self::Data(_) => Fact::Active(image, Arc::new(data)),
            Self::Stage(_) => Fact::Staged(image, Arc::new(data)),
        }
    }
}

/// Makes a script of a few calls.
pub(crate) fn script(seed: u64) -> Vec<Call> {
    let mut rng = Rng(seed ^ 0x5c21_97aa);
    let count = 4 + rng.below(6);
    let first = Call::Upload(parts(&mut rng));
    let rest = (0..count).map(|_| call(&mut rng));
    std::iter::once(first).chain(rest).collect()
}

fn call(rng: &mut Rng) -> Call {
    match rng.below(16) {
        0 => Call::Create([0, 500, 40_000][rng.below(3) as usize]),
        1..=4 => Call::Upload(parts(rng)),
        5 | 6 => Call::Around(parts(rng), Box::new(inner(rng))),
        7 => Call::Drop(parts(rng)),
        8..=10 => Call::Delete(rng.below(8) as usize),
        11 => Call::Reopen,
        12 => Call::Leave,
        _ => Call::Collect,
    }
}

fn inner(rng: &mut Rng) -> Call {
    match rng.below(4) {
        0 | 1 => Call::Upload(parts(rng)),
        2 => Call::Delete(rng.below(8) as usize),
        _ => Call::Collect,
    }
}

fn parts(rng: &mut Rng) -> Vec<Part> {
    let count = rng.below(4);
    let part = |_| match rng.below(8) {
        0 => Part::Zeros(4096 * (1 + rng.below(300) as usize)),
        1 => Part::Bytes(rng.below(4), 1 + rng.below(5000) as usize),
        // Few seeds and lengths, so that much is stored already.
        _ => Part::Bytes(rng.below(5), 4096 * [5, 20, 40, 70][rng.below(4) as usize]),
    };
    (0..count).map(part).collect()
}

/// Returns the calls of which all short sequences are run.
pub(crate) fn alphabet() -> Vec<Call> {
    vec![
        Call::Create(0),
        Call::Upload(vec![Part::Bytes(1, 3000)]),
        Call::Upload(vec![
            Part::Bytes(2, 150_000),
            Part::Zeros(70_000),
            Part::Bytes(3, 90_000),
        ]),
        Call::Upload(vec![Part::Bytes(2, 150_000), Part::Bytes(4, 60_000)]),
        Call::Drop(vec![Part::Bytes(3, 90_000), Part::Bytes(5, 80_000)]),
        Call::Delete(0),
        Call::Reopen,
        Call::Collect,
    ]
}

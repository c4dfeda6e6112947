//! Rot in packs: every damaged byte that a read needs is a typed error that names the place, and
//! hurts nobody who does not need it.

#![expect(clippy::cast_possible_truncation, reason = "packs of tests are short")]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smalti::check::VerifyReport;
use smalti::chunk::Verify;
use smalti::engine::Builder;
use smalti::read::{ReadMode, ReadOptions, Reader};
use smalti::testing::{PackChunk, PackSegment, pack_segments};
use smalti::{Engine, Error, ErrorCode, ImageId, Images, Settings};

use crate::support::rot::RotDisk;
use crate::support::{Pattern, Rng, bytes, caller, new_image};

const BLOCK: usize = 4096;
const SECTOR: usize = 512;

/// Flips of one to three bits in every block of data that an image uses.
const FLIPS_PER_BLOCK: usize = 90;

/// Proves every chunk at every read, and reads from the disk itself.
const PROVING: ReadOptions = ReadOptions {
    verify: Verify::Always,
    mode: ReadMode::Copy,
};

/// An image, its bytes, and what of packs holds them.
struct Sample {
    name: &'static str,
    id: ImageId,
    bytes: Vec<u8>,
    uses: Vec<Use>,
}

/// Bytes of an image and the chunk that holds them.
struct Use {
    range: Range<u64>,
    place: Place,
}

/// A chunk of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    pack: u64,
    offset: u64,
    len_bytes: u64,
}

impl Place {
    fn meets(&self, pack: u64, bytes: &Range<u64>) -> bool {
        self.pack == pack && self.offset < bytes.end && bytes.start < self.offset + self.len_bytes
    }

    fn is_hit(&self, damage: &Damage) -> bool {
        damage
            .ranges
            .iter()
            .any(|range| self.meets(damage.pack, range))
    }
}

/// What becomes of a pack.
struct Damage {
    pack: u64,
    /// The bytes that change.
    ranges: Vec<Range<u64>>,
}

/// A clean store, its images and its packs.
struct Field {
    disk: RotDisk,
    samples: Vec<Sample>,
    packs: Vec<Pack>,
}

struct Pack {
    number: u64,
    bytes: Vec<u8>,
    segments: Vec<PackSegment>,
    sealed: bool,
}

fn path(pack: u64) -> String {
    format!("packs/{pack:016x}.pack")
}

fn settings() -> Settings {
    Settings {
        hashing_algorithm: None,
        legacy_md5: false,
        pack_len_bytes: 1 << 20,
        seal_from_bytes: 256 << 10,
        reserve_len_bytes: 0,
        index_cache_bytes: 4 << 20,
        ..Settings::default()
    }
}

fn builder(disk: &RotDisk) -> Builder {
    Builder::on_disk(Arc::new(disk.clone())).settings(settings())
}

fn readers(disk: &RotDisk) -> Engine {
    builder(disk).read_only().open().expect("open for reading")
}

fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let random = bytes(Pattern::Random(1), 700_123);
    let mut sharing = random.clone();
    sharing[300_000..300_100].fill(7);
    sharing.extend(bytes(Pattern::Random(2), 90_000));
    // So many pieces that the manifest has several pages.
    let mut pieces = bytes(Pattern::Random(3), 1400 * BLOCK);
    pieces
        .chunks_mut(BLOCK)
        .step_by(2)
        .for_each(|block| block.fill(0));
    vec![
        ("random", random),
        ("deleted", bytes(Pattern::Random(4), 300_000)),
        ("sharing", sharing),
        ("one byte", vec![1]),
        ("mixed", bytes(Pattern::Mixed(5), 1_500_001)),
        ("pieces", pieces),
        ("tail", bytes(Pattern::Random(6), 5000)),
        ("empty", Vec::new()),
        ("zeros", vec![0; 900_000]),
        ("open", bytes(Pattern::Mixed(7), 200_000)),
    ]
}

fn upload(images: &Images, bytes: &[u8]) -> ImageId {
    let image = images.create(new_image()).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    upload.read_from(&mut &*bytes).expect("write");
    *upload.finish().expect("finish").id()
}

impl Field {
    fn new() -> Self {
        let disk = RotDisk::default();
        let engine = builder(&disk).open().expect("make");
        let images = engine.images(&caller());
        let mut samples = Vec::new();
        for (name, bytes) in contents() {
            let id = upload(&images, &bytes);
            match name {
                "deleted" => images.delete(&id).expect("delete"),
                _ => samples.push((name, id, bytes)),
            }
        }
        engine.close(Duration::from_secs(9)).expect("close");
        let engine = readers(&disk);
        let images = engine.images(&caller());
        let sample = |(name, id, bytes)| Sample {
            name,
            id,
            uses: uses(&disk, &images, &id),
            bytes,
        };
        Self {
            samples: samples.into_iter().map(sample).collect(),
            packs: packs(&disk),
            disk,
        }
    }

    /// Returns the chunks of data that images use, and who uses which of their bytes.
    fn users(&self) -> BTreeMap<Place, Vec<(usize, Range<u64>)>> {
        let mut users: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (index, sample) in self.samples.iter().enumerate() {
            for used in &sample.uses {
                let of_chunk = users.entry(used.place).or_default();
                of_chunk.push((index, used.range.clone()));
            }
        }
        users
    }

    fn pack(&self, number: u64) -> &Pack {
        let found = self.packs.iter().find(|pack| pack.number == number);
        found.expect("a pack of the store")
    }

    /// Returns every chunk of a pack.
    fn chunks<'p>(&self, pack: &'p Pack) -> impl Iterator<Item = (Place, &'p PackChunk)> {
        let chunks = pack.segments.iter().flat_map(|segment| &segment.chunks);
        chunks.map(|chunk| {
            let place = Place {
                pack: pack.number,
                offset: chunk.offset,
                len_bytes: chunk.len_bytes.into(),
            };
            (place, chunk)
        })
    }
}

/// Reads an image and returns which of its bytes lie in which chunk.
fn uses(disk: &RotDisk, images: &Images, id: &ImageId) -> Vec<Use> {
    let reader = images.open_with(id, PROVING).expect("open").expect("data");
    disk.take_reads();
    let (mut uses, mut end) = (Vec::new(), 0);
    for slice in reader.slices(..).expect("all") {
        let start = end;
        end += slice.expect("read").len() as u64;
        let reads = disk.take_reads().into_iter();
        let data = reads.filter(|(_, _, len)| *len as u64 == end - start);
        uses.extend(data.map(|(path, offset, len)| Use {
            range: start..end,
            place: Place {
                pack: number(&path),
                offset,
                len_bytes: len as u64,
            },
        }));
    }
    uses
}

fn number(path: &str) -> u64 {
    let digits = path
        .strip_prefix("packs/")
        .and_then(|name| name.strip_suffix(".pack"));
    u64::from_str_radix(digits.expect("a pack"), 16).expect("its number")
}

fn packs(disk: &RotDisk) -> Vec<Pack> {
    let paths = disk.paths().into_iter();
    let paths = paths.filter(|path| path.starts_with("packs/"));
    let pack = |path: String| {
        let (number, bytes) = (number(&path), disk.bytes(&path));
        let (segments, sealed) = pack_segments(&bytes, number).expect("a whole pack");
        Pack {
            number,
            bytes,
            segments,
            sealed,
        }
    };
    paths.map(pack).collect()
}

/// Reads a range, and asserts that it holds no wrong byte.
fn read(reader: &Reader, range: &Range<u64>, sample: &Sample) -> Result<(), Error> {
    let mut at = range.start;
    for slice in reader.slices(range.clone()).expect("within") {
        let slice = slice?;
        let expected = &sample.bytes[at as usize..at as usize + slice.len()];
        assert!(slice == expected, "wrong bytes of {} at {at}", sample.name);
        at += slice.len() as u64;
    }
    assert_eq!(at, range.end, "{} ends too soon", sample.name);
    Ok(())
}

fn read_all(images: &Images, options: ReadOptions, sample: &Sample) -> Result<(), Error> {
    let reader = images
        .open_with(&sample.id, options)?
        .expect("it holds data");
    read(&reader, &(0..sample.bytes.len() as u64), sample)
}

/// Returns the chunk that an error says is damaged.
fn named(error: &Error) -> Place {
    assert_eq!(error.code(), ErrorCode::Corrupt, "{error}");
    let numbers: Vec<&str> = error
        .message()
        .strip_prefix("pack ")
        .and_then(|rest| rest.split_once(" bytes: "))
        .map(|(place, _)| place.split(", ").collect())
        .unwrap_or_default();
    let [pack, offset, len_bytes] = numbers[..] else {
        panic!("no place in {error}");
    };
    Place {
        pack: u64::from_str_radix(pack, 16).expect("a pack"),
        offset: offset
            .strip_prefix("offset ")
            .and_then(|text| text.parse().ok())
            .expect("offset"),
        len_bytes: len_bytes.parse().expect("length"),
    }
}

/// Reads every image on a damaged disk with an engine that was opened on it. Each comes back bit by
/// bit, or with an error that names a damaged chunk; returns the names of those that do not.
fn hurt(
    field: &Field,
    engine: &Engine,
    options: ReadOptions,
    damage: &Damage,
) -> Vec<&'static str> {
    let images = engine.images(&caller());
    let mut hurt = Vec::new();
    for sample in &field.samples {
        let uses_it = sample.uses.iter().any(|used| used.place.is_hit(damage));
        match read_all(&images, options, sample) {
            Ok(()) => assert!(!uses_it, "damage of {} went unnoticed", sample.name),
            Err(error) => {
                assert!(
                    named(&error).is_hit(damage),
                    "{} suffers: {error}",
                    sample.name
                );
                hurt.push(sample.name);
            }
        }
    }
    hurt
}

/// Changes bytes of a pack and changes them back: `change` twice must be no change.
fn flipped<T>(
    disk: &RotDisk,
    pack: u64,
    change: &dyn Fn(&mut Vec<u8>),
    look: impl FnOnce() -> T,
) -> T {
    let path = path(pack);
    disk.change(&path, change);
    let seen = look();
    disk.change(&path, change);
    seen
}

/// Returns a change of one to three bits in `range`.
fn flips(rng: &mut Rng, range: &Range<u64>) -> (Vec<Range<u64>>, impl Fn(&mut Vec<u8>) + use<>) {
    let mut bits = BTreeSet::new();
    for _ in 0..1 + rng.below(3) {
        bits.insert(range.start * 8 + rng.below((range.end - range.start) * 8));
    }
    let ranges = bits.iter().map(|bit| bit / 8..bit / 8 + 1).collect();
    let change = move |bytes: &mut Vec<u8>| {
        bits.iter()
            .for_each(|bit| bytes[(bit / 8) as usize] ^= 1 << (bit % 8));
    };
    (ranges, change)
}

fn pieces(range: Range<u64>, step: usize) -> impl Iterator<Item = Range<u64>> {
    let starts = (range.start / step as u64..).map(move |index| index * step as u64);
    starts
        .map(move |start| start.max(range.start)..(start + step as u64).min(range.end))
        .take_while(|piece| piece.start < piece.end)
}

/// Reads, of an open engine, what is damaged and what is not.
struct Watch<'f> {
    field: &'f Field,
    readers: Vec<Reader>,
    users: BTreeMap<Place, Vec<(usize, Range<u64>)>>,
    rng: Rng,
    variants: u64,
    others: u64,
}

impl<'f> Watch<'f> {
    fn new(field: &'f Field) -> Self {
        let images = readers(&field.disk).images(&caller());
        let open = |sample: &Sample| {
            images
                .open_with(&sample.id, PROVING)
                .expect("open")
                .expect("data")
        };
        Self {
            field,
            readers: field.samples.iter().map(open).collect(),
            users: field.users(),
            rng: Rng(11),
            variants: 0,
            others: 0,
        }
    }

    /// Asserts that every user of damaged chunks gets an error, and now and then that another
    /// image does not.
    fn assert_found(&mut self, chunks: &[Place], change: &dyn Fn(&mut Vec<u8>)) {
        self.variants += 1;
        let (field, readers, users) = (self.field, &self.readers, &self.users);
        let other = self.rng.below(16) == 0;
        let at = self.rng.below(users.len() as u64) as usize;
        let other = users
            .iter()
            .nth(at)
            .filter(|(place, _)| other && !chunks.contains(place));
        self.others += u64::from(other.is_some());
        flipped(&field.disk, chunks[0].pack, change, || {
            for chunk in chunks {
                for (user, range) in &users[chunk] {
                    let sample = &field.samples[*user];
                    let error = read(&readers[*user], range, sample).expect_err("it is damaged");
                    assert_eq!(named(&error), *chunk, "{error}");
                }
            }
            for (user, range) in other.into_iter().flat_map(|(_, users)| users) {
                let sample = &field.samples[*user];
                read(&readers[*user], range, sample).expect("it is not damaged");
            }
        });
    }
}

#[test]
fn every_damaged_chunk_is_found_by_who_reads_it() {
    let (field, began) = (Field::new(), Instant::now());
    let mut watch = Watch::new(&field);
    let mut rng = Rng(12);
    let places: Vec<Place> = watch.users.keys().copied().collect();
    let mut counts = [0; 3];
    for place in &places {
        let range = place.offset..place.offset + place.len_bytes;
        for block in pieces(range.clone(), BLOCK) {
            for _ in 0..FLIPS_PER_BLOCK {
                let (_, change) = flips(&mut rng, &block);
                watch.assert_found(&[*place], &change);
                counts[0] += 1;
            }
        }
        for sector in pieces(range, SECTOR) {
            let sector = sector.start as usize..sector.end as usize;
            let bytes = &field.pack(place.pack).bytes[sector.clone()];
            if bytes.iter().any(|&byte| byte != 0) {
                // Exclusive or with itself: zeros at first, the bytes again at last.
                let change = |pack: &mut Vec<u8>| {
                    let both = pack[sector.clone()].iter_mut().zip(bytes);
                    both.for_each(|(byte, with)| *byte ^= with);
                };
                watch.assert_found(&[*place], &change);
                counts[1] += 1;
            }
        }
    }
    for (index, one) in places.iter().enumerate() {
        let of_length = |two: &&Place| (two.pack, two.len_bytes) == (one.pack, one.len_bytes);
        if let Some(two) = places[index + 1..].iter().find(of_length) {
            let len = one.len_bytes as usize;
            let (start, other) = (one.offset as usize, two.offset as usize);
            let change = |pack: &mut Vec<u8>| {
                let (head, tail) = pack.split_at_mut(other);
                head[start..start + len].swap_with_slice(&mut tail[..len]);
            };
            watch.assert_found(&[*one, *two], &change);
            counts[2] += 1;
        }
    }
    let (variants, others, took) = (watch.variants, watch.others, began.elapsed());
    println!(
        "{variants} damaged variants of data, all found, in {took:?}: {} flips, {} zeroed sectors, {} swaps; {others} reads of others, all exact",
        counts[0], counts[1], counts[2]
    );
    assert!(counts[0] >= 100_000 && counts[1] >= 8_000 && counts[2] >= 300);
    assert!(others >= 3000, "{others}");
}

#[test]
fn a_fresh_engine_tells_damage_of_every_block_and_hurts_nobody_else() {
    let (field, began) = (Field::new(), Instant::now());
    let (mut rng, mut variants, mut found) = (Rng(13), 0, 0);
    let mut unnoticed = BTreeSet::new();
    for pack in &field.packs {
        for block in pieces(0..pack.bytes.len() as u64, BLOCK) {
            let (ranges, change) = flips(&mut rng, &block);
            let damage = Damage {
                pack: pack.number,
                ranges,
            };
            let hurt = flipped(&field.disk, pack.number, &change, || {
                hurt(
                    &field,
                    &readers(&field.disk),
                    ReadOptions::default(),
                    &damage,
                )
            });
            variants += 1;
            found += usize::from(!hurt.is_empty());
            if hurt.is_empty() {
                unnoticed.extend(damage.ranges.iter().map(|range| (pack.number, range.start)));
            }
        }
    }
    // What nobody notices is what nobody needs.
    for (number, byte) in &unnoticed {
        let pack = field.pack(*number);
        let (place, chunk) = match field
            .chunks(pack)
            .find(|(place, _)| place.meets(*number, &(*byte..byte + 1)))
        {
            Some(found) => found,
            None => continue,
        };
        let is_used = field.users().contains_key(&place);
        assert!(
            !is_used,
            "pack {number} byte {byte} of {chunk:?} was damaged and read"
        );
    }
    let took = began.elapsed();
    println!(
        "{variants} damaged blocks, each with a fresh engine that reads all images, in {took:?}: {found} found, {} in what nobody reads",
        variants - found
    );
}

#[test]
fn every_damaged_page_of_a_manifest_is_found() {
    let (field, began) = (Field::new(), Instant::now());
    let (mut rng, mut variants) = (Rng(14), 0);
    let mut garbage = 0;
    for pack in &field.packs {
        for (place, _) in field.chunks(pack).filter(|(_, chunk)| chunk.is_page) {
            let range = place.offset..place.offset + place.len_bytes;
            let mut victims = None;
            for piece in pieces(range, 32) {
                let (ranges, change) = flips(&mut rng, &piece);
                let damage = Damage {
                    pack: pack.number,
                    ranges,
                };
                let hurt = flipped(&field.disk, pack.number, &change, || {
                    hurt(
                        &field,
                        &readers(&field.disk),
                        ReadOptions::default(),
                        &damage,
                    )
                });
                variants += 1;
                assert_eq!(victims.get_or_insert(hurt.clone()), &hurt, "{place:?}");
            }
            garbage += usize::from(victims.is_some_and(|victims| victims.is_empty()));
        }
    }
    assert_eq!(
        garbage, 1,
        "the page of the deleted image alone is needed by nobody"
    );
    println!(
        "{variants} damaged pieces of manifest pages, in {:?}",
        began.elapsed()
    );
    assert!(variants > 500, "{variants}");
}

#[test]
fn every_truncation_is_found_and_what_lies_before_reads_on() {
    let (field, began) = (Field::new(), Instant::now());
    let (mut variants, mut found) = (0, 0);
    for pack in &field.packs {
        for end in (0..pack.bytes.len() as u64).step_by(BLOCK) {
            let disk = field.disk.copy();
            disk.change(&path(pack.number), |bytes| bytes.truncate(end as usize));
            let damage = Damage {
                pack: pack.number,
                ranges: Some(end..u64::MAX).into_iter().collect(),
            };
            // Opened for writing: open packs are taken up again.
            let engine = builder(&disk)
                .open()
                .expect("packs do not keep an engine shut");
            let hurt = hurt(&field, &engine, ReadOptions::default(), &damage);
            variants += 1;
            found += usize::from(!hurt.is_empty());
        }
    }
    println!(
        "{variants} truncations, in {:?}: {found} found by reading",
        began.elapsed()
    );
    assert!(variants > 1000, "{variants}");
}

/// What a byte of a pack is, where it is in no chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Header,
    Padding,
    Descriptor,
    Footer,
}

/// Returns the bytes of a pack that are in no chunk.
fn parts(pack: &Pack) -> Vec<(Part, Range<u64>)> {
    let mut parts = vec![(Part::Header, 0..BLOCK as u64)];
    for segment in &pack.segments {
        let last = segment.chunks.last().expect("a segment has a chunk");
        let descriptor = segment.end - 64 - 36 * segment.chunks.len() as u64;
        parts.push((
            Part::Padding,
            last.offset + u64::from(last.len_bytes)..descriptor,
        ));
        parts.push((Part::Descriptor, descriptor..segment.end));
    }
    let end = pack
        .segments
        .last()
        .map_or(BLOCK as u64, |segment| segment.end);
    if pack.sealed {
        parts.push((Part::Footer, end..pack.bytes.len() as u64));
    }
    parts
}

#[test]
fn every_damaged_byte_around_chunks_is_found_by_a_walk_and_needed_by_no_read() {
    let (field, began) = (Field::new(), Instant::now());
    let mut watch = Watch::new(&field);
    let mut counts: BTreeMap<Part, [u64; 2]> = BTreeMap::new();
    for pack in &field.packs {
        let whole = (pack.segments.clone(), pack.sealed);
        let mut bytes = pack.bytes.clone();
        for (part, range) in parts(pack) {
            for byte in range {
                let bits = 1 << watch.rng.below(8);
                bytes[byte as usize] ^= bits;
                let found = pack_segments(&bytes, pack.number).ok() != Some(whole.clone());
                bytes[byte as usize] ^= bits;
                assert_eq!(
                    found,
                    part != Part::Padding,
                    "{part:?} at {byte} of {}",
                    pack.number
                );
                let count = counts.entry(part).or_default();
                count[0] += 1;
                count[1] += u64::from(found);
            }
        }
        // All of it at once, and still every image reads: on an engine that was open before and on
        // a fresh one.
        let change = |bytes: &mut Vec<u8>| {
            let around = parts(pack).into_iter().flat_map(|(_, range)| range);
            around.for_each(|byte| bytes[byte as usize] ^= 0xff);
        };
        flipped(&field.disk, pack.number, &change, || {
            for (reader, sample) in watch.readers.iter().zip(&field.samples) {
                let all = 0..sample.bytes.len() as u64;
                read(reader, &all, sample).expect("nothing that it needs is damaged");
            }
            for engine in [
                readers(&field.disk),
                builder(&field.disk.copy()).open().expect("open"),
            ] {
                let damage = Damage {
                    pack: pack.number,
                    ranges: Vec::new(),
                };
                let hurt = hurt(&field, &engine, ReadOptions::default(), &damage);
                assert!(hurt.is_empty(), "{hurt:?}");
            }
        });
    }
    println!(
        "around chunks, damaged bytes and how many a walk finds, in {:?}: {counts:?}",
        began.elapsed()
    );
    assert!(counts.values().map(|count| count[0]).sum::<u64>() > 50_000);
}

#[test]
fn a_check_finds_damage_of_every_block_and_names_the_images_it_touches() {
    let (field, began) = (Field::new(), Instant::now());
    let engine = readers(&field.disk);
    let report = engine.verify(|_| {}).expect("check");
    assert!(report.is_clean(), "{:?}", report.damage);
    let (mut rng, mut variants) = (Rng(15), [0; 2]);
    for pack in &field.packs {
        let around = parts(pack)
            .into_iter()
            .flat_map(|(_, range)| pieces(range, 100));
        for block in pieces(0..pack.bytes.len() as u64, BLOCK).chain(around) {
            let (ranges, change) = flips(&mut rng, &block);
            let report = flipped(&field.disk, pack.number, &change, || engine.verify(|_| {}));
            let report = report.expect("damage is no error");
            let found = report.damage.iter().filter_map(|damage| damage.pack);
            let found: BTreeSet<String> = found.map(|pack| pack.to_string()).collect();
            let expected = format!("{:016x}", pack.number);
            assert_eq!(found, BTreeSet::from([expected]), "{:?}", report.damage);
            let damage = Damage {
                pack: pack.number,
                ranges,
            };
            let hit: Vec<_> = field
                .chunks(pack)
                .filter(|(place, _)| place.is_hit(&damage))
                .collect();
            // Who needs a page is not known here.
            let only_data = hit.iter().all(|(_, chunk)| !chunk.is_page);
            if !hit.is_empty()
                && only_data
                && parts(pack).iter().all(|(_, part)| !meet(part, &damage))
            {
                assert_eq!(
                    touched(&field, &report),
                    suffering(&field, &damage),
                    "{:?}",
                    report.damage
                );
                variants[1] += 1;
            }
            variants[0] += 1;
        }
    }
    println!(
        "{} damaged variants, all found by a check, in {:?}; {} of them traced to the images",
        variants[0],
        began.elapsed(),
        variants[1]
    );
    assert!(variants[1] > 1000, "{variants:?}");
}

fn meet(part: &Range<u64>, damage: &Damage) -> bool {
    let mut ranges = damage.ranges.iter();
    ranges.any(|range| range.start < part.end && part.start < range.end)
}

/// Returns the images that a check says are touched.
fn touched(field: &Field, report: &VerifyReport) -> BTreeSet<&'static str> {
    let ids = report.damage.iter().flat_map(|damage| &damage.images);
    let name = |id: &ImageId| {
        field
            .samples
            .iter()
            .find(|sample| sample.id == *id)
            .expect("an image")
            .name
    };
    ids.map(name).collect()
}

/// Returns the images that cannot be read while a pack is damaged.
fn suffering(field: &Field, damage: &Damage) -> BTreeSet<&'static str> {
    let uses_it = |sample: &&Sample| sample.uses.iter().any(|used| used.place.is_hit(damage));
    let names = field
        .samples
        .iter()
        .filter(uses_it)
        .map(|sample| sample.name);
    names.collect()
}

//! What all figures share: bytes, directories, engines, and a cold page cache.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use smalti::hash::Algorithm;
use smalti::limits::TIB;
use smalti::{Caller, ContainerFormat, DiskFormat, Engine, ImageId, Images, NewImage, Settings};

use crate::{Goal, Plan, Row, mb_per_s};

/// A directory of its own below the one of the run; it goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new(plan: &Plan, name: &str) -> Self {
        let path = plan
            .dir
            .join(format!("smalti-figures-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("directory");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Returns the length of all packs below an engine's directory, in bytes.
    pub(crate) fn pack_bytes(&self, engine: &str) -> u64 {
        let packs = fs::read_dir(self.0.join(engine).join("packs")).expect("packs");
        packs
            .map(|entry| entry.expect("entry").metadata().expect("metadata").len())
            .sum()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A small fast generator.
#[derive(Debug, Clone)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Returns incompressible bytes.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut rng = Rng(seed);
    let mut bytes = vec![0; len];
    for word in bytes.chunks_mut(8) {
        word.copy_from_slice(&rng.next().to_le_bytes()[..word.len()]);
    }
    bytes
}

/// Which digests of whole images are computed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Digests {
    pub(crate) md5: bool,
    pub(crate) sha: Option<Algorithm>,
}

pub(crate) const MD5_AND_SHA512: Digests = Digests {
    md5: true,
    sha: Some(Algorithm::Sha512),
};
pub(crate) const SHA256: Digests = Digests {
    md5: false,
    sha: Some(Algorithm::Sha256),
};
pub(crate) const IDENTITY: Digests = Digests {
    md5: false,
    sha: None,
};

pub(crate) fn settings(digests: Digests) -> Settings {
    Settings {
        hashing_algorithm: digests.sha,
        legacy_md5: digests.md5,
        image_size_cap: 8 * TIB,
        ..Settings::default()
    }
}

pub(crate) fn engine(path: &Path, digests: Digests) -> Engine {
    let opened = Engine::builder(path).settings(settings(digests)).open();
    opened.expect("engine")
}

pub(crate) fn images(engine: &Engine) -> Images {
    engine.images(&Caller::project("a"))
}

pub(crate) fn new_image() -> NewImage {
    NewImage::named("figure")
        .disk_format(DiskFormat::Raw)
        .container_format(ContainerFormat::Bare)
}

/// Uploads all bytes of a source to a new image.
pub(crate) fn upload(images: &Images, source: &mut dyn Read) -> ImageId {
    let id = *images.create(new_image()).expect("create").id();
    fill(images, &id, source);
    id
}

pub(crate) fn fill(images: &Images, id: &ImageId, source: &mut dyn Read) {
    let mut upload = images.upload(id).expect("begin");
    upload.read_from(source).expect("take");
    upload.finish().expect("finish");
}

/// Drops the clean pages of all files below a directory from the page cache.
pub(crate) fn forget(dir: &Path) {
    for entry in fs::read_dir(dir).expect("directory") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            forget(&path);
        } else {
            let file = File::open(&path).expect("file");
            let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
        }
    }
}

/// Tells whether a directory lies in memory, where nothing is ever cold.
pub(crate) fn in_memory(dir: &Path) -> bool {
    const TMPFS: i128 = 0x0102_1994;
    rustix::fs::statfs(dir).is_ok_and(|stat| i128::from(stat.f_type) == TMPFS)
}

/// Writes a file of some bytes, durable; in steps of 1 MiB, as programs that copy files do. (One
/// huge write lays its pages down in longer runs, which maps like.)
pub(crate) fn write_file(path: &Path, bytes: &[u8]) {
    let mut file = File::create(path).expect("file");
    for step in bytes.chunks(1 << 20) {
        file.write_all(step).expect("write");
    }
    file.sync_data().expect("sync");
}

/// What the medium does: one file of noise written and synced, then read cold.
pub(crate) fn disk(plan: &Plan) -> Vec<Row> {
    let place = Place::new(plan, "disk");
    let bytes = noise(9, plan.len_bytes());
    let path = place.join("file");
    let start = Instant::now();
    write_file(&path, &bytes);
    let written = mb_per_s(bytes.len(), start.elapsed());
    forget(place.path());
    let start = Instant::now();
    let file = File::open(&path).expect("file");
    let mut buf = vec![0; 1 << 20];
    for at in 0..plan.size_mib {
        file.read_exact_at(&mut buf, (at << 20) as u64)
            .expect("read");
    }
    let read = mb_per_s(bytes.len(), start.elapsed());
    let row = |what: &str, rate| Row {
        figure: "disk",
        what: what.to_owned(),
        unit: "MB/s",
        smalti: rate,
        raw: None,
        ratio: None,
        goal: Goal::None,
    };
    vec![
        row("one file written and synced", written),
        row("the same read cold", read),
    ]
}

//! A cloud of images: 200 projects of skewed sizes, and values as skewed as those of clouds are.
//!
//! An image is a function of its number, so nothing of a million has to be kept. The images of a
//! project have neighbouring numbers, ascending by time.

use std::path::Path;

use smalti::engine::Builder;
use smalti::image::MemberStatus;
use smalti::testing::{MadeImage, put_images};
use smalti::{
    ContainerFormat, Digest, DiskFormat, ImageId, NewImage, ProjectId, Settings, Status, Timestamp,
    Visibility,
};

use crate::data::{MD5_AND_SHA512, Rng, settings};
use crate::quick::QuickDisk;

const PROJECTS: usize = 200;
const TAGS: u64 = 200;
const NAMES: u64 = 300;
const PROPERTIES: u64 = 40;
/// 2023-11-14, and a second year of images behind it.
const BEGIN_US: i64 = 1_700_000_000_000_000;
const SPAN_US: i64 = 63_000_000_000_000;
const GB: u64 = 1 << 30;
const BATCH: u64 = 1000;

/// Which images there are.
#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    /// Number of the first image of each project, and of the one behind the last.
    firsts: Vec<u64>,
}

impl Fleet {
    pub(crate) fn new(count: u64) -> Self {
        let weight = |project: usize| 1.0 / (project + 1) as f64;
        let total: f64 = (0..PROJECTS).map(weight).sum();
        let mut sum = 0.0;
        let mut firsts = vec![0];
        for project in 0..PROJECTS {
            sum += weight(project);
            firsts.push((sum / total * count as f64).round() as u64);
        }
        Self { firsts }
    }

    pub(crate) fn len(&self) -> u64 {
        self.firsts[PROJECTS]
    }

    pub(crate) fn id(number: u64) -> ImageId {
        let mut rng = Rng(number ^ 0x1d1d);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&rng.next().to_le_bytes());
        bytes[8..].copy_from_slice(&rng.next().to_le_bytes());
        ImageId::from_bytes(bytes)
    }

    pub(crate) fn owner(&self, number: u64) -> usize {
        self.firsts.partition_point(|first| *first <= number) - 1
    }

    /// Returns the number of the image of a project that is neither old nor new.
    pub(crate) fn middle(&self, project: usize) -> u64 {
        u64::midpoint(self.firsts[project], self.firsts[project + 1])
    }

    /// Returns MD5 and SHA-512 of the data of an image.
    pub(crate) fn digests(number: u64) -> (Digest, Digest) {
        let digest = |len: usize| {
            let mut bytes = [0; 64];
            for word in bytes.as_chunks_mut::<8>().0 {
                *word = Rng(number + len as u64).next().to_le_bytes();
            }
            Digest::from_bytes(&bytes[..len]).expect("a digest")
        };
        (digest(16), digest(64))
    }

    pub(crate) fn created_at(&self, number: u64) -> Timestamp {
        let owner = self.owner(number);
        let (first, end) = (self.firsts[owner], self.firsts[owner + 1]);
        let step = SPAN_US / (end - first).max(1) as i64;
        let jitter = (Rng(number ^ 0x71).next() >> 1) as i64 % step.max(1);
        Timestamp::from_micros(BEGIN_US + (number - first) as i64 * step + jitter)
    }

    /// Makes what a caller would ask for.
    pub(crate) fn wanted(&self, number: u64) -> NewImage {
        let mut rng = Rng(number.wrapping_mul(0x9e37));
        let name = match rng.below(10) {
            0..4 => format!("name-{}", skewed(&mut rng, NAMES)),
            _ => format!("image-{number:07}"),
        };
        let mut new = NewImage::named(name)
            .visibility(visibility(&mut rng))
            .min_ram([0, 0, 0, 512, 1024, 2048][rng.below(6) as usize])
            .min_disk([0, 0, 1, 10, 20, 40][rng.below(6) as usize]);
        if rng.below(50) == 0 {
            new = new.hidden();
        }
        if rng.below(20) == 0 {
            new = new.protected();
        }
        new = match rng.below(100) {
            0..70 => new.disk_format(DiskFormat::Qcow2),
            70..97 => new.disk_format(DiskFormat::Raw),
            97 => new.disk_format(DiskFormat::Iso),
            98 => new.disk_format(DiskFormat::Vmdk),
            _ => new,
        };
        new = match rng.below(100) {
            0..97 => new.container_format(ContainerFormat::Bare),
            97 => new.container_format(ContainerFormat::Ova),
            98 => new.container_format(ContainerFormat::Docker),
            _ => new,
        };
        for _ in 0..rng.below(5) {
            new = new.tag(format!("tag-{}", skewed(&mut rng, TAGS)));
        }
        for _ in 0..2 + rng.below(4) {
            let name = format!("property_{}", skewed(&mut rng, PROPERTIES));
            new = new.property(name, format!("value-{}", skewed(&mut rng, 20)));
        }
        new
    }

    fn image(&self, number: u64) -> MadeImage {
        let mut rng = Rng(number.wrapping_mul(0x51_7cc1));
        let created_at = self.created_at(number);
        let later = match rng.below(2) {
            0 => 60_000_000,
            _ => rng.below(30 * 86_400_000_000) as i64,
        };
        let status = status(&mut rng);
        let has_data = matches!(status, Status::Active | Status::Deactivated);
        let owner = self.owner(number);
        let size = match rng.below(10) {
            0..5 => [GB, 2 * GB, 10 * GB][skewed(&mut rng, 3) as usize],
            _ => rng.below(20 * GB),
        };
        let shared = rng.below(20) == 0;
        let member = |at: u64| {
            let status = MemberStatus::ALL[(at % 3) as usize];
            (project(at as usize % PROJECTS), status)
        };
        let others: Vec<u64> = (0..1 + rng.below(3))
            .map(|_| skewed(&mut rng, PROJECTS as u64))
            .filter(|other| *other as usize != owner)
            .collect();
        let members = others.into_iter().filter(|_| shared).map(member).collect();
        MadeImage {
            new: self
                .wanted(number)
                .id(Self::id(number))
                .owner(project(owner).as_str()),
            status,
            size: has_data.then_some(size),
            virtual_size: (has_data && rng.below(3) > 0).then_some(size.next_multiple_of(GB)),
            digests: has_data.then(|| Self::digests(number)),
            created_at,
            updated_at: Timestamp::from_micros(created_at.as_micros() + later),
            members,
        }
    }

    /// Fills an engine, whose index then lies in one directory.
    pub(crate) fn fill(&self, dir: &Path) {
        let quick = Settings {
            index_cache_bytes: 3 << 30,
            checkpoint_log_bytes: 256 << 20,
            ..settings(MD5_AND_SHA512)
        };
        let builder = Builder::on_disk(QuickDisk::shared(dir)).settings(quick);
        let engine = builder.open().expect("engine");
        for first in (0..self.len()).step_by(BATCH as usize) {
            let numbers = first..(first + BATCH).min(self.len());
            let made: Vec<MadeImage> = numbers.map(|number| self.image(number)).collect();
            put_images(&engine, &made).expect("put");
        }
        engine.close(std::time::Duration::ZERO).expect("close");
    }
}

pub(crate) fn project(number: usize) -> ProjectId {
    ProjectId::new(format!("project-{number:03}")).expect("a project")
}

fn visibility(rng: &mut Rng) -> Visibility {
    match rng.below(100) {
        0 => Visibility::Public,
        1..5 => Visibility::Community,
        5..45 => Visibility::Shared,
        _ => Visibility::Private,
    }
}

fn status(rng: &mut Rng) -> Status {
    match rng.below(1000) {
        0..930 => Status::Active,
        930..960 => Status::Queued,
        960..970 => Status::Saving,
        970..980 => Status::Importing,
        980 => Status::Uploading,
        _ => Status::Deactivated,
    }
}

/// Returns a number below a bound, small ones much more often: each octave is as likely.
fn skewed(rng: &mut Rng, bound: u64) -> u64 {
    let part = rng.below(1 << 20) as f64 / f64::from(1 << 20);
    ((bound as f64 + 1.0).powf(part) as u64 - 1).min(bound - 1)
}

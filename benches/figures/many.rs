//! Figures of engines with many images: S8 to S13 on one data set, and how they grow with it.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use smalti::{Caller, Engine, Settings};

use crate::data::{MD5_AND_SHA512, Place, Rng, engine, settings};
use crate::fleet::{Fleet, project};
use crate::lists::{self, Any};
use crate::memory::{own_mib, run_child};
use crate::raw_index::RawIndex;
use crate::{Goal, Plan, Row, median};

/// What was measured at one number of images.
#[derive(Debug, Default)]
struct Seen {
    count: u64,
    show: Option<(f64, f64)>,
    page: Option<(f64, f64)>,
    any: Option<Any>,
    create: Option<(f64, f64)>,
    create_many: Option<f64>,
    idle: Option<f64>,
}

pub(crate) fn many(plan: &Plan) -> Vec<Row> {
    let all = plan.images;
    let grows = plan.wants("S12");
    let smaller = [all / 100, all / 10].into_iter().filter(|_| grows);
    let smaller: Vec<Seen> = smaller.map(|count| measure(plan, count)).collect();
    let seen = measure(plan, all);
    let mut rows = seen.rows();
    for small in &smaller {
        rows.extend(growth(small, &seen));
    }
    if plan.wants("S13") {
        let place = Place::new(plan, "one");
        let upload = run_child("upload", place.path(), "256").unwrap_or(f64::NAN);
        rows.push(memory("memory of one upload at its peak", upload, 24.0));
    }
    rows
}

fn measure(plan: &Plan, count: u64) -> Seen {
    let fleet = Fleet::new(count);
    let place = Place::new(plan, &format!("fleet-{count}"));
    let made = plan.fleet.as_ref().map(|dir| dir.join(count.to_string()));
    let root = made.unwrap_or_else(|| place.path().to_owned());
    let (path, raw) = (root.join("engine"), root.join("raw.redb"));
    if !raw.exists() {
        std::fs::create_dir_all(&root).expect("directory");
        let start = Instant::now();
        fleet.fill(&path);
        let ours = start.elapsed();
        fill_raw(&fleet, &raw);
        let all = start.elapsed();
        println!(
            "{count} images made in {ours:.0?}, the raw rows in {:.0?}",
            all - ours
        );
    }
    let grows = plan.wants("S12");
    let wants = |figure: &str| grows || plan.wants(figure);
    let mut seen = Seen {
        count,
        ..Seen::default()
    };
    if plan.wants("S13") {
        seen.idle = run_child("idle", &path, &count.to_string());
    }
    let cached = Settings {
        index_cache_bytes: plan.cache_bytes,
        ..settings(MD5_AND_SHA512)
    };
    let engine = Engine::builder(&path)
        .settings(cached)
        .open()
        .expect("engine");
    let raw = RawIndex::open(&raw, plan.cache_bytes);
    seen.show = wants("S9").then(|| show(&engine, &fleet, &raw));
    seen.page = wants("S10").then(|| lists::default_view(&engine, &fleet, &raw));
    seen.any = wants("S11").then(|| lists::any(&engine, &fleet));
    if plan.wants("S8") {
        seen.create = Some(create(&engine, &fleet, &raw));
        seen.create_many = Some(create_many(&engine, &fleet));
    }
    engine.close(Duration::ZERO).expect("close");
    seen
}

/// Fills the bare index with as many records.
fn fill_raw(fleet: &Fleet, path: &Path) {
    let placed = |number| {
        let created = fleet.created_at(number).as_micros();
        (fleet.owner(number), created, *Fleet::id(number).as_bytes())
    };
    let raw = RawIndex::create_with(path, 2 << 30);
    raw.fill(&mut (0..fleet.len()).map(placed));
}

fn micros(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e6
}

/// Returns the medians of a show by its owner, and of a raw get.
fn show(engine: &Engine, fleet: &Fleet, raw: &RawIndex) -> (f64, f64) {
    let tenants: Vec<_> = (0..200)
        .map(|at| engine.images(&Caller::project(project(at).as_str())))
        .collect();
    let mut rng = Rng(3);
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..60_000 {
        let number = rng.below(fleet.len());
        let (id, images) = (Fleet::id(number), &tenants[fleet.owner(number)]);
        let shown = micros(|| drop(black_box(images.show(&id).expect("show"))));
        let id = Fleet::id(rng.below(fleet.len()));
        let got = micros(|| {
            black_box(raw.get(id.as_bytes()));
        });
        if round >= 10_000 {
            ours.push(shown);
            bare.push(got);
        }
    }
    (median(ours), median(bare))
}

/// Returns the medians of a durable create, with tags and properties, and of a raw commit.
fn create(engine: &Engine, fleet: &Fleet, raw: &RawIndex) -> (f64, f64) {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for number in 0..500 {
        let owner = fleet.owner(Rng(number).below(fleet.len()));
        let images = engine.images(&Caller::admin());
        let new = fleet.wanted(number).owner(project(owner).as_str());
        ours.push(micros(|| drop(images.create(new).expect("create"))));
        let id = Fleet::id(number + (1 << 40) + u64::from(std::process::id()));
        bare.push(micros(|| raw.put([id.as_bytes()])));
    }
    (median(ours), median(bare))
}

/// Returns how many creates of 64 threads end in a second.
fn create_many(engine: &Engine, fleet: &Fleet) -> f64 {
    const EACH: u64 = 200;
    let start = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..64 {
            scope.spawn(move || {
                let images = engine.images(&Caller::admin());
                for number in thread * EACH..(thread + 1) * EACH {
                    let owner = fleet.owner(Rng(number).below(fleet.len()));
                    let new = fleet.wanted(number).owner(project(owner).as_str());
                    images.create(new).expect("create");
                }
            });
        }
    });
    (64 * EACH) as f64 / start.elapsed().as_secs_f64()
}

/// Opens an engine and shows each of its images; returns the memory that this took.
pub(crate) fn idle_mib(dir: &Path, count: u64) -> f64 {
    let before = own_mib();
    let engine = engine(dir, MD5_AND_SHA512);
    let images = engine.images(&Caller::admin());
    for number in 0..count {
        images.show(&Fleet::id(number)).expect("show");
    }
    own_mib() - before
}

fn memory(what: &str, smalti: f64, most: f64) -> Row {
    Row {
        figure: "S13",
        what: what.to_owned(),
        unit: "MiB",
        smalti,
        raw: None,
        ratio: None,
        goal: Goal::AtMost(most),
    }
}

impl Seen {
    fn rows(&self) -> Vec<Row> {
        let count = self.count;
        let beside = |figure, what: String, (ours, raw): (f64, f64), goal| Row {
            figure,
            what: format!("{what}, {count} images"),
            unit: "us",
            smalti: ours,
            raw: Some(raw),
            ratio: Some(raw / ours),
            goal,
        };
        let alone = |figure, what: &str, unit, smalti, goal| Row {
            figure,
            what: format!("{what}, {count} images"),
            unit,
            smalti,
            raw: None,
            ratio: None,
            goal,
        };
        let mut rows = Vec::new();
        if let Some(both) = self.create {
            let what = "durable create, 1 thread (speeds)".to_owned();
            rows.push(beside("S8", what, both, Goal::Ratio(1.0)));
        }
        if let Some(rate) = self.create_many {
            let what = "durable create, 64 threads";
            rows.push(alone("S8", what, "1/s", rate, Goal::AtLeast(20_000.0)));
        }
        if let Some(both) = self.show {
            let what = "show by id: p50 (speeds)".to_owned();
            rows.push(beside("S9", what, both, Goal::Ratio(0.5)));
            let what = "the same";
            rows.push(alone("S9", what, "us", both.0, Goal::AtMost(3.0)));
        }
        if let Some(both) = self.page {
            let what = "default view of a tenant: p50 (times)".to_owned();
            rows.push(Row {
                ratio: Some(both.0 / both.1),
                ..beside("S10", what, both, Goal::RatioBelow(0.5))
            });
        }
        if let Some(any) = &self.any {
            let what = format!("{} filters x orders: p50", any.count);
            rows.push(alone("S11", &what, "us", any.p50, Goal::None));
            rows.push(alone("S11", "p99", "us", any.p99, Goal::AtMost(10_000.0)));
            let what = "p50 with one equality";
            rows.push(alone("S11", what, "us", any.equal_p50, Goal::AtMost(150.0)));
            for (time, name) in &any.worst {
                println!("  worst of {count}: {:.1} ms, {name}", time / 1e3);
            }
        }
        if let Some(mib) = self.idle {
            let what = format!("memory of an engine with {count} images, all read");
            rows.push(memory(&what, mib, 64.0 + 64.0 + 32.0));
        }
        rows
    }
}

/// Returns how much more time the larger one takes than the smaller one, beside the raw index.
fn growth(small: &Seen, large: &Seen) -> Vec<Row> {
    let row = |what: &str, ours: f64, raw: Option<f64>| Row {
        figure: "S12",
        what: format!("{what}: {} images beside {}", large.count, small.count),
        unit: "x",
        smalti: ours,
        raw,
        ratio: raw.map(|raw| ours / raw),
        goal: match raw {
            Some(_) => Goal::RatioBelow(1.5),
            None => Goal::None,
        },
    };
    let mut rows = Vec::new();
    if let (Some(a), Some(b)) = (small.show, large.show) {
        rows.push(row("show", b.0 / a.0, Some(b.1 / a.1)));
    }
    if let (Some(a), Some(b)) = (small.page, large.page) {
        rows.push(row("default view", b.0 / a.0, Some(b.1 / a.1)));
    }
    if let (Some(a), Some(b)) = (&small.any, &large.any) {
        rows.push(row("any list, p50", b.p50 / a.p50, None));
        rows.push(row("any list, p99", b.p99 / a.p99, None));
    }
    rows
}

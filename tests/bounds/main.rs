//! Hostile bodies, queries and files, each below 1 MiB, through the calls of an engine: the typed
//! error or the right answer, within 50 ms and 16 MiB, and a refusal changes nothing.
//!
//! A binary of its own, because it counts what is allocated. Time is that of the processor, so that
//! other work of the machine does not count.

mod files;
#[cfg(feature = "testing")]
mod images;
#[cfg(feature = "testing")]
mod inspect;
mod memory;
mod patches;
mod queries;
mod requests;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use smalti::image::{Decision, Member, Patch};
use smalti::patch::Dialect;
use smalti::policy::{ProtectionFormat, Rules};
use smalti::query::ListQuery;
use smalti::{Caller, ContainerFormat, DiskFormat, Engine, ErrorCode, ImageId, Images, Limits};
use smalti::{NewImage, Result, Settings};

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

/// Longest time of one input; assertions of debug builds may cost four times as much again.
const TIME_MAX: Duration = Duration::from_millis(if cfg!(debug_assertions) { 200 } else { 50 });
/// Most memory of one input, in bytes.
const MEMORY_MAX: usize = 16 << 20;
/// Longest input, in bytes.
const INPUT_MAX: usize = 1 << 20;
/// How often an input is run; the fastest run counts.
const RUNS: usize = 3;

/// One measurement at a time.
static TURN: Mutex<()> = Mutex::new(());

/// What a stranger, or a careless operator, sends.
#[derive(Debug, Clone)]
enum Input {
    Create(Vec<u8>),
    Patch(Dialect, Vec<u8>),
    Query(String),
    Tag(String),
    Share(Vec<u8>),
    Decide(Vec<u8>),
    /// A policy file; what is answered is whether the rule `t` holds.
    Policy(String),
    Protections(String),
    /// Protections that are loaded before, and the body of a create under these.
    Protected(String, Vec<u8>),
}

/// An input, and what must be answered: words for what was done, or a code.
struct Case(&'static str, Input, Result<&'static str, ErrorCode>);

impl Input {
    fn len(&self) -> usize {
        match self {
            Self::Create(body) | Self::Patch(_, body) => body.len(),
            Self::Share(body) | Self::Decide(body) => body.len(),
            Self::Query(text) | Self::Tag(text) => text.len(),
            Self::Policy(text) | Self::Protections(text) => text.len(),
            Self::Protected(text, body) => text.len().max(body.len()),
        }
    }
}

/// Joins what is made for each number.
fn list(count: usize, each: impl Fn(usize) -> String) -> String {
    (0..count).map(each).collect::<Vec<_>>().join(",")
}

fn array(count: usize, each: impl Fn(usize) -> String) -> String {
    format!("[{}]", list(count, each))
}

fn nested(count: usize) -> String {
    "[".repeat(count) + &"]".repeat(count)
}

/// An engine with a few images, and one that is tried.
struct Bench {
    engine: Engine,
    images: Images,
    id: ImageId,
    limits: Limits,
}

impl Bench {
    fn new() -> Self {
        let settings = Settings {
            show_multiple_locations: true,
            reserve_len_bytes: 0,
            ..Settings::default()
        };
        let engine = Engine::builder_in_memory().settings(settings);
        let engine = engine.open().expect("open");
        let images = engine.images(&Caller::project("a"));
        let new = |number: u32| {
            NewImage::named(format!("image {number}"))
                .disk_format(DiskFormat::Raw)
                .container_format(ContainerFormat::Bare)
                .tag("x")
                .property("p", "v")
        };
        let made: Vec<ImageId> = (0..50)
            .map(|number| *images.create(new(number)).expect("create").id())
            .collect();
        let id = made[49];
        let limits = engine.settings().limits.clone();
        Self {
            engine,
            images,
            id,
            limits,
        }
    }

    fn run(&self, input: &Input) -> Result<String> {
        let (images, id, limits) = (&self.images, &self.id, &self.limits);
        match input {
            Input::Create(body) => {
                let image = images.create(NewImage::from_json(Some(body), limits)?)?;
                Ok(describe(&image))
            }
            Input::Patch(dialect, body) => {
                let patch = Patch::parse(*dialect, body, limits)?;
                images.update(id, &patch).map(|image| describe(&image))
            }
            Input::Query(text) => {
                let page = images.list(&text.parse::<ListQuery>()?)?;
                Ok(format!("{} images", page.images().len()))
            }
            Input::Tag(tag) => images.tags(id).add(tag).map(|()| "tagged".to_owned()),
            Input::Share(body) => {
                let project = Member::project_from_json(Some(body), limits)?;
                let member = images.members(id).add(&project)?;
                Ok(member.status().to_string())
            }
            Input::Decide(body) => {
                let (b, decision) = ("b".to_owned(), Decision::from_json(Some(body))?);
                let project = smalti::ProjectId::new(b).expect("a project");
                let member = images.members(id).set_status(&project, decision)?;
                Ok(member.status().to_string())
            }
            Input::Policy(text) => {
                let rules = Rules::builder()
                    .file("policy.yaml", text.as_str())
                    .build()?;
                let caller = Caller::project("a").with_role("x");
                let target = smalti::policy::Target::None;
                Ok(format!("{:?}", rules.holds("t", &caller, &target)))
            }
            Input::Protections(text) => protections(text).map(|_| "taken".to_owned()),
            Input::Protected(_, body) => self.run(&Input::Create(body.clone())),
        }
    }

    /// Everything that a caller and an operator see.
    fn seen(&self) -> String {
        let admin = self.engine.images(&Caller::admin());
        let query = |text: &str| text.parse::<ListQuery>().expect("a query");
        let pages = ["visibility=all&limit=1000", "os_hidden=true&limit=1000"];
        let pages = pages.map(|text| admin.list(&query(text)).expect("listed").into_images());
        let seen: Vec<_> = pages
            .iter()
            .flatten()
            .map(|it| (it, describe(it)))
            .collect();
        let members = self.images.members(&self.id).list().expect("members");
        format!(
            "{seen:?} {members:?} {:?}",
            self.engine.stats().expect("stats")
        )
    }
}

fn protections(text: &str) -> Result<Rules> {
    let format = ProtectionFormat::Roles;
    Rules::builder().property_protections(text, format).build()
}

fn describe(image: &smalti::Image) -> String {
    let name = image.name().map_or(0, |name| name.chars().count());
    let (tags, properties) = (image.tags().len(), image.properties().len());
    format!("name {name}, tags {tags}, properties {properties}")
}

/// Returns the time that all threads have had of the processor.
fn time_used() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).expect("below 10^9"),
    )
}

/// What a run took: time and memory.
#[derive(Debug, Clone, Copy)]
struct Cost(Duration, usize);

/// Runs a case on an engine of its own, more than once; says what it took, or what is wrong.
fn measure(Case(name, input, expected): &Case) -> std::result::Result<Cost, String> {
    assert!(input.len() <= INPUT_MAX, "{name} is {} bytes", input.len());
    let mut least = Cost(Duration::MAX, usize::MAX);
    for _ in 0..RUNS {
        let bench = Bench::new();
        if let Input::Protected(text, _) = input {
            bench.engine.set_policy(protections(text).expect("a file"));
        }
        let before = bench.seen();
        let start = time_used();
        let (answer, memory) = memory::peak_of(|| bench.run(input));
        let time = time_used() - start;
        least = Cost(least.0.min(time), least.1.min(memory));
        let found = answer
            .as_ref()
            .map(String::as_str)
            .map_err(|error| error.code());
        if found != *expected {
            return Err(format!("{name}: {answer:?}, {expected:?} expected"));
        }
        if let Err(error) = &answer {
            let len = error.message().len();
            if len > 600 {
                return Err(format!("{name}: a message of {len} bytes"));
            }
            if bench.seen() != before {
                return Err(format!("{name}: a refusal has changed something"));
            }
        }
    }
    let Cost(time, memory) = least;
    match time <= TIME_MAX && memory <= MEMORY_MAX {
        true => Ok(least),
        false => Err(format!("{name}: {time:?} and {memory} bytes of memory")),
    }
}

/// Makes cases and runs them, all of it in turn with others, whose memory would count.
fn run(what: &str, cases: fn() -> Vec<Case>) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let cases = cases();
    let (mut faults, mut most) = (Vec::new(), Cost(Duration::ZERO, 0));
    for case in &cases {
        match measure(case) {
            Ok(Cost(time, memory)) => {
                println!("{}: {time:?}, {} KiB", case.0, memory >> 10);
                most = Cost(most.0.max(time), most.1.max(memory));
            }
            Err(fault) => faults.push(fault),
        }
    }
    println!(
        "{what}: {} inputs, at most {:?} and {} KiB",
        cases.len(),
        most.0,
        most.1 >> 10
    );
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn hostile_requests_are_answered_within_their_bounds() {
    run("requests", requests::cases);
    run("patches", patches::cases);
}

#[test]
fn hostile_queries_are_answered_within_their_bounds() {
    run("queries", queries::cases);
}

#[test]
fn hostile_files_are_answered_within_their_bounds() {
    run("files", files::cases);
}

#[cfg(feature = "testing")]
#[test]
fn hostile_images_are_told_within_their_bounds() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    inspect::run();
}

#[test]
fn what_is_measured_is_seen() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (_, memory) = memory::peak_of(|| drop(vec![1_u8; 20 << 20]));
    assert!((20 << 20..21 << 20).contains(&memory), "{memory}");
    let start = time_used();
    let mut word = 1_u64;
    while time_used() - start < Duration::from_millis(5) {
        word = std::hint::black_box(word.wrapping_mul(3));
    }
    assert!(time_used() - start >= Duration::from_millis(5));
}

//! Calls at the same time: whatever threads do to an image, or to a project, there is one order of
//! their calls that explains every answer, and no interleaving exceeds a quota.
//!
//! Objects are judged apart, which is enough: what is linear for each of them is linear.

mod image;
mod project;
mod search;

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use smalti::image::{Limits, MemberStatus};
use smalti::{Engine, ErrorCode, ImageId, Settings, Visibility};

use crate::support::Rng;
use image::{Answer, OneImage};
use project::OneProject;
use search::{Made, Spec, is_linear};

/// Histories of images, and as many of projects.
const HISTORIES: u64 = 5_000;
/// Histories on one engine, before another is begun.
const HISTORIES_AN_ENGINE: u64 = 250;
/// Most calls of a history.
const CALLS_MAX: usize = 60;
/// Pairs of calls that must have run at the same time, for each history.
const OVERLAPS_A_HISTORY: u64 = 1;

/// What was done.
#[derive(Debug, Default)]
struct Tally {
    histories: u64,
    calls: u64,
    overlaps: u64,
    refusals: u64,
}

impl Tally {
    fn print_and_check(&self, of: &str) {
        let Self {
            histories,
            calls,
            overlaps,
            refusals,
        } = self;
        println!(
            "{histories} histories of {of}, {calls} calls ({refusals} refused), \
             {overlaps} pairs at the same time"
        );
        assert!(
            *overlaps >= OVERLAPS_A_HISTORY * histories,
            "too few overlap"
        );
        assert!(
            refusals * 20 > *calls && refusals * 20 < calls * 19,
            "one-sided"
        );
    }
}

fn engine(images_max: Option<u32>) -> Engine {
    let most = |count: usize| Some(u32::try_from(count).expect("small"));
    let settings = Settings {
        limits: Limits {
            tags_max: most(image::TAGS_MAX),
            properties_max: most(image::PROPERTIES_MAX),
            members_max: most(image::MEMBERS_MAX),
            images_max,
            ..Limits::default()
        },
        reserve_len_bytes: 0,
        ..Settings::default()
    };
    let builder = Engine::builder_in_memory().settings(settings);
    builder.open().expect("an engine")
}

fn id(rng: &mut Rng) -> ImageId {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes);
    ImageId::from_bytes(bytes)
}

/// Returns the calls of 2 to 8 threads.
fn scripts<O>(rng: &mut Rng, op: impl Fn(&mut Rng) -> O) -> Vec<Vec<O>> {
    let threads = 2 + rng.below(7) as usize;
    let len = 2 + rng.below(6) as usize;
    let len = len.min(CALLS_MAX / threads);
    let mut script = || (0..len).map(|_| op(rng)).collect();
    (0..threads).map(|_| script()).collect()
}

/// Runs scripts at the same time, and returns all calls with their answers.
fn run<O: Clone + Send + Sync, A: Send>(
    scripts: &[Vec<O>],
    call: impl Fn(&O) -> A + Sync,
) -> Vec<Made<O, A>> {
    let (ticks, start) = (AtomicU64::new(0), Barrier::new(scripts.len()));
    let tick = || ticks.fetch_add(1, Ordering::SeqCst);
    let (call, tick, start) = (&call, &tick, &start);
    let play = move |script: &[O]| -> Vec<_> {
        start.wait();
        let made = script.iter().map(|op| {
            let begun = tick();
            let answer = call(op);
            Made {
                op: op.clone(),
                answer,
                begun,
                ended: tick(),
            }
        });
        made.collect()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = scripts
            .iter()
            .map(|script| scope.spawn(move || play(script)))
            .collect();
        let made = threads.into_iter().map(|it| it.join().expect("no panic"));
        made.flatten().collect()
    })
}

/// Judges what was made of one object.
fn judge<S: Spec>(spec: &S, made: &[Made<S::Op, S::Answer>], tally: &mut Tally, seed: u64)
where
    S::Op: std::fmt::Debug,
    S::Answer: std::fmt::Debug,
{
    tally.histories += 1;
    tally.calls += made.len() as u64;
    for (at, a) in made.iter().enumerate() {
        let others = made[..at].iter().filter(|b| a.overlaps(b));
        tally.overlaps += others.count() as u64;
    }
    if !is_linear(spec, made) {
        let mut calls: Vec<_> = made.iter().collect();
        calls.sort_by_key(|call| call.begun);
        panic!("history {seed}: no order explains {calls:#?}");
    }
}

#[test]
fn calls_on_an_image_at_the_same_time_have_an_order() {
    let mut tally = Tally::default();
    let mut ground = engine(None);
    for seed in 0..HISTORIES {
        if seed % HISTORIES_AN_ENGINE == 0 {
            ground = engine(None);
        }
        let mut rng = Rng(seed);
        let ids = [id(&mut rng), id(&mut rng)];
        let scripts = scripts(&mut rng, |rng| (rng.below(2) as usize, image::op(rng)));
        // Most histories find an image.
        for id in ids.iter().take(rng.below(3) as usize) {
            image::call(&ground, id, &image::Op::Create);
        }
        let begun: Vec<_> = ids
            .iter()
            .map(|id| image::call(&ground, id, &image::Op::Show("a")))
            .collect();
        let made = run(&scripts, |(at, op)| image::call(&ground, &ids[*at], op));
        for (at, begun) in begun.into_iter().enumerate() {
            let mine = made.iter().filter(|call| call.op.0 == at);
            let mut mine: Vec<_> = mine.map(|it| shifted(it, it.op.1.clone())).collect();
            tally.refusals += refusals(&mine);
            if let Answer::View(_) = begun {
                mine.push(first(image::Op::Create, begun));
            }
            judge(&OneImage, &mine, &mut tally, seed);
        }
    }
    tally.print_and_check("images");
}

fn refusals(made: &[Made<image::Op, Answer>]) -> u64 {
    let refused = |call: &&Made<_, _>| matches!(call.answer, Answer::Refused(_));
    made.iter().filter(refused).count() as u64
}

/// Returns a call with one more moment before all calls.
fn shifted<O, A: Clone, P>(call: &Made<O, A>, op: P) -> Made<P, A> {
    Made {
        op,
        answer: call.answer.clone(),
        begun: call.begun + 2,
        ended: call.ended + 2,
    }
}

/// Returns a call that was over before all others.
fn first<O, A>(op: O, answer: A) -> Made<O, A> {
    Made {
        op,
        answer,
        begun: 0,
        ended: 1,
    }
}

#[test]
fn a_project_at_its_quota_has_an_order_of_calls_and_never_more_images() {
    let mut tally = Tally::default();
    let mut ground = engine(Some(project::IMAGES_MAX));
    for seed in 0..HISTORIES {
        if seed % HISTORIES_AN_ENGINE == 0 {
            ground = engine(Some(project::IMAGES_MAX));
        }
        let mut rng = Rng(seed);
        let ids = std::array::from_fn(|_| id(&mut rng));
        let name = format!("project-{seed}");
        let scripts = scripts(&mut rng, project::op);
        let made = run(&scripts, |op| project::call(&ground, &name, &ids, op));
        let refused = |call: &&Made<_, _>| matches!(call.answer, project::Answer::Refused(_));
        tally.refusals += made.iter().filter(refused).count() as u64;
        judge(&OneProject, &made, &mut tally, seed);
    }
    tally.print_and_check("projects");
}

/// Tests what the search says of calls with their moments.
#[track_caller]
fn check<S: Spec>(spec: &S, calls: Vec<(S::Op, S::Answer, u64, u64)>, linear: bool) {
    let calls = calls.into_iter().map(|(op, answer, begun, ended)| Made {
        op,
        answer,
        begun,
        ended,
    });
    assert_eq!(is_linear(spec, &calls.collect::<Vec<_>>()), linear);
}

fn view(revision: u64, properties: &[(&str, &str)]) -> Answer {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Answer::View(image::View {
        revision,
        name: None,
        visibility: Visibility::Shared,
        tags: Default::default(),
        properties: properties.iter().map(own).collect(),
    })
}

#[test]
fn the_search_refuses_what_no_order_explains() {
    use image::Op::{Create, Decide, Delete, Set, Share, Show};
    let (made, gone) = (view(1, &[]), Answer::Refused(ErrorCode::NotFound));
    let one = view(2, &[("k", "v")]);
    let both = view(3, &[("k", "v"), ("l", "v")]);
    let alone = view(3, &[("l", "v")]);
    let after = |rest: Vec<(image::Op, Answer, u64, u64)>| {
        let mut calls = vec![(Create, made.clone(), 0, 1)];
        calls.extend(rest);
        calls
    };
    let check = |rest, linear| check(&OneImage, after(rest), linear);
    // A change that was made before is seen, and one at the same time may be.
    check(
        vec![
            (Set("k", "v"), one.clone(), 2, 3),
            (Show("a"), one.clone(), 4, 5),
        ],
        true,
    );
    check(
        vec![
            (Set("k", "v"), one.clone(), 2, 3),
            (Show("a"), made.clone(), 4, 5),
        ],
        false,
    );
    check(
        vec![
            (Set("k", "v"), one.clone(), 2, 5),
            (Show("a"), made.clone(), 3, 4),
        ],
        true,
    );
    // What one has seen, nobody sees undone.
    let set = (Set("k", "v"), one.clone(), 2, 9);
    let (new, old) = (
        (Show("a"), one.clone(), 3, 4),
        (Show("a"), made.clone(), 5, 6),
    );
    check(vec![set, new, old], false);
    // Of two changes at the same time none is lost.
    let set = (Set("k", "v"), one.clone(), 2, 5);
    check(vec![set.clone(), (Set("l", "v"), both, 3, 4)], true);
    check(vec![set, (Set("l", "v"), alone, 3, 4)], false);
    // An id is given once, and nothing comes back.
    check(vec![(Create, made.clone(), 2, 3)], false);
    check(
        vec![
            (Delete, Answer::Done, 2, 5),
            (Show("a"), gone.clone(), 3, 4),
        ],
        true,
    );
    check(
        vec![(Delete, Answer::Done, 2, 5), (Delete, Answer::Done, 3, 4)],
        false,
    );
    check(vec![(Show("a"), gone.clone(), 2, 3)], false);
    // Who is no member does not see the image.
    let pending = Answer::Members(vec![("b".to_owned(), MemberStatus::Pending)]);
    let accepted = Answer::Members(vec![("b".to_owned(), MemberStatus::Accepted)]);
    let decide = Decide("b", MemberStatus::Accepted);
    check(
        vec![
            (Share("b"), pending.clone(), 2, 5),
            (decide.clone(), accepted.clone(), 3, 4),
        ],
        true,
    );
    check(
        vec![(Share("b"), pending, 3, 5), (decide, accepted, 2, 3)],
        false,
    );
}

#[test]
fn the_search_refuses_a_quota_that_is_exceeded() {
    use project::Answer::{Done, Listed, Refused};
    use project::Op::{Create, Delete, List};
    let check = |calls, linear| check(&OneProject, calls, linear);
    let full = || {
        (0..3)
            .map(|at| (Create(at), Done, 0, 9))
            .collect::<Vec<_>>()
    };
    let with = |call| [full(), vec![call]].concat();
    let over = Refused(ErrorCode::QuotaExceeded);
    check(full(), true);
    check(with((Create(3), Done, 0, 9)), false);
    check(with((Create(3), over.clone(), 0, 9)), true);
    check(vec![(Create(3), over, 0, 9)], false);
    check(with((List, Listed(vec![0, 2]), 0, 9)), true);
    check(with((List, Listed(vec![0, 2]), 10, 11)), false);
    check(with((List, Listed(vec![0, 1, 2, 3]), 0, 9)), false);
    let freed = [
        with((Delete(0), Done, 10, 13)),
        vec![(Create(3), Done, 11, 12)],
    ];
    check(freed.concat(), true);
    let early = [
        with((Delete(0), Done, 12, 13)),
        vec![(Create(3), Done, 10, 11)],
    ];
    check(early.concat(), false);
}

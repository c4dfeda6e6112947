//! Scripts for an engine with two stores.

use super::imports::{Need, StoreCall, other};
use super::{Call, Part, parts};
use crate::support::Rng;
use crate::support::stage::{FAST, SLOW};

/// Makes a script of a few calls that name stores, and others among them.
pub(crate) fn script_of_stores(seed: u64) -> Vec<Call> {
    let mut rng = Rng(seed ^ 0x1a7e_5c0d);
    let count = 5 + rng.below(5);
    let first = StoreCall::Upload(store(&mut rng), parts(&mut rng));
    let rest = (0..count).map(|_| call(&mut rng));
    std::iter::once(Call::Stores(first)).chain(rest).collect()
}

fn store(rng: &mut Rng) -> &'static str {
    [FAST, SLOW][rng.below(2) as usize]
}

fn call(rng: &mut Rng) -> Call {
    let call = match rng.below(26) {
        0 | 1 => StoreCall::Upload(store(rng), parts(rng)),
        2..=4 => StoreCall::Stage(store(rng), parts(rng)),
        5 => StoreCall::Unstage(store(rng), parts(rng)),
        6..=9 => StoreCall::Import(targets(rng), need(rng), between(rng)),
        10 => StoreCall::GiveUp,
        11 | 12 => StoreCall::Copy(rng.below(4) as usize, between(rng)),
        13..=15 => StoreCall::Lose(rng.below(4) as usize),
        16 | 17 => StoreCall::Fetch(targets(rng), need(rng), (rng.below(5), 160_000)),
        18..=20 => return Call::Delete(rng.below(4) as usize),
        21 => return Call::Reopen,
        _ => return Call::Collect,
    };
    Call::Stores(call)
}

fn targets(rng: &mut Rng) -> Vec<&'static str> {
    let first = store(rng);
    match rng.below(3) {
        0 => vec![first],
        _ => vec![first, other(first)],
    }
}

fn need(rng: &mut Rng) -> Need {
    [Need::All, Need::Any][rng.below(2) as usize]
}

/// Returns what happens between the acceptance of an import and its run: nothing most often.
fn between(rng: &mut Rng) -> Option<Box<Call>> {
    let call = match rng.below(8) {
        0 => Call::Delete(rng.below(4) as usize),
        1 => Call::Collect,
        2 => Call::Stores(StoreCall::Upload(store(rng), parts(rng))),
        _ => return None,
    };
    Some(Box::new(call))
}

/// Returns the calls of which all short sequences are run.
pub(crate) fn short_of_stores() -> Vec<Call> {
    let data = || vec![Part::Bytes(2, 150_000), Part::Zeros(70_000)];
    let calls = [
        StoreCall::Upload(SLOW, data()),
        StoreCall::Stage(FAST, data()),
        StoreCall::Stage(SLOW, vec![Part::Bytes(2, 150_000), Part::Bytes(3, 90_000)]),
        StoreCall::Import(vec![FAST, SLOW], Need::All, None),
        StoreCall::Import(vec![SLOW, FAST], Need::Any, None),
        StoreCall::Fetch(vec![SLOW, FAST], Need::All, (2, 150_000)),
        StoreCall::Copy(0, None),
        StoreCall::Lose(0),
    ];
    let calls = calls.map(Call::Stores).into_iter();
    calls.chain([Call::Delete(0), Call::Collect]).collect()
}

//! The search for one order of all calls that explains what they answered (Wing and Gong, with the
//! memory of Lowe).
//!
//! A call takes effect at one moment between its beginning and its end. The search takes any call
//! that has begun before all others left have ended, asks the specification for its answer, and
//! goes on if that is the one that was given; what it has seen once, it does not look at again.

use std::collections::HashSet;
use std::hash::Hash;

/// Most calls of a history: one bit each.
pub(super) const CALLS_MAX: usize = 64;

/// What calls do when they come one after the other.
pub(super) trait Spec {
    /// All that the answers depend on.
    type State: Clone + Eq + Hash;
    type Op;
    type Answer: PartialEq;

    /// Returns what is there at the beginning.
    fn first(&self) -> Self::State;

    /// Makes a call, and returns its answer.
    fn step(&self, state: &mut Self::State, op: &Self::Op) -> Self::Answer;
}

/// A call as it was made: between two ticks, with its answer.
#[derive(Debug, Clone)]
pub(super) struct Made<O, A> {
    pub(super) op: O,
    pub(super) answer: A,
    pub(super) begun: u64,
    pub(super) ended: u64,
}

impl<O, A> Made<O, A> {
    /// Tells whether two calls ran at the same time.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.begun < other.ended && other.begun < self.ended
    }
}

/// Tells whether some order explains all answers.
pub(super) fn is_linear<S: Spec>(spec: &S, calls: &[Made<S::Op, S::Answer>]) -> bool {
    assert!(calls.len() <= CALLS_MAX, "{} calls", calls.len());
    let all = match calls.len() {
        CALLS_MAX => u64::MAX,
        len => (1 << len) - 1,
    };
    let (mut seen, mut open) = (HashSet::new(), vec![(0_u64, spec.first())]);
    while let Some((done, state)) = open.pop() {
        if done == all {
            return true;
        }
        let left = || (0..calls.len()).filter(|at| done >> at & 1 == 0);
        let first_end = left().map(|at| calls[at].ended).min();
        let may_be_next = |at: &usize| Some(calls[*at].begun) < first_end;
        for at in left().filter(may_be_next) {
            let mut next = state.clone();
            if spec.step(&mut next, &calls[at].op) != calls[at].answer {
                continue;
            }
            let next = (done | 1 << at, next);
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    false
}

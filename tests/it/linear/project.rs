//! One project: its quota of images, and its list, while images come and go.

use smalti::query::ListQuery;
use smalti::{Caller, Engine, ErrorCode, ImageId, NewImage};

use super::search::Spec;
use crate::support::Rng;

pub(super) const IMAGES_MAX: u32 = 3;
/// Ids that the calls of a history choose from.
pub(super) const IDS: usize = 8;

/// A call of the project; images go by their number.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Op {
    Create(usize),
    Delete(usize),
    List,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Done,
    Listed(Vec<usize>),
    Refused(ErrorCode),
}

/// Where an image stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Life {
    Never,
    There,
    Gone,
}

/// The specification of one project.
#[derive(Debug)]
pub(super) struct OneProject;

impl Spec for OneProject {
    type State = [Life; IDS];
    type Op = Op;
    type Answer = Answer;

    fn first(&self) -> Self::State {
        [Life::Never; IDS]
    }

    fn step(&self, state: &mut Self::State, op: &Op) -> Answer {
        let there: Vec<_> = (0..IDS).filter(|at| state[*at] == Life::There).collect();
        match op {
            Op::List => Answer::Listed(there),
            Op::Create(_) if there.len() >= IMAGES_MAX as usize => {
                Answer::Refused(ErrorCode::QuotaExceeded)
            }
            Op::Create(at) if state[*at] != Life::Never => Answer::Refused(ErrorCode::Duplicate),
            Op::Create(at) => {
                state[*at] = Life::There;
                Answer::Done
            }
            Op::Delete(at) if state[*at] != Life::There => Answer::Refused(ErrorCode::NotFound),
            Op::Delete(at) => {
                state[*at] = Life::Gone;
                Answer::Done
            }
        }
    }
}

/// Makes a call on an engine.
pub(super) fn call(engine: &Engine, project: &str, ids: &[ImageId; IDS], op: &Op) -> Answer {
    let images = engine.images(&Caller::project(project));
    let answer = match op {
        Op::Create(at) => {
            let made = images.create(NewImage::default().id(ids[*at]));
            made.map(|_| Answer::Done)
        }
        Op::Delete(at) => images.delete(&ids[*at]).map(|()| Answer::Done),
        Op::List => images.list(&ListQuery::new()).map(|page| {
            let listed = page.images().iter();
            let number = |id: &ImageId| ids.iter().position(|it| it == id);
            let mut found: Vec<_> = listed.filter_map(|image| number(image.id())).collect();
            found.sort_unstable();
            Answer::Listed(found)
        }),
    };
    answer.unwrap_or_else(|error| Answer::Refused(error.code()))
}

/// Returns a call by chance.
pub(super) fn op(rng: &mut Rng) -> Op {
    let at = rng.below(IDS as u64) as usize;
    match rng.below(10) {
        0..=4 => Op::Create(at),
        5..=7 => Op::Delete(at),
        _ => Op::List,
    }
}

//! One image: what calls on it do when they come one after the other, and how they are made.

use std::collections::{BTreeMap, BTreeSet};

use smalti::image::{MemberStatus, Patch};
use smalti::{
    Caller, Engine, Error, ErrorCode, Image, ImageId, Images, NewImage, ProjectId, Visibility,
};

use super::search::Spec;
use crate::support::Rng;

pub(super) const TAGS_MAX: usize = 2;
pub(super) const PROPERTIES_MAX: usize = 2;
pub(super) const MEMBERS_MAX: usize = 1;
const OWNER: &str = "a";

/// A call on the image; by its owner, where nothing else is said.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Op {
    Create,
    /// By a project.
    Show(&'static str),
    Set(&'static str, &'static str),
    /// If the revision is this one.
    SetIf(u64, &'static str, &'static str),
    Unset(&'static str),
    Rename(&'static str),
    Expose(Visibility),
    AddTag(&'static str),
    RemoveTag(&'static str),
    Share(&'static str),
    Unshare(&'static str),
    /// By the member.
    Decide(&'static str, MemberStatus),
    Members,
    Delete,
}

/// What is seen of the image.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct View {
    pub(super) revision: u64,
    pub(super) name: Option<String>,
    pub(super) visibility: Visibility,
    pub(super) tags: BTreeSet<String>,
    pub(super) properties: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    View(View),
    Members(Vec<(String, MemberStatus)>),
    Done,
    Refused(ErrorCode),
}

/// Where the image stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum State {
    Never,
    There(View, BTreeMap<String, u8>),
    Gone,
}

/// The specification of one image.
#[derive(Debug)]
pub(super) struct OneImage;

impl Spec for OneImage {
    type State = State;
    type Op = Op;
    type Answer = Answer;

    fn first(&self) -> State {
        State::Never
    }

    fn step(&self, state: &mut State, op: &Op) -> Answer {
        match (&mut *state, op) {
            (State::Never, Op::Create) => {
                let view = View {
                    revision: 1,
                    name: None,
                    visibility: Visibility::Shared,
                    tags: BTreeSet::new(),
                    properties: BTreeMap::new(),
                };
                *state = State::There(view.clone(), BTreeMap::new());
                Answer::View(view)
            }
            (_, Op::Create) => Answer::Refused(ErrorCode::Duplicate),
            (State::There(..), Op::Delete) => {
                *state = State::Gone;
                Answer::Done
            }
            (State::There(view, members), op) => {
                on_members(view, members, op).unwrap_or_else(|| on_view(view, op))
            }
            _ => Answer::Refused(ErrorCode::NotFound),
        }
    }
}

/// Makes a call on the record.
fn on_view(view: &mut View, op: &Op) -> Answer {
    let mut new = view.clone();
    new.revision += 1;
    let refused = match op {
        Op::SetIf(revision, ..) if *revision != view.revision => Some(ErrorCode::RevisionMismatch),
        Op::Set(name, value) | Op::SetIf(_, name, value) => {
            new.properties
                .insert((*name).to_owned(), (*value).to_owned());
            let grows = new.properties.len() > view.properties.len();
            let is_over = grows && new.properties.len() > PROPERTIES_MAX;
            is_over.then_some(ErrorCode::PropertyLimitExceeded)
        }
        Op::Unset(name) => {
            let removed = new.properties.remove(*name);
            removed.is_none().then_some(ErrorCode::PropertyMissing)
        }
        Op::AddTag(tag) => {
            new.tags.insert((*tag).to_owned());
            (new.tags.len() > TAGS_MAX).then_some(ErrorCode::TagLimitExceeded)
        }
        Op::RemoveTag(tag) => (!new.tags.remove(*tag)).then_some(ErrorCode::NotFound),
        Op::Rename(name) => {
            new.name = Some((*name).to_owned());
            None
        }
        Op::Expose(visibility) => {
            new.visibility = *visibility;
            None
        }
        _ => return Answer::View(view.clone()),
    };
    if let Some(code) = refused {
        return Answer::Refused(code);
    }
    *view = new;
    match op {
        Op::AddTag(_) | Op::RemoveTag(_) => Answer::Done,
        _ => Answer::View(view.clone()),
    }
}

/// Makes a call that is about members, or for which they count; nothing if it is another.
fn on_members(view: &View, members: &mut BTreeMap<String, u8>, op: &Op) -> Option<Answer> {
    let refused = |code| Some(Answer::Refused(code));
    let is_shared = view.visibility == Visibility::Shared;
    let sees = |project: &str, members: &BTreeMap<String, u8>| match view.visibility {
        Visibility::Shared => project == OWNER || members.contains_key(project),
        Visibility::Private => project == OWNER,
        _ => true,
    };
    match op {
        Op::Show(project) | Op::Decide(project, _) if !sees(project, members) => {
            refused(ErrorCode::NotFound)
        }
        Op::Share(_) | Op::Unshare(_) | Op::Decide(..) | Op::Members if !is_shared => {
            refused(ErrorCode::NotShared)
        }
        Op::Share(_) if members.len() >= MEMBERS_MAX => refused(ErrorCode::MemberLimitExceeded),
        Op::Share(project) => {
            members.insert((*project).to_owned(), 0);
            Some(Answer::Members(vec![((*project).to_owned(), word(0))]))
        }
        Op::Unshare(project) => match members.remove(*project) {
            Some(_) => Some(Answer::Done),
            None => refused(ErrorCode::NotFound),
        },
        Op::Decide(project, status) => {
            members.insert((*project).to_owned(), number(*status));
            Some(Answer::Members(vec![((*project).to_owned(), *status)]))
        }
        Op::Members => {
            let all = members
                .iter()
                .map(|(project, it)| (project.clone(), word(*it)));
            Some(Answer::Members(all.collect()))
        }
        _ => None,
    }
}

fn word(number: u8) -> MemberStatus {
    MemberStatus::ALL[usize::from(number)]
}

fn number(status: MemberStatus) -> u8 {
    let at = MemberStatus::ALL.iter().position(|it| *it == status);
    u8::try_from(at.expect("one of all")).expect("one of three")
}

/// Makes a call on an engine.
pub(super) fn call(engine: &Engine, id: &ImageId, op: &Op) -> Answer {
    let of = |project: &str| engine.images(&Caller::project(project));
    let images = of(OWNER);
    let view = |found: Result<Image, Error>| found.map(|image| Answer::View(seen(&image)));
    let done = |found: Result<(), Error>| found.map(|()| Answer::Done);
    let patch = |patch: Patch| view(images.update(id, &patch));
    let project = |name: &str| ProjectId::new(name).expect("a project");
    let answer = match op {
        Op::Create => view(images.create(NewImage::default().id(*id))),
        Op::Show(project) => view(of(project).show(id)),
        Op::Set(name, value) => patch(Patch::new().set_property(*name, *value)),
        Op::SetIf(revision, name, value) => {
            let patch = Patch::new().set_property(*name, *value);
            view(images.update_if(id, *revision, &patch))
        }
        Op::Unset(name) => patch(Patch::new().remove_property(*name)),
        Op::Rename(name) => patch(Patch::new().set_name(*name)),
        Op::Expose(visibility) => patch(Patch::new().set_visibility(*visibility)),
        Op::AddTag(tag) => done(images.tags(id).add(tag)),
        Op::RemoveTag(tag) => done(images.tags(id).remove(tag)),
        Op::Share(name) => members(images.members(id).add(&project(name)).map(|it| vec![it])),
        Op::Unshare(name) => done(images.members(id).remove(&project(name))),
        Op::Decide(name, status) => decide(&of(name), id, &project(name), *status),
        Op::Members => members(images.members(id).list()),
        Op::Delete => done(images.delete(id)),
    };
    answer.unwrap_or_else(|error| Answer::Refused(error.code()))
}

fn decide(
    images: &Images,
    id: &ImageId,
    project: &ProjectId,
    status: MemberStatus,
) -> Result<Answer, Error> {
    let member = images.members(id).set_status(project, status);
    members(member.map(|it| vec![it]))
}

fn members(found: Result<Vec<smalti::image::Member>, Error>) -> Result<Answer, Error> {
    let pair = |it: &smalti::image::Member| (it.member_id().to_string(), it.status());
    found.map(|all| Answer::Members(all.iter().map(pair).collect()))
}

fn seen(image: &Image) -> View {
    View {
        revision: image.revision(),
        name: image.name().map(str::to_owned),
        visibility: image.visibility(),
        tags: image.tags().iter().map(str::to_owned).collect(),
        properties: (image.properties().iter())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    }
}

/// Returns a call by chance; deletions are rare, as nothing comes behind them.
pub(super) fn op(rng: &mut Rng) -> Op {
    let mut of = |words: &[&'static str]| words[rng.below(words.len() as u64) as usize];
    let (key, value, tag) = (
        of(&["k0", "k1", "k2"]),
        of(&["v0", "v1"]),
        of(&["t0", "t1", "t2"]),
    );
    let (project, by) = (of(&["b", "c"]), of(&["a", "b"]));
    match rng.below(60) {
        0..=4 => Op::Create,
        5..=10 => Op::Show(by),
        11..=17 => Op::Set(key, value),
        18..=21 => Op::SetIf(1 + rng.below(8), key, value),
        22..=26 => Op::Unset(key),
        27..=29 => Op::Rename(value),
        30..=35 => {
            let all = [
                Visibility::Shared,
                Visibility::Private,
                Visibility::Community,
            ];
            Op::Expose(all[rng.below(3) as usize])
        }
        36..=40 => Op::AddTag(tag),
        41..=43 => Op::RemoveTag(tag),
        44..=47 => Op::Share(project),
        48..=50 => Op::Unshare(project),
        51..=55 => Op::Decide(project, word(rng.below(3) as u8)),
        56..=58 => Op::Members,
        _ => Op::Delete,
    }
}

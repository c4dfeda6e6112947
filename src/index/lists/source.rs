//! Where the images of a list come from: what is public, what the caller owns, what is shared with
//! it. Sources share no image; a list is their union.

use std::ops::RangeInclusive;

use super::posting::{Field, Posting};
use super::rows::{Part, slots_of};
use crate::error::Result;
use crate::id::ProjectId;
use crate::image::{MemberStatus, Visibility};
use crate::index::{Get, members, owners};
use crate::policy::Membership;
use crate::query::{Filters, MemberFilter, Scope};

/// How far the caller of a list sees.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reach<'a> {
    /// Everything of every project; the own one is named where there is one.
    Everything(Option<&'a ProjectId>),
    /// What is open to all, and what belongs to a project or is shared with it.
    Project(Option<&'a ProjectId>),
}

/// One source of a list.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) part: Part,
    /// The slots that may be in it: all, or those of one scope.
    pub(super) span: RangeInclusive<u64>,
    /// The owner that is asked for among what is public.
    pub(super) owner: Option<ProjectId>,
    pub(super) shared: Option<SharedWith>,
    pub(super) visibility: Option<Visibility>,
    /// A visibility that is left out.
    pub(super) except: Option<Visibility>,
    /// An owner that is left out.
    pub(super) not_owner: Option<u32>,
    /// How the caller stands to its images.
    pub(super) membership: Membership,
}

/// The project that images are shared with, and the statuses that count.
#[derive(Debug, Clone)]
pub(super) struct SharedWith {
    pub(super) member: u32,
    pub(super) statuses: Vec<MemberStatus>,
}

impl SharedWith {
    /// Returns the stored numbers of the statuses.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u8> + '_ {
        self.statuses
            .iter()
            .map(|status| members::number_of(*status))
    }
}

impl Source {
    fn all(part: Part) -> Self {
        Self {
            part,
            span: part.span(),
            owner: None,
            shared: None,
            visibility: None,
            except: None,
            not_owner: None,
            membership: Membership::Stranger,
        }
    }

    fn owned(part: Part, owner: u32) -> Self {
        Self {
            span: slots_of(owner),
            ..Self::all(part)
        }
    }

    fn with(self, visibility: Visibility) -> Self {
        Self {
            visibility: Some(visibility),
            ..self
        }
    }

    /// Tells whether its slots are all that its part may have.
    pub(super) fn is_all(&self) -> bool {
        self.span == self.part.span()
    }

    /// Narrows the source to an owner; tells whether anything can be left.
    fn narrow(&mut self, owner: &ProjectId, number: u32) -> bool {
        if self.part.is_public() {
            self.owner = Some(owner.clone());
            return true;
        }
        let of_owner = slots_of(number);
        let overlaps = self.span.contains(of_owner.start()) && self.not_owner != Some(number);
        if overlaps {
            self.span = of_owner;
        }
        overlaps
    }
}

/// Returns the sources of a list (`list.md` 2 of the specification: the candidate set).
pub(super) fn sources(get: &dyn Get, reach: Reach<'_>, filters: &Filters) -> Result<Vec<Source>> {
    let hidden = filters.hidden;
    let (public, rest) = (Part::new(hidden, true), Part::new(hidden, false));
    let number = |project: Option<&ProjectId>| match project {
        Some(project) => owners::number(get, Some(project)),
        None => Ok(None),
    };
    let mut sources = match reach {
        Reach::Everything(project) => all_seeing(public, rest, number(project)?, &filters.scope),
        Reach::Project(project) => of_project(public, rest, number(project)?, filters),
    };
    if let Some(owner) = &filters.owner {
        let owner = ProjectId::new(owner.as_str()).ok();
        match (&owner, number(owner.as_ref())?) {
            (Some(owner), Some(number)) => {
                sources.retain_mut(|source| source.narrow(owner, number));
            }
            _ => sources.clear(),
        }
    }
    Ok(sources)
}

/// Returns sources that stand in views: in place of one that spans all owners those of each, if they
/// are few.
pub(super) fn by_owner(get: &dyn Get, sources: Vec<Source>) -> Result<Vec<Source>> {
    let mut split = Vec::with_capacity(sources.len());
    for source in sources {
        match owners_of(get, &source)? {
            Some(owners) => split.extend(owners.into_iter().map(|owner| Source {
                span: slots_of(owner),
                except: None,
                ..source.clone()
            })),
            None => split.push(source),
        }
    }
    Ok(split)
}

/// Returns the owners whose images a source is made of, if these are all of theirs and they are few.
fn owners_of(get: &dyn Get, source: &Source) -> Result<Option<Vec<u32>>> {
    const FEW: usize = if cfg!(test) { 2 } else { 4 };
    let is_narrow = source.visibility.is_some() || source.shared.is_some();
    if source.part.is_public() || !source.is_all() || is_narrow || source.not_owner.is_some() {
        return Ok(None);
    }
    if let Some(except) = source.except {
        let except = Posting::text(source.part.0, Field::Visibility, Some(except.as_str()));
        if !except.is_empty(get)? {
            return Ok(None);
        }
    }
    owners::few(get, FEW)
}

fn all_seeing(public: Part, rest: Part, own: Option<u32>, scope: &Scope) -> Vec<Source> {
    match scope {
        Scope::Is(Visibility::Public) => vec![Source::all(public)],
        Scope::Is(visibility) => vec![Source::all(rest).with(*visibility)],
        Scope::All => vec![Source::all(public), Source::all(rest)],
        Scope::Default => {
            let foreign = Source {
                except: Some(Visibility::Community),
                ..Source::all(rest)
            };
            let own = own.map(|own| Source::owned(rest, own).with(Visibility::Community));
            [Source::all(public), foreign]
                .into_iter()
                .chain(own)
                .collect()
        }
    }
}

fn of_project(public: Part, rest: Part, own: Option<u32>, filters: &Filters) -> Vec<Source> {
    let owned = own.map(|own| Source::owned(rest, own));
    let shared = own.map(|member| Source {
        shared: Some(SharedWith {
            member,
            statuses: match filters.member_status {
                MemberFilter::Is(status) => vec![status],
                MemberFilter::All => MemberStatus::ALL.to_vec(),
            },
        }),
        not_owner: Some(member),
        membership: Membership::Member,
        ..Source::all(rest)
    });
    let community = Source {
        not_owner: own,
        ..Source::all(rest).with(Visibility::Community)
    };
    let open = Source::all(public);
    match filters.scope {
        Scope::Is(Visibility::Public) => vec![open],
        Scope::Is(Visibility::Community) => vec![Source::all(rest).with(Visibility::Community)],
        Scope::Is(Visibility::Shared) => {
            let owned = owned.map(|owned| owned.with(Visibility::Shared));
            owned.into_iter().chain(shared).collect()
        }
        Scope::Is(Visibility::Private) => {
            let owned = owned.map(|owned| owned.with(Visibility::Private));
            owned.into_iter().collect()
        }
        Scope::Default => [Some(open), owned, shared].into_iter().flatten().collect(),
        Scope::All => {
            let all = [Some(open), owned, shared, Some(community)];
            all.into_iter().flatten().collect()
        }
    }
}

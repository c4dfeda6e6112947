//! One call of both: what the engine answers, and what the reference does.

use smalti::{Error, ImageId, Images, ProjectId};

use super::calls::{Call, Guard, New, Who};
use super::outcome::Outcome;
use super::reference::World;
use super::request;

pub(super) fn create(
    images: &Images,
    world: &mut World,
    who: &Who,
    new: &New,
) -> (Outcome, Outcome) {
    let id = new.id.map(|which| world.id(which));
    let found = request::new_image(new, id.as_ref()).and_then(|new| images.create(new));
    let fresh = found.as_ref().map(|image| *image.id());
    let fresh = fresh.unwrap_or(ImageId::from_bytes([0xff; 16]));
    (found.into(), world.create(who, new, &fresh).into())
}

/// Returns the revision that a caller says it knows.
pub(super) fn known(world: &World, id: &ImageId, guard: Guard) -> Option<u64> {
    let record = world.images.get(id.as_bytes());
    let revision = record.map_or(1, |record| record.shown.revision);
    match guard {
        Guard::Unguarded => None,
        Guard::Right => Some(revision),
        Guard::Wrong => Some(revision + 1),
    }
}

pub(super) fn read(images: &Images, id: &ImageId) -> Result<Option<Vec<u8>>, Error> {
    let Some(reader) = images.open(id)? else {
        return Ok(None);
    };
    let slices = reader.slices(..)?.collect::<Result<Vec<_>, _>>()?;
    Ok(Some(slices.concat()))
}

pub(super) fn share(
    images: &Images,
    world: &mut World,
    who: &Who,
    id: &ImageId,
    call: &Call,
) -> (Outcome, Outcome) {
    let members = images.members(id);
    let party = match call {
        Call::AddMember(_, it)
        | Call::ShowMember(_, it)
        | Call::SetMember(_, it, _)
        | Call::RemoveMember(_, it) => it,
        _ => return (members.list().into(), world.list_members(who, id).into()),
    };
    let it = &world.project(id, party);
    let project = ProjectId::new(it.as_str()).expect("a project");
    match call {
        Call::AddMember(..) => {
            let found = members.add(&project);
            (found.into(), world.add_member(who, id, it).into())
        }
        Call::ShowMember(..) => {
            let found = members.show(&project);
            (found.into(), world.show_member(who, id, it).into())
        }
        Call::SetMember(_, _, status) => {
            let found = members.set_status(&project, *status);
            (found.into(), world.set_member(who, id, it, *status).into())
        }
        _ => {
            let found = members.remove(&project);
            (found.into(), world.remove_member(who, id, it).into())
        }
    }
}

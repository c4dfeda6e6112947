//! Members and tags of an image, one at a time.

use axum::response::Response;

use super::answer;
use super::call::Call;
use super::refusal::Refusal;
use crate::engine::Members;
use crate::error::{Error, ErrorCode, Result};
use crate::id::ProjectId;
use crate::image::{Decision, Member};
use crate::wire::{MemberDocument, MembersDocument};

pub(super) async fn list(call: Box<Call>) -> Result<Response, Refusal> {
    let id = call.image_id()?;
    let list = call.run(move |images| {
        let members = images.members(&id).list()?;
        Ok(answer::print(&MembersDocument::new(&members)))
    });
    Ok(answer::printed(200, list.await?))
}

pub(super) async fn add(mut call: Box<Call>) -> Result<Response, Refusal> {
    let body = call.read_body().await?;
    let project = Member::project_from_json(Some(&body), &call.site.engine.settings().limits)?;
    let id = call.image_id()?;
    let added = call.run(move |images| images.members(&id).add(&project));
    Ok(answer::json(200, &MemberDocument::new(&added.await?)))
}

pub(super) async fn show(call: Box<Call>) -> Result<Response, Refusal> {
    let member = with_member(call, |members, project| members.show(project)).await?;
    Ok(answer::json(200, &MemberDocument::new(&member)))
}

pub(super) async fn set(mut call: Box<Call>) -> Result<Response, Refusal> {
    let body = call.read_body().await?;
    let decision = Decision::from_json(Some(&body))?;
    let set = with_member(call, |members, project| {
        members.set_status(project, decision)
    });
    Ok(answer::json(200, &MemberDocument::new(&set.await?)))
}

pub(super) async fn delete(call: Box<Call>) -> Result<Response, Refusal> {
    with_member(call, |members, project| members.remove(project)).await?;
    Ok(answer::empty(204))
}

/// Does something with the member that the path names.
async fn with_member<T: Send + 'static>(
    call: Box<Call>,
    work: impl FnOnce(&Members, &ProjectId) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (id, project) = (call.image_id()?, call.member_id()?);
    let done = call.run(move |images| work(&images.members(&id), &project));
    done.await
}

pub(super) async fn put_tag(call: Box<Call>) -> Result<Response, Refusal> {
    check_tag(&call)?;
    let tag = call.variables.second.clone();
    // What is wrong with a tag is told before whether there is such an image.
    call.site.engine.settings().limits.check_tag(&tag)?;
    let id = call.image_id()?;
    let tagged = call.run(move |images| images.tags(&id).add(&tag));
    tagged.await?;
    Ok(answer::empty(204))
}

pub(super) async fn delete_tag(call: Box<Call>) -> Result<Response, Refusal> {
    check_tag(&call)?;
    let (id, tag) = (call.image_id()?, call.variables.second.clone());
    let removed = call.run(move |images| images.tags(&id).remove(&tag));
    removed.await?;
    Ok(answer::empty(204))
}

fn check_tag(call: &Call) -> Result<()> {
    if call.variables.are_text {
        return Ok(());
    }
    Err(Error::new(ErrorCode::SchemaViolation, "tag is not UTF-8"))
}

//! Places of data: added by a task, and told to other services.

use axum::response::Response;

use super::answer;
use super::call::Call;
use super::refusal::Refusal;
use crate::import::NewLocation;
use crate::wire::LocationsDocument;

/// Answers with the places of an image, to other services.
pub(super) fn list(call: &Call) -> Result<Response, Refusal> {
    let locations = call.images.locations(&call.image_id()?)?;
    Ok(answer::json(200, &LocationsDocument::new(&locations)))
}

/// Begins to add a place, which goes on when this has answered.
pub(super) async fn add(mut call: Box<Call>) -> Result<Response, Refusal> {
    let body = call.read_body().await?;
    let location = NewLocation::parse(&body)?;
    let (id, who) = (call.image_id()?, call.requester());
    // Names of hosts are looked up here, too.
    let begun = call.run(move |images| {
        images.add_location(&id, &location, &who)?.spawn();
        Ok(())
    });
    begun.await?;
    Ok(answer::empty(202))
}

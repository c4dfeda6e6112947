//! Images by id or by name.

use smalti::wire::ImageAnswer;
use smalti::{ImageId, ListQuery};

use super::{Known, Place};
use crate::fault::{Exit, Fault, Outcome, plain};

/// How many images of one name a message lists.
const LISTED: u64 = 10;

/// Finds an image by its id, or by a name that no other image has in the lists of the caller. What
/// is written like an id is one.
///
/// Images of other projects that the caller has not accepted are found by id alone, so that nobody
/// else can make a name mean something new. Where nobody in particular asks, all are found.
pub(crate) fn find(place: &dyn Place, image: &str) -> Outcome<Known> {
    if let Ok(id) = image.parse::<ImageId>() {
        return place.show(&id);
    }
    let by_name = ListQuery::new().name(image).with_limit(LISTED);
    let by_name = match place.asks_for_all() {
        true => by_name.every_visibility(),
        false => by_name,
    };
    let mut found = place.list(&by_name)?.list.images;
    found.extend(place.list(&by_name.hidden())?.list.images);
    match &found[..] {
        [] => Err(missing(image)),
        [one] => place.show(&one.id),
        several => Err(ambiguous(image, several)),
    }
}

fn missing(image: &str) -> Fault {
    let message = format!("no image has the id or name {image:?}");
    Fault::new(Exit::NotFound, "NotFound", message).with_hint(
        "`smalti ls --all` shows what there is, hidden images with --filter os_hidden=true; \
         those of the community are found by id, or listed with --filter visibility=community",
    )
}

fn ambiguous(image: &str, several: &[ImageAnswer]) -> Fault {
    let ids = several.iter().map(|image| image.id.to_string());
    let ids: Vec<String> = ids.collect();
    let message = format!(
        "several images have the name {:?}: {}",
        plain(image),
        ids.join(", ")
    );
    Fault::new(Exit::Conflict, "Ambiguous", message)
        .with_hint("name the one that is meant by its id")
}

//! Routes of features that are switched off, which answer as the API does then: rights are tested,
//! and then there is no such thing.
//!
//! Stores, staging, import and tasks.

use axum::response::Response;

use super::answer;
use super::call::Call;
use super::refusal::Refusal;
use crate::error::{Error, ErrorCode, Result, shown};
use crate::image::Status;
use crate::json::{self, Json, Object};
use crate::policy::Action;
use crate::query::Parameters;
use crate::task::TaskStatus;
use crate::wire::{ImageTasksDocument, LocationsDocument, TaskListDocument};

/// Longest url of a location, in characters.
const URL_MAX_CHARS: usize = 2048;
/// The algorithms that may vouch for a location.
const ALGORITHMS: [&str; 4] = ["sha1", "sha256", "sha512", "md5"];

/// What tasks may be sorted by: the members that a list shows of each.
pub(super) const TASK_SORT_KEYS: [&str; 7] = [
    "created_at",
    "expires_at",
    "id",
    "owner",
    "status",
    "type",
    "updated_at",
];

/// Answers that a feature is switched off.
pub(super) fn absent(feature: &str) -> Result<Response, Refusal> {
    let message = format!("{feature} is switched off");
    Err(Refusal::new(ErrorCode::NotFound, message))
}

/// Answers with the tasks of an image: none.
pub(super) fn image_tasks(call: &Call) -> Result<Response, Refusal> {
    call.images.check(&call.image_id()?, Action::ImageTasks)?;
    Ok(answer::json(200, &ImageTasksDocument::new([])))
}

/// Answers with the tasks: none.
pub(super) fn list_tasks(call: &Call) -> Result<Response, Refusal> {
    call.images.check_global(Action::Tasks)?;
    let parameters: Parameters = call.query().parse()?;
    check_task_query(&parameters)?;
    let shown = parameters.iter().filter(|(name, _)| *name != "marker");
    let mut first = Parameters::default();
    shown.for_each(|(name, value)| first.push(name, value));
    let first = match first.is_empty() {
        true => "/v2/tasks".to_owned(),
        false => format!("/v2/tasks?{first}"),
    };
    Ok(answer::json(200, &TaskListDocument::new([], first, None)))
}

fn check_task_query(parameters: &Parameters) -> Result<()> {
    let mut all = parameters.iter();
    all.try_for_each(|(name, value)| check_task_parameter(name, value))
}

fn check_task_parameter(name: &str, value: &str) -> Result<()> {
    let fault = |code, form: &str| {
        let shown = shown(value);
        Err(Error::new(code, format!("{name} {shown:?} is not {form}")))
    };
    let among = |words: &[&str], code| match words.contains(&value) {
        true => Ok(()),
        false => fault(code, &format!("one of {}", words.join(", "))),
    };
    let statuses = || TaskStatus::ALL.iter().map(|it| it.as_str());
    match name {
        "status" => among(
            &statuses().collect::<Vec<_>>(),
            ErrorCode::InvalidFilterValue,
        ),
        "type" => among(&["import"], ErrorCode::InvalidFilterValue),
        "limit" if value.parse::<u64>().is_err() => {
            let form = format!("a whole number from 0 to {}", u64::MAX);
            fault(ErrorCode::InvalidLimit, &form)
        }
        "sort_key" => among(&TASK_SORT_KEYS, ErrorCode::InvalidSortKey),
        "sort_dir" => among(&["asc", "desc"], ErrorCode::InvalidSortDir),
        "marker" => fault(
            ErrorCode::InvalidMarker,
            "a task to continue after: none is there",
        ),
        _ => Ok(()),
    }
}

/// Answers that there is no such task.
pub(super) fn show_task(call: &Call) -> Result<Response, Refusal> {
    call.images.check_global(Action::Tasks)?;
    let shown = shown(&call.variables.first);
    Err(Refusal::new(
        ErrorCode::NotFound,
        format!("no task {shown:?}"),
    ))
}

/// Answers that tasks are not made from outside.
pub(super) fn create_task(call: &Call) -> Result<Response, Refusal> {
    call.images.check_global(Action::TaskWrite)?;
    let message = "tasks are made by imports only";
    Err(Refusal::new(ErrorCode::Forbidden, message))
}

/// Answers to who may that no task is deleted.
pub(super) fn delete_task(call: &Call) -> Result<Response, Refusal> {
    call.images.check_global(Action::TaskWrite)?;
    Err(Refusal::method("DELETE", "GET"))
}

/// Refuses an import: no method is enabled.
pub(super) async fn import(mut call: Box<Call>) -> Result<Response, Refusal> {
    let body = call.read_body().await?;
    let request = json::object(&body)?;
    let method = object(request.member("method"), "method")?;
    let name = text(method.member("name"), "method name")?;
    let shown = shown(name);
    let message = format!("import method {shown:?} is not one of those enabled: none");
    Err(Refusal::new(ErrorCode::UnknownImportMethod, message))
}

/// Answers with the places of an image, to other services.
pub(super) fn list_locations(call: &Call) -> Result<Response, Refusal> {
    let locations = call.images.locations(&call.image_id()?)?;
    Ok(answer::json(200, &LocationsDocument::new(&locations)))
}

/// Refuses a location: no store takes any.
pub(super) async fn add_location(mut call: Box<Call>) -> Result<Response, Refusal> {
    let body = call.read_body().await?;
    check_location(&json::object(&body)?)?;
    let id = call.image_id()?;
    call.images
        .check_in(&id, Action::LocationAdd, Status::Queued)?;
    let message = "no store of this service takes locations";
    Err(Refusal::new(ErrorCode::Forbidden, message))
}

fn check_location(location: &Object<'_>) -> Result<()> {
    let url = text(location.member("url"), "url")?;
    let len = url.chars().count();
    if len > URL_MAX_CHARS {
        let message = format!("url is {len} characters, limit {URL_MAX_CHARS}");
        return Err(Error::new(ErrorCode::SchemaViolation, message));
    }
    let Some(proof) = location.member("validation_data") else {
        return Ok(());
    };
    let proof = object(Some(proof), "validation_data")?;
    let algorithm = text(proof.member("os_hash_algo"), "os_hash_algo")?;
    text(proof.member("os_hash_value"), "os_hash_value")?;
    let is_known = |(name, _): (&str, _)| ["os_hash_algo", "os_hash_value"].contains(&name);
    if !ALGORITHMS.contains(&algorithm) || !proof.iter().all(is_known) {
        let message = "validation_data is not os_hash_algo, one of sha1, sha256, sha512, md5, and \
                       os_hash_value";
        return Err(Error::new(ErrorCode::SchemaViolation, message));
    }
    Ok(())
}

fn text<'a>(value: Option<&'a Json<'_>>, name: &str) -> Result<&'a str> {
    match value {
        Some(Json::Text(text)) => Ok(text),
        _ => Err(Error::new(
            ErrorCode::SchemaViolation,
            format!("{name} is not a text"),
        )),
    }
}

fn object<'a, 'b>(value: Option<&'a Json<'b>>, name: &str) -> Result<&'a Object<'b>> {
    match value {
        Some(Json::Object(object)) => Ok(object),
        _ => Err(Error::new(
            ErrorCode::SchemaViolation,
            format!("{name} is not an object"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected: Option<&str>) {
        let parameters = query.parse().expect("a query");
        let found = check_task_query(&parameters).map_err(|error| error.message().to_owned());
        let expected = expected.map_or(Ok(()), |message| Err(message.to_owned()));
        assert_eq!(found, expected, "{query}");
    }

    #[test]
    fn a_filter_of_tasks_that_is_refused_says_what_is_legal() {
        check("limit=0&status=success&sort_dir=asc&x=y", None);
        check(
            "limit=-1",
            Some("limit \"-1\" is not a whole number from 0 to 18446744073709551615"),
        );
        check(
            "status=done",
            Some("status \"done\" is not one of pending, processing, success, failure"),
        );
        check("type=x", Some("type \"x\" is not one of import"));
        check(
            "sort_dir=up",
            Some("sort_dir \"up\" is not one of asc, desc"),
        );
        check(
            "marker=x",
            Some("marker \"x\" is not a task to continue after: none is there"),
        );
    }
}

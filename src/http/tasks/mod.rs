//! Tasks: what imports came to, or how they go. They are made by imports alone, and go by
//! themselves.
//!
//! Source: Glance, `glance/api/v2/tasks.py`; `glance/api/v2/images.py`, `get_task_info`.

mod page;

use axum::response::Response;

use self::page::PageQuery;
use super::answer;
use super::call::Call;
use super::refusal::Refusal;
use crate::error::{ErrorCode, shown};
use crate::id::ImageId;
use crate::policy::Action;
use crate::wire::{ImageTasksDocument, TaskDocument};

pub(super) use self::page::SORT_KEYS;

/// Answers with the tasks of an image that the caller may see.
pub(super) async fn of_image(call: Box<Call>) -> Result<Response, Refusal> {
    let id = call.image_id()?;
    let list = call.run(move |images| {
        let tasks = images.tasks(&id)?;
        Ok(answer::print(&ImageTasksDocument::new(&tasks)))
    });
    Ok(answer::printed(200, list.await?))
}

/// Answers with a page of all tasks.
pub(super) async fn list(call: Box<Call>) -> Result<Response, Refusal> {
    call.images.check_global(Action::Tasks)?;
    let query = PageQuery::parse(call.query(), &call.site.engine.settings().page)?;
    let list = call.run(move |images| {
        let tasks = images.all_tasks()?;
        Ok(answer::print(&query.page(&tasks)?))
    });
    Ok(answer::printed(200, list.await?))
}

/// Answers with a task.
pub(super) async fn show(call: Box<Call>) -> Result<Response, Refusal> {
    call.images.check_global(Action::Tasks)?;
    let part = call.variables.first.as_str();
    let id: ImageId = part.parse().map_err(|_| {
        let message = format!("no task {:?}", shown(part));
        Refusal::new(ErrorCode::NotFound, message)
    })?;
    let task = call.run(move |images| images.task(&id)).await?;
    Ok(answer::json(200, &TaskDocument::new(&task)))
}

/// Answers that tasks are not made from outside.
pub(super) fn create(call: &Call) -> Result<Response, Refusal> {
    call.images.check_global(Action::TaskWrite)?;
    let message = "tasks are made by imports only";
    Err(Refusal::new(ErrorCode::Forbidden, message))
}

/// Answers to who may that no task is deleted.
pub(super) fn delete(call: &Call) -> Result<Response, Refusal> {
    call.images.check_global(Action::TaskWrite)?;
    Err(Refusal::method("DELETE", "GET"))
}

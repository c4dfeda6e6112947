//! The properties of members and tasks.

use super::ID_PATTERN;
use super::node::{Properties, Property};
use crate::image::MemberStatus;
use crate::task::{TaskKind, TaskStatus};

/// Lists the properties of a member.
pub(super) fn member() -> Properties {
    let text = Property::text;
    let statuses = MemberStatus::ALL.iter().map(|status| status.as_str());
    Properties::from([
        ("member_id", text("Project that the image is shared with")),
        (
            "image_id",
            text("Identifier of the image").pattern(ID_PATTERN),
        ),
        ("created_at", text("Since when the image is shared")),
        ("updated_at", text("When the status changed last")),
        (
            "status",
            text("What the member has decided").one_of(statuses),
        ),
        ("schema", text("Path of the schema").read_only()),
    ])
}

/// Which of its documents shows a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TaskForm {
    /// Its own.
    Whole,
    /// That of a page, without what it was asked for and what came of it.
    Item,
}

/// Lists the properties of a task.
pub(super) fn task(form: TaskForm) -> Properties {
    let text = Property::text;
    let object = |description| Property::new("object", description).or_null();
    let kinds = TaskKind::ALL.iter().map(|kind| kind.as_str());
    let statuses = TaskStatus::ALL.iter().map(|status| status.as_str());
    let mut all = Properties::from([
        ("id", text("Identifier of the task").pattern(ID_PATTERN)),
        ("type", text("What the task does").one_of(kinds)),
        ("status", text("How far the task is").one_of(statuses)),
    ]);
    if form == TaskForm::Whole {
        all.push("input", object("What the task was asked for"));
        all.push("result", object("What came of the task"));
    }
    all.push("owner", text("Project that began the task"));
    if form == TaskForm::Whole {
        all.push("message", text("How the task goes, or why it failed"));
    }
    for (name, description) in [
        ("image_id", "Image that the task works on"),
        ("request_id", "Request that began the task"),
        ("user_id", "User who began the task"),
    ] {
        all.push(name, text(description));
    }
    all.push("expires_at", text("When the task vanishes").or_null());
    for (name, description) in [
        ("created_at", "When the task began"),
        ("updated_at", "When the task changed last"),
        ("self", "Path of the task"),
        ("schema", "Path of the schema"),
    ] {
        all.push(name, text(description));
    }
    all
}

//! The documents of tasks: one, a page of them, and those of an image.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{Shown, TASKS};
use crate::clock::Timestamp;
use crate::task::Task;

/// The document of a task.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct TaskDocument<'a>(&'a Task);

impl<'a> TaskDocument<'a> {
    /// Makes the document of a task.
    pub fn new(task: &'a Task) -> Self {
        Self(task)
    }
}

impl Serialize for TaskDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let task = self.0;
        let mut map = serializer.serialize_map(Some(15))?;
        put_state(task, &mut map)?;
        map.serialize_entry("input", &task.input)?;
        map.serialize_entry("result", &task.result)?;
        map.serialize_entry("owner", &task.owner)?;
        map.serialize_entry("message", &task.message)?;
        put_origin(task, &mut map)?;
        put_times(task, &mut map)?;
        put_links(task, &mut map)?;
        map.end()
    }
}

/// The document of a page of tasks, without what they were asked for and what came of it.
#[derive(Debug, Clone, Serialize)]
#[must_use]
pub struct TaskListDocument<'a> {
    tasks: Vec<Item<'a>>,
    first: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    schema: &'static str,
}

impl<'a> TaskListDocument<'a> {
    /// Makes the document of a page, with the links to the first page and, if there is one, to the
    /// next.
    pub fn new(
        tasks: impl IntoIterator<Item = &'a Task>,
        first: impl Into<String>,
        next: Option<String>,
    ) -> Self {
        Self {
            tasks: tasks.into_iter().map(Item).collect(),
            first: first.into(),
            next,
            schema: "/v2/schemas/tasks",
        }
    }
}

#[derive(Debug, Clone)]
struct Item<'a>(&'a Task);

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(9))?;
        put_state(self.0, &mut map)?;
        map.serialize_entry("owner", &self.0.owner)?;
        put_times(self.0, &mut map)?;
        put_links(self.0, &mut map)?;
        map.end()
    }
}

/// The document of the tasks of an image: `{"tasks": [...]}`.
///
/// Its items are older than the schema of tasks: times have microseconds and no zone, and there is
/// a word on deletion (Glance: `glance/api/v2/images.py`, `get_task_info`).
#[derive(Debug, Clone, Serialize)]
#[must_use]
pub struct ImageTasksDocument<'a> {
    tasks: Vec<ImageTask<'a>>,
}

impl<'a> ImageTasksDocument<'a> {
    /// Makes the document of tasks.
    pub fn new(tasks: impl IntoIterator<Item = &'a Task>) -> Self {
        let tasks = tasks.into_iter().map(ImageTask).collect();
        Self { tasks }
    }
}

#[derive(Debug, Clone)]
struct ImageTask<'a>(&'a Task);

impl Serialize for ImageTask<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let task = self.0;
        let mut map = serializer.serialize_map(Some(15))?;
        put_state(task, &mut map)?;
        map.serialize_entry("owner", &task.owner)?;
        put_origin(task, &mut map)?;
        map.serialize_entry("input", &task.input)?;
        map.serialize_entry("result", &task.result)?;
        map.serialize_entry("message", &task.message)?;
        map.serialize_entry("expires_at", &task.expires_at.map(Exact).map(Shown))?;
        map.serialize_entry("created_at", &Shown(Exact(task.created_at)))?;
        map.serialize_entry("updated_at", &Shown(Exact(task.updated_at)))?;
        map.serialize_entry("deleted_at", &None::<&str>)?;
        map.serialize_entry("deleted", &false)?;
        map.end()
    }
}

fn put_state<M: SerializeMap>(task: &Task, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("id", &task.id)?;
    map.serialize_entry("type", task.kind.as_str())?;
    map.serialize_entry("status", task.status.as_str())
}

fn put_origin<M: SerializeMap>(task: &Task, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("image_id", &task.image_id)?;
    map.serialize_entry("request_id", &task.request_id)?;
    map.serialize_entry("user_id", &task.user_id)
}

fn put_times<M: SerializeMap>(task: &Task, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("expires_at", &task.expires_at.map(Shown))?;
    map.serialize_entry("created_at", &Shown(task.created_at))?;
    map.serialize_entry("updated_at", &Shown(task.updated_at))
}

fn put_links<M: SerializeMap>(task: &Task, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("self", &Shown(format_args!("{TASKS}/{}", task.id)))?;
    map.serialize_entry("schema", "/v2/schemas/task")
}

/// A time with its microseconds and without a zone.
struct Exact(Timestamp);

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.to_string();
        let micros = self.0.as_micros().rem_euclid(1_000_000);
        write!(f, "{}.{micros:06}", seconds.trim_end_matches('Z'))
    }
}

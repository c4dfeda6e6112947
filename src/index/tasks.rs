//! Tasks by id, by image and by the end of their time.

use std::ops::Bound;

use super::codec::{self, BorrowDecode, Encode, Record, kind};
use super::kv::{Get, Put, Table};
use super::lists::stamp;
use super::places;
use super::record::number;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{ImageId, ProjectId};
use crate::task::{Task, TaskKind, TaskStatus, from_text, to_text};

/// Most tasks whose time is over that one new task removes.
const PURGED_AT_ONCE: usize = 16;

const KINDS: [(u8, TaskKind); 3] = [
    (1, TaskKind::Import),
    (2, TaskKind::ApiImageImport),
    (3, TaskKind::LocationImport),
];

const STATUSES: [(u8, TaskStatus); 4] = [
    (1, TaskStatus::Pending),
    (2, TaskStatus::Processing),
    (3, TaskStatus::Success),
    (4, TaskStatus::Failure),
];

/// A task, version 1. Objects are JSON texts.
#[derive(Encode, BorrowDecode)]
struct TaskRow<'a> {
    kind: u8,
    status: u8,
    owner: Option<&'a str>,
    image: Option<[u8; 16]>,
    request_id: Option<&'a str>,
    user_id: Option<&'a str>,
    input: Option<&'a str>,
    result: Option<&'a str>,
    message: &'a str,
    expires_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl Record for TaskRow<'_> {
    const KIND: u8 = kind::TASK;
    const VERSION: u8 = 1;
    const NAME: &'static str = "task";
}

fn encode(task: &Task) -> Result<Vec<u8>> {
    let [input, result] = [&task.input, &task.result].map(|it| it.as_ref().map(to_text));
    codec::encode(&TaskRow {
        kind: number(&KINDS, task.kind),
        status: number(&STATUSES, task.status),
        owner: task.owner.as_ref().map(ProjectId::as_str),
        image: task.image_id.map(|id| *id.as_bytes()),
        request_id: task.request_id.as_deref(),
        user_id: task.user_id.as_deref(),
        input: input.as_deref(),
        result: result.as_deref(),
        message: &task.message,
        expires_at: task.expires_at.map(Timestamp::as_micros),
        created_at: task.created_at.as_micros(),
        updated_at: task.updated_at.as_micros(),
    })
}

fn decode(key: &[u8], bytes: &[u8]) -> Result<Task> {
    let row: TaskRow<'_> = codec::decode(bytes)?;
    let id = key
        .try_into()
        .map_err(|_| damaged("a key is not 16 bytes"))?;
    let object = |text: &str| {
        let object = from_text(text.as_bytes());
        object.map_err(|e| damaged("an object is malformed").with_source(e))
    };
    let owner = row.owner.map(ProjectId::new).transpose();
    Ok(Task {
        id: ImageId::from_bytes(id),
        kind: word(&KINDS, row.kind)?,
        status: word(&STATUSES, row.status)?,
        owner: owner.map_err(|e| damaged("an owner is malformed").with_source(e))?,
        image_id: row.image.map(ImageId::from_bytes),
        request_id: row.request_id.map(str::to_owned),
        user_id: row.user_id.map(str::to_owned),
        input: row.input.map(object).transpose()?,
        result: row.result.map(object).transpose()?,
        message: row.message.to_owned(),
        expires_at: row.expires_at.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
    })
}

fn word<T: Copy>(table: &[(u8, T)], number: u8) -> Result<T> {
    let found = table.iter().find(|entry| entry.0 == number);
    let found = found.map(|entry| entry.1);
    found.ok_or_else(|| damaged("a word has no number of ours"))
}

fn damaged(what: &str) -> Error {
    Error::corrupt(format!("table tasks: {what}"))
}

fn of_image_key(image: &ImageId, task: &Task) -> Vec<u8> {
    let mut key = image.as_bytes().to_vec();
    key.extend(stamp(task.created_at).to_be_bytes());
    key.extend(task.id.as_bytes());
    key
}

/// Returns the key of when a task vanishes; of one that has not ended, behind all times.
fn end_key(expires_at: Option<Timestamp>, id: &ImageId) -> Vec<u8> {
    let end = expires_at.map_or(u64::MAX, stamp);
    let mut key = end.to_be_bytes().to_vec();
    key.extend(id.as_bytes());
    key
}

/// Returns a task that was not removed; its time may be over.
pub(crate) fn find(get: &dyn Get, id: &ImageId) -> Result<Option<Task>> {
    let mut found = Ok(None);
    get.get(Table::Tasks, id.as_bytes(), &mut |bytes| {
        found = decode(id.as_bytes(), bytes).map(Some);
    })?;
    found
}

/// Adds a task, and removes some whose time is over.
pub(crate) fn insert(put: &mut dyn Put, task: &Task, now: Timestamp) -> Result<()> {
    purge(put, now, PURGED_AT_ONCE)?;
    put.put(Table::Tasks, task.id.as_bytes(), &encode(task)?)?;
    put.put(Table::TaskEnds, &end_key(task.expires_at, &task.id), b"")?;
    match &task.image_id {
        Some(image) => put.put(Table::ImageTasks, &of_image_key(image, task), b""),
        None => Ok(()),
    }
}

/// Sets a task that is there.
pub(crate) fn update(put: &mut dyn Put, task: &Task) -> Result<()> {
    put.put(Table::Tasks, task.id.as_bytes(), &encode(task)?)?;
    if task.expires_at.is_none() {
        return Ok(());
    }
    put.delete(Table::TaskEnds, &end_key(None, &task.id))?;
    put.put(Table::TaskEnds, &end_key(task.expires_at, &task.id), b"")
}

/// Returns the tasks that have not ended.
pub(crate) fn running(get: &dyn Get) -> Result<Vec<ImageId>> {
    let from = u64::MAX.to_be_bytes();
    let bounds = (Bound::Included(&from[..]), Bound::Unbounded);
    let id = &mut |key: &[u8], _: &[u8]| ended(key);
    places::collect_from(get, Table::TaskEnds, bounds.0, bounds.1, usize::MAX, id)
}

/// Returns the task that a key of an end names.
fn ended(key: &[u8]) -> Result<ImageId> {
    let id = key.last_chunk().map(|id| ImageId::from_bytes(*id));
    id.ok_or_else(|| damaged("a key of an end names no task"))
}

/// Removes up to `limit` tasks whose time is over.
fn purge(put: &mut dyn Put, now: Timestamp, limit: usize) -> Result<()> {
    let mut to = stamp(now).to_be_bytes().to_vec();
    to.extend([u8::MAX; 16]);
    let bounds = (Bound::Unbounded, Bound::Included(&to[..]));
    let key = &mut |key: &[u8], _: &[u8]| Ok(key.to_vec());
    let over = places::collect_from(put, Table::TaskEnds, bounds.0, bounds.1, limit, key)?;
    for key in over {
        let id = ended(&key)?;
        if let Some(task) = find(put, &id)? {
            put.delete(Table::Tasks, id.as_bytes())?;
            if let Some(image) = &task.image_id {
                put.delete(Table::ImageTasks, &of_image_key(image, &task))?;
            }
        }
        put.delete(Table::TaskEnds, &key)?;
    }
    Ok(())
}

/// Returns the tasks of an image that are still shown, oldest first.
pub(crate) fn of_image(get: &dyn Get, image: &ImageId, now: Timestamp) -> Result<Vec<Task>> {
    let (from, mut to) = (image.as_bytes().to_vec(), image.as_bytes().to_vec());
    to.extend([u8::MAX; 25]);
    let bounds = (Bound::Included(&from[..]), Bound::Included(&to[..]));
    let id = &mut |key: &[u8], _: &[u8]| {
        let id = key.last_chunk().map(|id| ImageId::from_bytes(*id));
        id.ok_or_else(|| damaged("a key of an image names no task"))
    };
    let ids = places::collect_from(get, Table::ImageTasks, bounds.0, bounds.1, usize::MAX, id)?;
    let mut tasks = Vec::with_capacity(ids.len());
    for id in ids {
        tasks.extend(find(get, &id)?.filter(|task| !task.is_expired(now)));
    }
    Ok(tasks)
}

/// Returns all tasks that are still shown, by id.
pub(crate) fn all(get: &dyn Get, now: Timestamp) -> Result<Vec<Task>> {
    let mut tasks = places::collect(get, Table::Tasks, usize::MAX, &mut decode)?;
    tasks.retain(|task| !task.is_expired(now));
    Ok(tasks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::tests::{at, task};

    #[test]
    fn a_task_comes_back_as_it_was() {
        for &status in TaskStatus::ALL {
            let mut task = task(status);
            let input = r#"{"import_req": {"method": {"name": "copy-image"}}}"#;
            task.input = from_text(input.as_bytes()).ok();
            task.expires_at = Some(at(5));
            let bytes = encode(&task).unwrap();
            assert_eq!(decode(task.id.as_bytes(), &bytes).unwrap(), task);
        }
    }
}

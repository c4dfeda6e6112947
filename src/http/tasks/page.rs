//! Pages of tasks: filters, order, marker and limit. Pure.

use std::cmp::Ordering;

use crate::error::{Error, ErrorCode, Result, shown};
use crate::id::{ImageId, ProjectId};
use crate::query::{PageLimits, Parameters};
use crate::task::{Task, TaskKind, TaskStatus};
use crate::wire::TaskListDocument;

const PATH: &str = "/v2/tasks";
const MARKER: &str = "marker";

/// What tasks may be sorted by: the members that a list shows of each.
pub(in crate::http) const SORT_KEYS: [&str; 7] = [
    "created_at",
    "expires_at",
    "id",
    "owner",
    "status",
    "type",
    "updated_at",
];

/// What a page of tasks is asked for. Of a parameter that stands more than once the last counts,
/// and what is no parameter of such a page is passed over.
#[derive(Debug)]
pub(super) struct PageQuery {
    /// All that was asked for but the marker.
    parameters: Parameters,
    status: Option<TaskStatus>,
    kind: Option<TaskKind>,
    marker: Option<ImageId>,
    limit: usize,
    key: &'static str,
    is_descending: bool,
}

impl PageQuery {
    /// Reads the query string of a request.
    ///
    /// # Errors
    /// `InvalidFilterValue`, `InvalidLimit`, `InvalidMarker`, `InvalidSortKey`, `InvalidSortDir`.
    pub(super) fn parse(query: &str, limits: &PageLimits) -> Result<Self> {
        let parameters: Parameters = query.parse()?;
        let mut read = Self {
            parameters: Parameters::default(),
            status: None,
            kind: None,
            marker: None,
            limit: len_of(limits.default, limits),
            key: SORT_KEYS[0],
            is_descending: true,
        };
        for (name, value) in parameters.iter() {
            read.take(name, value, limits)?;
        }
        Ok(read)
    }

    fn take(&mut self, name: &str, value: &str, limits: &PageLimits) -> Result<()> {
        let filter = ErrorCode::InvalidFilterValue;
        match name {
            "status" => {
                let statuses = TaskStatus::ALL.iter().map(|it| it.as_str());
                let at = among(name, value, &statuses.collect::<Vec<_>>(), filter)?;
                self.status = Some(TaskStatus::ALL[at]);
            }
            "type" => {
                among(name, value, &[TaskKind::Import.as_str()], filter)?;
                self.kind = Some(TaskKind::Import);
            }
            "limit" => self.limit = len_of(limit(value)?, limits),
            "sort_key" => {
                let at = among(name, value, &SORT_KEYS, ErrorCode::InvalidSortKey)?;
                self.key = SORT_KEYS[at];
            }
            "sort_dir" => {
                let at = among(name, value, &["asc", "desc"], ErrorCode::InvalidSortDir)?;
                self.is_descending = at == 1;
            }
            MARKER => {
                let id = value.parse().map_err(|_| no_marker(value))?;
                self.marker = Some(id);
                return Ok(());
            }
            _ => {}
        }
        self.parameters.push(name, value);
        Ok(())
    }

    /// Makes the page of all tasks that this asks for.
    ///
    /// # Errors
    /// `InvalidMarker` for a task that is not there.
    pub(super) fn page<'a>(&self, all: &'a [Task]) -> Result<TaskListDocument<'a>> {
        let marker = self.marker.map(|id| {
            let found = all.iter().find(|task| task.id == id);
            found.ok_or_else(|| no_marker(&id.to_string()))
        });
        let marker = marker.transpose()?;
        let is_asked = |task: &&Task| {
            let has = |status| task.status == status;
            self.status.is_none_or(has) && self.kind.is_none_or(|kind| task.kind == kind)
        };
        let is_behind =
            |task: &&Task| marker.is_none_or(|marker| self.compare(marker, task) == Ordering::Less);
        let mut tasks: Vec<&Task> = all.iter().filter(is_asked).filter(is_behind).collect();
        tasks.sort_by(|a, b| self.compare(a, b));
        tasks.truncate(self.limit);
        let last = tasks.last().filter(|_| tasks.len() == self.limit);
        let next = last.map(|task| self.link(Some(&task.id)));
        Ok(TaskListDocument::new(tasks, self.link(None), next))
    }

    /// Compares tasks in the order that is asked for, in which no two are equal.
    fn compare(&self, a: &Task, b: &Task) -> Ordering {
        let ascending = by_key(self.key, a, b)
            .then(a.created_at.cmp(&b.created_at))
            .then(a.id.as_bytes().cmp(b.id.as_bytes()));
        match self.is_descending {
            true => ascending.reverse(),
            false => ascending,
        }
    }

    /// Returns the link to the first page, or to the one behind a task.
    fn link(&self, marker: Option<&ImageId>) -> String {
        let mut parameters = self.parameters.clone();
        if let Some(id) = marker {
            parameters.push(MARKER, id.to_string());
        }
        match parameters.is_empty() {
            true => PATH.to_owned(),
            false => format!("{PATH}?{parameters}"),
        }
    }
}

fn by_key(key: &str, a: &Task, b: &Task) -> Ordering {
    match key {
        "expires_at" => a.expires_at.cmp(&b.expires_at),
        "id" => a.id.as_bytes().cmp(b.id.as_bytes()),
        "owner" => owner(a).cmp(&owner(b)),
        "status" => a.status.as_str().cmp(b.status.as_str()),
        "type" => a.kind.as_str().cmp(b.kind.as_str()),
        "updated_at" => a.updated_at.cmp(&b.updated_at),
        _ => a.created_at.cmp(&b.created_at),
    }
}

fn owner(task: &Task) -> Option<&str> {
    task.owner.as_ref().map(ProjectId::as_str)
}

fn len_of(len: u64, limits: &PageLimits) -> usize {
    usize::try_from(len.min(limits.max)).unwrap_or(usize::MAX)
}

fn limit(value: &str) -> Result<u64> {
    value.parse().map_err(|_| {
        let form = format!("a whole number from 0 to {}", u64::MAX);
        fault("limit", value, &form, ErrorCode::InvalidLimit)
    })
}

/// Finds a value among the words that are legal.
fn among(name: &str, value: &str, words: &[&str], code: ErrorCode) -> Result<usize> {
    let found = words.iter().position(|word| *word == value);
    found.ok_or_else(|| fault(name, value, &format!("one of {}", words.join(", ")), code))
}

fn no_marker(value: &str) -> Error {
    let form = "a task to continue after";
    fault(MARKER, value, form, ErrorCode::InvalidMarker)
}

fn fault(name: &str, value: &str, form: &str, code: ErrorCode) -> Error {
    Error::new(code, format!("{name} {:?} is not {form}", shown(value)))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::clock::Timestamp;

    const LIMITS: PageLimits = PageLimits { default: 2, max: 3 };

    /// Makes a task of a number, which is its id and its time, and a status.
    fn task(number: u8, status: TaskStatus) -> Task {
        let now = Timestamp::from_micros(i64::from(number) * 1_000_000);
        Task {
            id: ImageId::from_bytes([number; 16]),
            kind: TaskKind::ApiImageImport,
            status,
            owner: None,
            image_id: None,
            request_id: None,
            user_id: None,
            input: None,
            result: None,
            message: String::new(),
            expires_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    fn id(number: u8) -> String {
        ImageId::from_bytes([number; 16]).to_string()
    }

    /// Reads a page of five tasks, of which the even ones have failed.
    fn page(query: &str) -> Result<Value> {
        let status = |number| match number % 2 {
            0 => TaskStatus::Failure,
            _ => TaskStatus::Success,
        };
        let all: Vec<Task> = (1..=5).map(|number| task(number, status(number))).collect();
        let page = PageQuery::parse(query, &LIMITS)?.page(&all)?;
        Ok(serde_json::to_value(page).expect("a document"))
    }

    #[track_caller]
    fn check(query: &str, expected: &[u8], next: Option<&str>) {
        let page = page(query).expect("a page");
        let tasks = page["tasks"].as_array().expect("a list").iter();
        let found: Vec<&str> = tasks.map(|it| it["id"].as_str().expect("an id")).collect();
        let expected: Vec<String> = expected.iter().map(|number| id(*number)).collect();
        assert_eq!(found, expected, "{query}");
        assert_eq!(page["next"].as_str(), next, "{query}");
    }

    #[track_caller]
    fn refused(query: &str, message: &str) {
        let error = page(query).expect_err(query);
        assert_eq!(error.message(), message);
    }

    #[test]
    fn pages_follow_each_other_newest_first() {
        let behind = |number, more: &str| format!("/v2/tasks?{more}marker={}", id(number));
        check("", &[5, 4], Some(&behind(4, "")));
        check(&format!("marker={}", id(4)), &[3, 2], Some(&behind(2, "")));
        check(&format!("marker={}", id(2)), &[1], None);
        check(&format!("marker={}", id(1)), &[], None);
        check("limit=9&x=y", &[5, 4, 3], Some(&behind(3, "limit=9&x=y&")));
        check("limit=0", &[], None);
    }

    #[test]
    fn tasks_are_filtered_and_sorted_as_is_asked() {
        let asked = "status=failure&sort_key=id&sort_dir=asc";
        let next = format!("/v2/tasks?{asked}&marker={}", id(4));
        check(asked, &[2, 4], Some(&next));
        check("type=import", &[], None);
        check(
            "sort_key=status&sort_dir=asc&limit=3",
            &[2, 4, 1],
            Some(&format!(
                "/v2/tasks?sort_key=status&sort_dir=asc&limit=3&marker={}",
                id(1)
            )),
        );
        // The marker need not pass the filters.
        check(
            &format!("status=success&marker={}", id(4)),
            &[3, 1],
            Some(&format!("/v2/tasks?status=success&marker={}", id(1))),
        );
    }

    #[test]
    fn a_page_that_is_refused_says_what_is_legal() {
        refused(
            "limit=-1",
            "limit \"-1\" is not a whole number from 0 to 18446744073709551615",
        );
        refused(
            "status=done",
            "status \"done\" is not one of pending, processing, success, failure",
        );
        refused("type=x", "type \"x\" is not one of import");
        refused("sort_dir=up", "sort_dir \"up\" is not one of asc, desc");
        refused("marker=x", "marker \"x\" is not a task to continue after");
        let unknown = id(9);
        refused(
            &format!("marker={unknown}"),
            &format!("marker {unknown:?} is not a task to continue after"),
        );
    }
}

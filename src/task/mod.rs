//! Tasks: records of work that outlives the request that began it.
//!
//! Pure: what runs a task is for others. A task moves from pending to processing to success or
//! failure, and may fail before it begins; it never moves back (Glance:
//! `glance/domain/__init__.py`, `Task`). What has ended is shown for two days.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ImageId, ProjectId};

/// How long a task is shown after its end (`task_time_to_live`).
const SHOWN_FOR: Duration = Duration::from_secs(48 * 60 * 60);
/// Longest message that is kept, in bytes.
const MESSAGE_MAX_BYTES: usize = 4096;

/// A JSON object that is passed on as it is.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

/// Returns an object as JSON text.
pub(crate) fn to_text(object: &JsonObject) -> String {
    // An object of texts, numbers and the like always prints.
    serde_json::to_string(object).unwrap_or_default()
}

/// Reads an object from JSON text.
///
/// # Errors
/// `MalformedJson`.
pub(crate) fn from_text(text: &[u8]) -> Result<JsonObject> {
    serde_json::from_slice(text).map_err(|error| {
        let message = format!("this is no JSON object: {error}");
        Error::new(ErrorCode::MalformedJson, message)
    })
}

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskKind {
    /// Imports from a url, by the tasks API of old.
    Import,
    /// Imports into an image.
    ApiImageImport,
    /// Takes a location into an image.
    LocationImport,
}

impl TaskKind {
    /// Every kind, in the order of the schema.
    pub const ALL: &'static [Self] = &[Self::Import, Self::ApiImageImport, Self::LocationImport];

    /// Returns the word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::ApiImageImport => "api_image_import",
            Self::LocationImport => "location_import",
        }
    }
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the API defines these four")]
pub enum TaskStatus {
    /// It has not begun.
    Pending,
    /// It runs.
    Processing,
    /// It is done.
    Success,
    /// It has failed.
    Failure,
}

impl TaskStatus {
    /// Every status, in the order of the schema.
    pub const ALL: &'static [Self] = &[
        Self::Pending,
        Self::Processing,
        Self::Success,
        Self::Failure,
    ];

    /// Returns the word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// A task, as its documents show it.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "it is put together from its parts, all of which a document shows"
)]
pub struct Task {
    /// Its id, of the form of an image's.
    pub id: ImageId,
    /// What it does.
    pub kind: TaskKind,
    /// How far it is.
    pub status: TaskStatus,
    /// The project that began it.
    pub owner: Option<ProjectId>,
    /// The image that it works on.
    pub image_id: Option<ImageId>,
    /// The request that began it.
    pub request_id: Option<String>,
    /// The user who began it.
    pub user_id: Option<String>,
    /// What it was asked for.
    pub input: Option<JsonObject>,
    /// What came of it.
    pub result: Option<JsonObject>,
    /// How it goes, or why it failed; may be empty.
    pub message: String,
    /// When it vanishes, if it has ended.
    pub expires_at: Option<Timestamp>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

impl Task {
    /// Tells whether it has ended.
    pub fn is_over(&self) -> bool {
        matches!(self.status, TaskStatus::Success | TaskStatus::Failure)
    }

    /// Tells whether it has ended so long ago that nobody sees it any more.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires| expires <= now)
    }

    /// Returns how long ago it changed last.
    pub fn idle(&self, now: Timestamp) -> Duration {
        let micros = now.as_micros().saturating_sub(self.updated_at.as_micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// Says how it goes.
    pub(crate) fn note(&mut self, message: impl Into<String>, now: Timestamp) {
        self.message = shortened(message.into());
        self.updated_at = now.max(self.updated_at);
    }

    /// Begins it.
    ///
    /// # Errors
    /// `InvalidState` unless it is pending.
    pub(crate) fn begin(&mut self, now: Timestamp) -> Result<()> {
        self.enter(TaskStatus::Processing, now)
    }

    /// Ends it well.
    ///
    /// # Errors
    /// `InvalidState` unless it is processing.
    pub(crate) fn succeed(&mut self, result: JsonObject, now: Timestamp) -> Result<()> {
        self.enter(TaskStatus::Success, now)?;
        self.result = Some(result);
        self.expires_at = Some(after(now));
        Ok(())
    }

    /// Ends it badly.
    ///
    /// # Errors
    /// `InvalidState` if it has ended before.
    pub(crate) fn fail(&mut self, message: impl Into<String>, now: Timestamp) -> Result<()> {
        self.enter(TaskStatus::Failure, now)?;
        self.message = shortened(message.into());
        self.expires_at = Some(after(now));
        Ok(())
    }

    fn enter(&mut self, next: TaskStatus, now: Timestamp) -> Result<()> {
        use TaskStatus::{Failure, Pending, Processing, Success};
        let may = matches!(
            (self.status, next),
            (Pending, Processing | Failure) | (Processing, Success | Failure)
        );
        if !may {
            let (status, next) = (self.status.as_str(), next.as_str());
            let message = format!("task is {status}, so it cannot become {next}");
            return Err(Error::new(ErrorCode::InvalidState, message));
        }
        self.status = next;
        self.updated_at = now.max(self.updated_at);
        Ok(())
    }
}

fn after(now: Timestamp) -> Timestamp {
    let micros = i64::try_from(SHOWN_FOR.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.as_micros().saturating_add(micros))
}

fn shortened(mut message: String) -> String {
    if message.len() > MESSAGE_MAX_BYTES {
        let fits = |end: &usize| message.is_char_boundary(*end);
        let end = (0..=MESSAGE_MAX_BYTES).rev().find(fits).unwrap_or(0);
        message.truncate(end);
    }
    message
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    pub(crate) fn task(status: TaskStatus) -> Task {
        Task {
            id: ImageId::from_bytes([9; 16]),
            kind: TaskKind::ApiImageImport,
            status,
            owner: ProjectId::new("p").ok(),
            image_id: Some(ImageId::from_bytes([7; 16])),
            request_id: Some("req-1".to_owned()),
            user_id: None,
            input: None,
            result: None,
            message: String::new(),
            expires_at: None,
            created_at: at(1),
            updated_at: at(1),
        }
    }

    #[test]
    fn a_task_moves_on_and_never_back() {
        use TaskStatus::{Failure, Pending, Processing, Success};
        for &from in TaskStatus::ALL {
            let results = [
                task(from).begin(at(2)).is_ok(),
                task(from).succeed(JsonObject::new(), at(2)).is_ok(),
                task(from).fail("why", at(2)).is_ok(),
            ];
            let expected = match from {
                Pending => [true, false, true],
                Processing => [false, true, true],
                Success | Failure => [false; 3],
            };
            assert_eq!(results, expected, "{from:?}");
        }
    }

    #[test]
    fn what_has_ended_is_shown_for_two_days() {
        let mut task = task(TaskStatus::Processing);
        assert!(!task.is_expired(Timestamp::MAX), "it has not ended");
        task.fail("why", at(100)).unwrap();
        assert_eq!(task.message, "why");
        assert!(!task.is_expired(at(100 + 48 * 3600 - 1)));
        assert!(task.is_expired(at(100 + 48 * 3600)));
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let mut task = task(TaskStatus::Pending);
        task.fail("\u{e4}".repeat(4000), at(2)).unwrap();
        assert_eq!(task.message.len(), 4096);
        task.note("x".to_owned() + &"\u{e4}".repeat(4000), at(3));
        assert_eq!(task.message.len(), 4095);
    }
}

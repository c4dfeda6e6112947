//! What went wrong, for the one who called the tool: reason, message, what to do, exit code.
//!
//! Errors of the engine, of a server and of the tool itself all become a [`Fault`]; it keeps codes
//! and kinds as the API names them.

mod hint;
mod plain;

use std::fmt;

use serde_json::{Value, json};
use smalti::wire::{ErrorAnswer, ErrorDocument};

pub(crate) use plain::plain;

/// What every step of the tool returns.
pub(crate) type Outcome<T = ()> = Result<T, Fault>;

/// How the tool ends. `--help` of the tool lists these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something failed that has no number of its own.
    Failed = 1,
    /// The command, a value or the configuration is wrong.
    Usage = 2,
    /// There is no such thing, or none that the caller sees.
    NotFound = 3,
    /// The caller may not do this, or nobody knows who it is.
    Forbidden = 4,
    /// The state of the image, or another writer, stands against it.
    Conflict = 5,
    /// A limit or quota is exceeded, or the disk is full.
    Limit = 6,
    /// The place does not serve now: locked, not reachable, failed.
    Unavailable = 7,
    /// Stored or transferred bytes are damaged.
    Damaged = 8,
    /// The user has interrupted.
    Interrupted = 130,
}

impl Exit {
    /// Returns the end for a kind of the API.
    fn of_kind(kind: &str) -> Self {
        match kind {
            "Invalid" | "Unsatisfiable" => Self::Usage,
            "NotFound" => Self::NotFound,
            "Forbidden" => Self::Forbidden,
            "Conflict" => Self::Conflict,
            "TooLarge" | "Full" => Self::Limit,
            "Unavailable" => Self::Unavailable,
            "Corrupt" => Self::Damaged,
            _ => Self::Failed,
        }
    }

    /// Returns the kind that an error of the tool has.
    fn kind(self) -> &'static str {
        match self {
            Self::Failed | Self::Interrupted => "Failed",
            Self::Usage => "Invalid",
            Self::NotFound => "NotFound",
            Self::Forbidden => "Forbidden",
            Self::Conflict => "Conflict",
            Self::Limit => "TooLarge",
            Self::Unavailable => "Unavailable",
            Self::Damaged => "Corrupt",
        }
    }
}

/// Why a command has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    code: String,
    kind: String,
    message: String,
    hint: Option<String>,
    exit: Exit,
    /// Status and request id of a server's answer.
    answer: Option<(u16, Option<String>)>,
}

impl Fault {
    /// Makes a fault of the tool.
    pub(crate) fn new(exit: Exit, code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            kind: exit.kind().to_owned(),
            message: message.into(),
            hint: None,
            exit,
            answer: None,
        }
    }

    /// Makes a fault of the command line or of the configuration.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "Usage", message)
    }

    /// Makes a fault of a call to the operating system, with the deed that failed.
    pub(crate) fn io(deed: impl fmt::Display, error: &std::io::Error) -> Self {
        let exit = match error.kind() {
            std::io::ErrorKind::NotFound => Exit::NotFound,
            std::io::ErrorKind::PermissionDenied => Exit::Forbidden,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Exit::Limit,
            _ => Exit::Failed,
        };
        Self::new(exit, "Io", format!("{deed}: {error}"))
    }

    /// Says how the tool ends of it, where that is not what the operating system says.
    pub(crate) fn ending_in(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self.kind = exit.kind().to_owned();
        self
    }

    /// Makes the fault that a server has answered.
    pub(crate) fn answered(answer: ErrorAnswer, status: u16, request_id: Option<String>) -> Self {
        let ErrorAnswer {
            code,
            kind,
            message,
            ..
        } = answer;
        Self {
            hint: hint::of_code(&code).map(str::to_owned),
            exit: Exit::of_kind(&kind),
            code,
            kind,
            message,
            answer: Some((status, request_id)),
        }
    }

    /// Says what to do, in place of what was said before.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says before the message what it is about.
    pub(crate) fn about(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Adds status and request id of the answer that it is about.
    pub(crate) fn with_answer(mut self, status: u16, request_id: Option<String>) -> Self {
        self.answer = Some((status, request_id));
        self
    }

    /// Returns the exact reason.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// Returns how the tool ends.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns the document: that of the API, with what the tool knows besides.
    pub(crate) fn to_json(&self) -> Value {
        let mut error = json!({
            "code": self.code, "kind": self.kind, "message": self.message,
        });
        if let Some(hint) = &self.hint {
            error["hint"] = json!(hint);
        }
        if let Some((status, request_id)) = &self.answer {
            error["status"] = json!(status);
            error["request_id"] = json!(request_id);
        }
        json!({ "error": error })
    }
}

/// Two lines for a reader, or one: what is wrong, and what to do. What a server has written, or the
/// one who named a file, reaches no terminal as a command of it.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", plain(&self.message))?;
        if let Some((status, request_id)) = &self.answer {
            write!(f, " (status {status}, {}", plain(&self.code))?;
            if let Some(id) = request_id {
                write!(f, ", request {}", plain(id))?;
            }
            f.write_str(")")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n   do: {hint}"),
            None => Ok(()),
        }
    }
}

impl From<smalti::Error> for Fault {
    fn from(error: smalti::Error) -> Self {
        let document = serde_json::to_value(ErrorDocument::new(&error)).unwrap_or_default();
        let kind = document["error"]["kind"].as_str().unwrap_or("Internal");
        let code = error.code().name();
        Self {
            code: code.to_owned(),
            kind: kind.to_owned(),
            message: error.message().to_owned(),
            hint: hint::of_code(code).map(str::to_owned),
            exit: Exit::of_kind(kind),
            answer: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smalti::ErrorCode;

    #[test]
    fn kinds_of_the_engine_end_in_the_documented_numbers() {
        for (code, number) in [
            (ErrorCode::InvalidParameter, 2),
            (ErrorCode::RangeNotSatisfiable, 2),
            (ErrorCode::NotFound, 3),
            (ErrorCode::ProtectedImage, 4),
            (ErrorCode::Unauthenticated, 4),
            (ErrorCode::Duplicate, 5),
            (ErrorCode::ImageTooLarge, 6),
            (ErrorCode::StorageFull, 6),
            (ErrorCode::Locked, 7),
            (ErrorCode::Corrupt, 8),
            (ErrorCode::Internal, 1),
        ] {
            let fault = Fault::from(smalti::Error::new(code, "why"));
            assert_eq!(fault.exit() as u8, number, "{code:?}");
            assert_eq!(fault.to_json()["error"]["code"], code.name());
        }
    }

    #[test]
    fn a_fault_shows_what_is_wrong_and_what_to_do() {
        let fault = Fault::usage("size is 5x").with_hint("write 5MiB");
        assert_eq!(fault.to_string(), "error: size is 5x\n   do: write 5MiB");
        let fault = Fault::usage("a").with_answer(502, Some("req-1".into()));
        assert_eq!(
            fault.to_string(),
            "error: a (status 502, Usage, request req-1)"
        );
        assert_eq!(fault.to_json()["error"]["request_id"], "req-1");
    }

    #[test]
    fn what_a_server_answers_commands_no_terminal() {
        let evil = "\u{1b}]0;x\u{7}\u{9b}2J\r\n";
        let answer = json!({ "error": { "code": evil, "kind": "Invalid", "message": evil } });
        let document = serde_json::from_value::<ErrorAnswer>(answer);
        let fault = Fault::answered(document.unwrap(), 400, Some(evil.into()));
        let shown = fault.to_string();
        assert!(!shown.contains(char::is_control), "{shown:?}");
        assert_eq!(shown.matches("\\u{1b}]0;x").count(), 3, "{shown}");
    }
}

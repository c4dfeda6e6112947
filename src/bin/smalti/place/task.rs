//! Tasks as their documents show them: how they go, and how they end.

use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use smalti::ImageId;

use crate::fault::{Exit, Fault, Outcome};
use crate::interrupt;

/// How often a task is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Waits for the end of a task that `look` finds; `tell` hears each new message of it.
///
/// # Errors
/// What the task says of its failure; where it cannot be found; where the user interrupts, whom the
/// task does not wait for.
pub(super) fn wait(look: &dyn Fn() -> Outcome<Value>, tell: &dyn Fn(&str)) -> Outcome {
    let mut told = String::new();
    loop {
        let task = look()?;
        let message = task["message"].as_str().unwrap_or_default();
        match task["status"].as_str() {
            Some("success") => {
                // Some stores may have failed that were allowed to.
                if !message.is_empty() {
                    tell(message);
                }
                return Ok(());
            }
            Some("failure") => return Err(failed(&task, message)),
            _ if message != told => {
                tell(message);
                message.clone_into(&mut told);
            }
            _ => {}
        }
        interrupt::check()?;
        sleep(LOOK_EVERY);
    }
}

fn failed(task: &Value, message: &str) -> Fault {
    let id = task["id"].as_str().unwrap_or("of no id");
    let message = format!("task {id} has failed: {message}");
    Fault::new(Exit::Failed, "ImportFailed", message)
        .with_hint("mend what it says, then ask again; `smalti show IMAGE` tells its status")
}

/// Makes the fault of a task that is not there any more.
pub(super) fn gone(image: &ImageId) -> Fault {
    let message = format!("image {image} or its task is gone");
    Fault::new(Exit::NotFound, "NotFound", message)
}

/// Returns the task of an id among those of a document.
pub(super) fn find(tasks: &Value, is_it: &dyn Fn(&str) -> bool) -> Option<Value> {
    let mut tasks = tasks["tasks"].as_array()?.iter();
    let found = tasks.find(|task| task["id"].as_str().is_some_and(is_it));
    found.cloned()
}

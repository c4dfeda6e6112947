//! Keys of the Images API's service whose work is not there yet: only values that ask for none of
//! it are taken, so that no configuration promises what does not happen.

use super::given::Given;
use crate::fault::Outcome;

/// A key whose work is not there yet.
pub(super) struct Later {
    pub(super) name: &'static str,
    /// Values that are taken; lists with commas between. The first one is shown.
    off: &'static [&'static str],
    pub(super) meaning: &'static str,
}

const fn later(name: &'static str, off: &'static [&'static str], meaning: &'static str) -> Later {
    Later { name, off, meaning }
}

/// All of these keys.
pub(super) const LATER: &[Later] = &[
    later(
        "enabled_backends",
        &[""],
        "stores; name them in tables [stores.NAME]",
    ),
    later("http_retries", &["3", "0"], "digests of added locations"),
    later(
        "image_cache_dir",
        &[""],
        "a cache elsewhere; image_cache has it in the directory",
    ),
    later(
        "max_parallel_stores",
        &["1"],
        "stores that one import writes at once",
    ),
    later(
        "store_description",
        &[""],
        "stores; describe them in tables [stores.NAME]",
    ),
    later("task_time_to_live", &["48"], "tasks"),
    later(
        "use_keystone_limits",
        &["false"],
        "limits of projects from another service; write them in tables [limits.PROJECT]",
    ),
    later(
        "use_limits",
        &["false"],
        "limits of projects; write them in tables [limits.PROJECT]",
    ),
    later(
        "vmdk_allowed_types",
        &["streamOptimized,monolithicSparse", ""],
        "conversion",
    ),
    later(
        "weight",
        &["0"],
        "stores; weigh them in tables [stores.NAME]",
    ),
];

impl Later {
    /// Tests that a value asks for nothing.
    pub(super) fn expect_off(&self, given: &Given) -> Outcome {
        let canonical = given.canonical();
        if canonical.is_some_and(|value| self.off.contains(&value.as_str())) {
            return Ok(());
        }
        Err(given.wrong(format_args!("is not there yet; only {}", self.shown())))
    }

    /// Returns the value that is taken.
    pub(super) fn shown(&self) -> String {
        match self.off.first() {
            None | Some(&"") => "none".to_owned(),
            Some(off) => (*off).to_owned(),
        }
    }
}

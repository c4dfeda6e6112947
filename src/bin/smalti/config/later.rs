//! Keys of the Images API's service whose work is not there yet: only values that ask for none of
//! it are taken, so that no configuration promises what does not happen.

use super::given::Given;
use crate::fault::Outcome;
use crate::size::Size;

/// A key whose work is not there yet.
pub(super) struct Later {
    pub(super) name: &'static str,
    /// Values that are taken; lists with commas between. The first one is shown.
    off: &'static [&'static str],
    form: Form,
    pub(super) meaning: &'static str,
}

/// How values are compared.
#[derive(Clone, Copy)]
enum Form {
    /// As they are written.
    Text,
    /// As numbers of bytes, with or without a unit.
    Size,
}

const fn later(name: &'static str, off: &'static [&'static str], meaning: &'static str) -> Later {
    let form = Form::Text;
    Later {
        name,
        off,
        form,
        meaning,
    }
}

const fn size(name: &'static str, off: &'static [&'static str], meaning: &'static str) -> Later {
    let form = Form::Size;
    Later {
        form,
        ..later(name, off, meaning)
    }
}

/// All of these keys.
pub(super) const LATER: &[Later] = &[
    later(
        "do_secure_hash",
        &["true", "false"],
        "digests of added locations",
    ),
    later(
        "enabled_backends",
        &[""],
        "stores; name them in tables [stores.NAME]",
    ),
    later("http_retries", &["3", "0"], "digests of added locations"),
    later("image_cache_dir", &[""], "the image cache"),
    size("image_cache_max_size", &["10737418240"], "the image cache"),
    later("image_cache_stall_time", &["86400"], "the image cache"),
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
        "limits of projects from elsewhere",
    ),
    later("use_limits", &["false"], "limits of projects"),
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

impl Form {
    fn same(self, value: &str, off: &str) -> bool {
        match (self, value.parse::<Size>(), off.parse::<Size>()) {
            (Self::Size, Ok(value), Ok(off)) => value == off,
            _ => value == off,
        }
    }
}

impl Later {
    /// Tests that a value asks for nothing.
    pub(super) fn expect_off(&self, given: &Given) -> Outcome {
        let canonical = given.canonical();
        if canonical.is_some_and(|value| self.off.iter().any(|off| self.form.same(&value, off))) {
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

//! The configuration of a server, and of who works on its directory: defaults, a file over them, the
//! command line over both.
//!
//! Keys have the names of the Images API's service. Each is read by its own type and bounds; what
//! is unknown, repeated or wrong is an error that names key, value, bound and place.

mod bucket;
mod file;
mod given;
mod keys;
mod later;
mod limits;
mod open;
mod stores;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use smalti::Settings;
use smalti::fetch::UriRules;
use smalti::http::{HttpSettings, ServerSettings};
use smalti::policy::ProtectionFormat;

use crate::fault::{Fault, Outcome};
use crate::shell::Answer;
use crate::table::table;
use given::{Given, Origin, Value};
use limits::Limits;
use stores::Stores;

/// Everything that a configuration says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Config {
    pub(crate) settings: Settings,
    pub(crate) front: HttpSettings,
    pub(crate) server: ServerSettings,
    pub(crate) policy: PolicyFiles,
    pub(crate) stores: Stores,
    pub(crate) limits: Limits,
    /// Which urls may be downloaded.
    pub(crate) uris: UriRules,
    /// Where certificates are that verify signatures.
    pub(crate) certificates: Option<PathBuf>,
}

/// A file that a key names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named {
    pub(crate) path: PathBuf,
    given: Given,
}

impl Named {
    fn read(given: &Given) -> Outcome<Self> {
        Ok(Self {
            path: given.path()?,
            given: given.clone(),
        })
    }

    /// Names key, value and place in a fault of the file.
    pub(crate) fn about(&self, fault: Fault) -> Fault {
        let Given { key, value, origin } = &self.given;
        fault.about(format_args!("{key} = {value} ({origin})"))
    }
}

/// Files that say who may do what.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PolicyFiles {
    pub(crate) policy_file: Option<Named>,
    pub(crate) property_protection_file: Option<Named>,
    pub(crate) property_protection_rule_format: ProtectionFormat,
}

impl Config {
    /// Reads a file, if there is one, and what the command line sets.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(crate) fn load(path: Option<&Path>, sets: &[(String, String)]) -> Outcome<Self> {
        let mut given = match path {
            Some(path) => file::read(path)?,
            None => Vec::new(),
        };
        let mut seen = BTreeMap::new();
        for (key, value) in sets {
            if let Some(before) = seen.insert(key, value) {
                let message = format!("{key} is set twice by --set: to {before} and to {value}");
                return Err(Fault::usage(message).with_hint("leave one of them out"));
            }
            // It comes in place of what the file says.
            given.retain(|given| given.key != *key);
            given.push(Given {
                key: key.clone(),
                value: Value::Raw(value.clone()),
                origin: Origin::Flag,
            });
        }
        let mut config = Self::default();
        given.iter().try_for_each(|given| config.take(given))?;
        config.settings.check()?;
        Ok(config)
    }

    fn take(&mut self, given: &Given) -> Outcome {
        if given.key == stores::KEY {
            return self.stores.read(given);
        }
        if given.key == limits::KEY {
            return self.limits.read(given);
        }
        if let Some(key) = keys::all().find(|key| key.name == given.key) {
            return (key.take)(self, given);
        }
        match later::LATER.iter().find(|later| later.name == given.key) {
            Some(later) => later.expect_off(given),
            None => Err(unknown(given)),
        }
    }
}

fn unknown(given: &Given) -> Fault {
    let message = format!("there is no key {:?} ({})", given.key, given.origin);
    let names = keys::all().map(|key| key.name);
    let names = names.chain(later::LATER.iter().map(|later| later.name));
    let plain = |name: &str| name.replace(['_', '-'], "").to_lowercase();
    let hint = match names
        .into_iter()
        .find(|name| plain(name) == plain(&given.key))
    {
        Some(name) => format!("write {name}"),
        None => "`smalti serve --list-keys` shows all keys".to_owned(),
    };
    Fault::new(crate::fault::Exit::Usage, "InvalidSettings", message).with_hint(hint)
}

/// Answers with all keys: name, default, meaning.
pub(crate) fn list_keys() -> Answer {
    let head = ["KEY", "DEFAULT", "MEANING"].map(str::to_owned);
    let now = keys::all().map(|key| [key.name, key.default, key.meaning].map(str::to_owned));
    let later = later::LATER.iter().map(|later| {
        let meaning = format!("not there yet: {}", later.meaning);
        [later.name.to_owned(), later.shown(), meaning]
    });
    let rows: Vec<[String; 3]> = std::iter::once(head).chain(now).chain(later).collect();
    let keys: Vec<_> = rows.iter().skip(1).collect();
    let documents = keys.iter().map(
        |[name, default, meaning]| json!({ "key": name, "default": default, "meaning": meaning }),
    );
    let json = json!({ "keys": documents.collect::<Vec<_>>() });
    Answer::new(json, table(&rows))
}

#[cfg(test)]
mod tests;

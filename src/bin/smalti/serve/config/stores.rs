//! Tables `[stores.NAME]`: read and tested as a whole, though only the one store of files that an
//! engine has is there yet.

use std::path::{Path, PathBuf};

use super::given::{Given, Origin, Value};
use crate::fault::{Exit, Fault, Outcome};

/// The key that the tables stand below.
pub(super) const KEY: &str = "stores";
/// Names that begin so are the engine's.
const RESERVED: &str = "os_glance_";
/// The types that there are.
const TYPES: [&str; 1] = ["file"];

/// The stores that are configured.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::serve) struct Stores {
    stores: Vec<Store>,
    /// The key that names one of them.
    default: Option<Given>,
}

/// One store.
#[derive(Debug, Clone, PartialEq)]
struct Store {
    name: String,
    origin: Origin,
    kind: Option<String>,
    path: Option<PathBuf>,
    is_read_only: bool,
}

impl Stores {
    /// Reads the tables.
    pub(super) fn read(&mut self, given: &Given) -> Outcome {
        let Value::Table(tables) = &given.value else {
            return Err(given.not("tables [stores.NAME]"));
        };
        let stores = tables.iter().map(Store::read);
        self.stores = stores.collect::<Outcome<_>>()?;
        Ok(())
    }

    /// Reads the name of the store that uploads go to.
    pub(super) fn read_default(&mut self, given: &Given) -> Outcome {
        given.text()?;
        self.default = Some(given.clone());
        Ok(())
    }

    /// Tests that they are what an engine in `data` has: one store of files.
    pub(in crate::serve) fn expect_only(&self, data: &Path) -> Outcome {
        if let Some(default) = &self.default {
            let names: Vec<&str> = self
                .stores
                .iter()
                .map(|store| store.name.as_str())
                .collect();
            if !names.contains(&default.text()?) {
                let names = if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                };
                return Err(default.wrong(format_args!("names no store; there are: {names}")));
            }
        }
        if let Some(second) = self.stores.get(1) {
            return Err(second.later("more than one store is not there yet"));
        }
        self.stores
            .iter()
            .try_for_each(|store| store.expect_only(data))
    }
}

impl Store {
    fn read(table: &Given) -> Outcome<Self> {
        let name = table.key.clone();
        let Value::Table(members) = &table.value else {
            return Err(table.not("a table [stores.NAME]").about("stores"));
        };
        let mut store = Self {
            name,
            origin: table.origin.clone(),
            kind: None,
            path: None,
            is_read_only: false,
        };
        store.expect_name()?;
        for member in members {
            let taken = store.take(member);
            taken.map_err(|fault| fault.about(format_args!("store {}", store.name)))?;
        }
        match store.kind {
            Some(_) => Ok(store),
            None => Err(store.fault(format_args!(
                "has no type; it is one of {}",
                TYPES.join(", ")
            ))),
        }
    }

    fn expect_name(&self) -> Outcome {
        if self.name.is_empty() || self.name.starts_with(RESERVED) {
            let what =
                format_args!("has a name that is reserved: empty, or with {RESERVED} before");
            return Err(self.fault(what));
        }
        Ok(())
    }

    fn take(&mut self, member: &Given) -> Outcome {
        match member.key.as_str() {
            "type" if !TYPES.contains(&member.text()?) => {
                return Err(member.not(format_args!("one of {}", TYPES.join(", "))));
            }
            "type" => self.kind = Some(member.text()?.to_owned()),
            "path" => self.path = Some(member.path()?),
            // Of one store both ask for nothing: it is the heaviest, and no answer describes it.
            "description" => {
                member.text()?;
            }
            "weight" => {
                member.number(i64::from(i32::MIN)..=i64::from(i32::MAX))?;
            }
            "read_only" => self.is_read_only = member.flag()?,
            other => {
                let message = format!("there is no member {other:?} ({})", member.origin);
                return Err(Fault::new(Exit::Usage, "InvalidSettings", message)
                    .with_hint("members are type, path, description, weight and read_only"));
            }
        }
        Ok(())
    }

    fn expect_only(&self, data: &Path) -> Outcome {
        if self.is_read_only {
            return Err(self.later("a store that is read only is not there yet"));
        }
        let same = |path: &PathBuf| match (path.canonicalize(), data.canonicalize()) {
            (Ok(path), Ok(data)) => path == data,
            _ => path.components().eq(data.components()),
        };
        if !self.path.as_ref().is_none_or(same) {
            return Err(self.later("a path other than that of --data is not there yet"));
        }
        Ok(())
    }

    fn later(&self, what: &str) -> Fault {
        self.fault(format_args!("cannot be: {what}"))
            .with_hint("configure one store of type file, or none")
    }

    fn fault(&self, what: impl std::fmt::Display) -> Fault {
        let message = format!("store {:?} {what} ({})", self.name, self.origin);
        Fault::new(Exit::Usage, "InvalidSettings", message)
    }
}

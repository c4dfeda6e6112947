//! Tables `[stores.NAME]`: the stores of an engine, in the order of their lines.

use std::path::{Path, PathBuf};

use smalti::NamedStore;
use smalti::engine::Builder;

use super::bucket::Bucket;
use super::given::{Given, Origin, Value};
use crate::fault::{Exit, Fault, Outcome};

/// The key that the tables stand below.
pub(super) const KEY: &str = "stores";
/// Names that begin so are the engine's.
const RESERVED: &str = "os_glance_";
/// The types that there are.
const TYPES: [&str; 2] = ["file", "s3"];
/// The members that a store of each type may have, all of them.
const MEMBERS: &str = "members are type, path, description, weight, read_only and default; of an s3 store \
                       also bucket, endpoint, region, prefix, access_key, secret_key_file, allow_http and \
                       cache_size";

/// The stores that are configured.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Stores {
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
    description: Option<String>,
    weight: i64,
    is_read_only: bool,
    is_default: bool,
    bucket: Bucket,
}

impl Stores {
    /// Reads the tables.
    pub(super) fn read(&mut self, given: &Given) -> Outcome {
        let Value::Table(tables) = &given.value else {
            return Err(given.not("tables [stores.NAME]"));
        };
        let stores = tables.iter().map(Store::read);
        self.stores = stores.collect::<Outcome<_>>()?;
        self.stores.sort_by_key(|store| store.origin.line());
        Ok(())
    }

    /// Reads the name of the store that uploads go to.
    pub(super) fn read_default(&mut self, given: &Given) -> Outcome {
        given.text()?;
        self.default = Some(given.clone());
        Ok(())
    }

    /// Gives an engine in `data` the stores. The one without a path, or with that of the data, is in
    /// the directory of the engine itself.
    pub(crate) fn give(&self, mut builder: Builder, data: &Path) -> Outcome<Builder> {
        for store in &self.stores {
            builder = builder.store(store.named(data)?);
        }
        Ok(match self.default()? {
            Some(name) => builder.default_store(name),
            None => builder,
        })
    }

    /// Returns the name of the store that takes data for which none is named, if the configuration
    /// says so: by one key or one member.
    fn default(&self) -> Outcome<Option<&str>> {
        let mut defaults = self.stores.iter().filter(|store| store.is_default);
        let (first, second) = (defaults.next(), defaults.next());
        if let Some(second) = second {
            return Err(second.fault("is default, and so is another"));
        }
        let Some(given) = &self.default else {
            return Ok(first.map(|store| store.name.as_str()));
        };
        let name = given.text()?;
        let names: Vec<&str> = self.stores.iter().map(|it| it.name.as_str()).collect();
        if !names.contains(&name) {
            let names = match names.is_empty() {
                true => "none".to_owned(),
                false => names.join(", "),
            };
            return Err(given.wrong(format_args!("names no store; there are: {names}")));
        }
        match first.filter(|store| store.name != name) {
            Some(store) => Err(given.wrong(format_args!("stands against store {}", store.name))),
            None => Ok(Some(name)),
        }
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
            description: None,
            weight: 0,
            is_read_only: false,
            is_default: false,
            bucket: Bucket::default(),
        };
        store.expect_name()?;
        for member in members {
            let taken = store.take(member);
            taken.map_err(|fault| fault.about(format_args!("store {}", store.name)))?;
        }
        match store.kind.as_deref() {
            Some("s3") => {
                let checked = store.bucket.check(store.path.as_deref());
                checked.map_err(|what| store.fault(what)).map(|()| store)
            }
            Some(_) if store.bucket != Bucket::default() => {
                Err(store.fault("has members of an s3 store, and is none"))
            }
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
            "description" => self.description = Some(member.text()?.to_owned()),
            "weight" => {
                self.weight = member.number(i64::from(i32::MIN)..=i64::from(i32::MAX))?;
            }
            "read_only" => self.is_read_only = member.flag()?,
            "default" => self.is_default = member.flag()?,
            other => {
                if !self.bucket.take(other, member)? {
                    let message = format!("there is no member {other:?} ({})", member.origin);
                    let fault = Fault::new(Exit::Usage, "InvalidSettings", message);
                    return Err(fault.with_hint(MEMBERS));
                }
            }
        }
        Ok(())
    }

    /// Makes the store of an engine in `data`.
    fn named(&self, data: &Path) -> Outcome<NamedStore> {
        let is_own = |path: &PathBuf| match (path.canonicalize(), data.canonicalize()) {
            (Ok(path), Ok(data)) => path == data,
            _ => path.components().eq(data.components()),
        };
        let store = match (&self.path, self.kind.as_deref()) {
            (Some(near), Some("s3")) => self.bucket.named(&self.name, near).map_err(|fault| {
                let Self { name, origin, .. } = self;
                fault.about(format_args!("store {name:?} ({origin})"))
            })?,
            (Some(path), _) if !is_own(path) => NamedStore::on_path(&self.name, path),
            _ => NamedStore::own(&self.name),
        };
        let store = store.weight(self.weight);
        let store = match &self.description {
            Some(text) => store.description(text),
            None => store,
        };
        Ok(match self.is_read_only {
            true => store.read_only(),
            false => store,
        })
    }

    fn fault(&self, what: impl std::fmt::Display) -> Fault {
        let message = format!("store {:?} {what} ({})", self.name, self.origin);
        Fault::new(Exit::Usage, "InvalidSettings", message)
    }
}

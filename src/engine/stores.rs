//! The stores of an engine: taken when it is opened, shown to who asks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use super::{Engine, format};
use crate::base::{Known, Stores};
use crate::error::{Error, ErrorCode, ErrorKind, Result};
use crate::index::{Durability, Kv, KvAccess, RedbKv, stores};
use crate::store::{NamedStore, Store, StoreInfo};

/// Name of the store in the directory of the engine, unless it is given another.
const OWN_NAME: &str = "local";

/// The stores that an engine is opened with.
#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    pub(super) stores: Vec<NamedStore>,
    /// The one that takes what is for no store in particular.
    pub(super) default: Option<String>,
}

/// The packs of stores by their number.
pub(super) type PacksOf = BTreeMap<u16, Arc<dyn Store>>;

impl Engine {
    /// Returns the stores, in the order in which the engine was given them; the one in its own
    /// directory comes first where it was not named.
    pub fn stores(&self) -> Vec<StoreInfo> {
        self.inner.base.stores.infos().cloned().collect()
    }

    /// Tells whether callers may choose among stores: whether any was named when the engine was
    /// opened (Glance: `enabled_backends`).
    pub fn has_named_stores(&self) -> bool {
        self.inner.base.stores.are_named()
    }
}

impl Given {
    /// Tests what can be tested before anything is opened, and adds what goes without saying.
    ///
    /// # Errors
    /// `InvalidSettings`.
    pub(super) fn complete(&self) -> Result<Vec<NamedStore>> {
        let mut all = self.stores.clone();
        if !all.iter().any(NamedStore::is_own) {
            all.insert(0, NamedStore::own(OWN_NAME));
        }
        let mut names = BTreeSet::new();
        for store in &all {
            store.check()?;
            let name = store.name();
            if !names.insert(name.to_owned()) {
                return Err(invalid(format!("two stores have the name {name}")));
            }
        }
        if all.iter().filter(|store| store.is_own()).count() > 1 {
            return Err(invalid("the store of the directory is named twice".into()));
        }
        if let Some(default) = &self.default {
            let found = all.iter().find(|store| store.name() == default);
            match found {
                Some(store) if !store.is_read_only() => {}
                Some(_) => return Err(invalid(format!("default store {default} is only read"))),
                None => return Err(invalid(format!("default store {default} is not given"))),
            }
        }
        Ok(all)
    }

    /// Takes the stores for an engine, and numbers new ones.
    ///
    /// A store that was there before and is not what it was is left out: what it alone holds cannot
    /// be read, all else can.
    ///
    /// # Errors
    /// `InvalidSettings` for one that belongs to another engine.
    pub(super) fn open(
        &self,
        kv: &RedbKv,
        own: Arc<dyn Store>,
        engine: [u8; 16],
        access: KvAccess,
    ) -> Result<(PacksOf, Stores)> {
        let numbers: BTreeMap<String, u16> = kv.read(|get| stores::all(get))?.into_iter().collect();
        let mut packs = PacksOf::from([(stores::OWN, own)]);
        let mut known = Vec::new();
        let all = self.complete()?;
        let own_name = all.iter().find(|it| it.is_own()).map(NamedStore::name);
        let default = self.default.as_deref().or(own_name);
        for store in &all {
            let mut info = store.info(Some(store.name()) == default);
            let mut number = numbers.get(store.name()).copied();
            match store.packs() {
                None => number = store.is_own().then_some(stores::OWN),
                Some(place) => match take(kv, store, &*place, engine, number, access) {
                    Ok(taken) => {
                        number = taken;
                        packs.extend(number.map(|number| (number, place)));
                    }
                    Err(error) if number.is_some() && error.kind() != ErrorKind::Conflict => {
                        tracing::error!(store = store.name(), %error, "opening without a store");
                        info.is_available = false;
                    }
                    Err(error) => return Err(refused(store.name(), error)),
                },
            }
            known.push(Known { info, number });
        }
        Ok((packs, Stores::new(known, !self.stores.is_empty())))
    }
}

/// Marks a store as the engine's, then gives it a number: a crash between leaves a mark that this
/// engine finds to be its own. Who only reads marks nothing, and knows no store without a number.
fn take(
    kv: &RedbKv,
    store: &NamedStore,
    place: &dyn Store,
    engine: [u8; 16],
    number: Option<u16>,
    access: KvAccess,
) -> Result<Option<u16>> {
    if store.disk().is_some_and(format::is_there) {
        let message = "it is the directory of an engine";
        return Err(Error::new(ErrorCode::Duplicate, message));
    }
    if access == KvAccess::Read {
        return Ok(number);
    }
    place.claim(&owner(engine, store.name()), number.is_some())?;
    if number.is_some() {
        return Ok(number);
    }
    let numbered = kv.write(Durability::Now, |put| stores::number_for(put, store.name()));
    numbered.map(Some)
}

fn owner(engine: [u8; 16], name: &str) -> String {
    let mut text = String::new();
    for byte in engine {
        let _ = write!(text, "{byte:02x}");
    }
    format!("{text} {name}")
}

fn refused(name: &str, error: Error) -> Error {
    let message = format!("store {name}: {}", error.message());
    match error.kind() {
        ErrorKind::Conflict => invalid(message).with_source(error),
        _ => Error::new(error.code(), message).with_source(error),
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorCode::InvalidSettings, message)
}

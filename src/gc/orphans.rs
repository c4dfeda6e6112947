//! Packs that a store has and the index does not know: a request that arrived after its pack was
//! given up, or a delete that was never heard of.
//!
//! Only stores that seal uploads have such: in others a name is gone when a delete returns.

use std::collections::BTreeSet;

use super::run::GcReport;
use crate::base::Base;
use crate::error::Result;
use crate::id::PackId;
use crate::index::Kv;
use crate::index::places::{self, Counter};

/// Returns the stores that may have packs of which nobody knows.
pub(super) fn stores(base: &Base) -> Vec<u16> {
    let is_read_only = |number| {
        let info = base.stores.of_number(number);
        info.is_some_and(|info| info.is_read_only)
    };
    let stores = base.packs.stores();
    let sealing = stores.filter(|(number, store)| store.seals_uploads() && !is_read_only(*number));
    sealing.map(|(number, _)| number).collect()
}

/// Deletes the packs of a store that have no row.
///
/// A row is there before its pack and goes after it, so what is listed first and has no row then is
/// nobody's. What has a number that was never given may be of a newer index: it is left alone.
pub(super) fn delete(base: &Base, store: u16, report: &mut GcReport) -> Result<()> {
    let place = base.packs.store(store)?;
    let listed = place.list()?;
    let (rows, next) = base.kv.read(|get| {
        Ok((
            places::packs(get)?,
            places::counter(get, Counter::NextPack)?,
        ))
    })?;
    let of_store = rows.iter().filter(|(of, ..)| *of == store);
    let known: BTreeSet<PackId> = of_store.map(|(_, pack, _)| *pack).collect();
    for pack in listed.into_iter().filter(|pack| !known.contains(pack)) {
        if pack.0 >= next {
            tracing::error!(%pack, store, "a pack has a number that was never given");
            continue;
        }
        tracing::warn!(%pack, store, "a pack of which the index knows nothing is deleted");
        base.trust(place.delete(pack))?;
        report.orphan_packs += 1;
    }
    Ok(())
}

//! Which stores get the data of an import.

use super::request::Request;
use crate::base::Stores;
use crate::error::{Error, ErrorCode, Result};
use crate::image::{Image, ImportMethod};

/// Returns the stores that a request asks for, in order; none is left where a copy is everywhere
/// already.
///
/// # Errors
/// `ConflictingParameters`; `UnknownStore` with status 409; `StoreReadOnly`; `AlreadyInStore`;
/// `MultiStoreRequired`.
pub(super) fn resolve(request: &Request, stores: &Stores, image: &Image) -> Result<Vec<String>> {
    let mut targets = match stores.are_named() {
        true => named(request, stores)?,
        false => vec![stores.default_name().to_owned()],
    };
    if request.method == ImportMethod::CopyImage {
        let has = |name: &String| image.locations().iter().any(|it| it.store() == Some(name));
        if stores.are_named() && request.all_stores {
            targets.retain(|name| !has(name));
        } else if let Some(present) = targets.iter().find(|name| has(name)) {
            let message = format!("store {present} has the data of the image already");
            return Err(Error::new(ErrorCode::AlreadyInStore, message));
        }
    }
    if request.must_succeed == Some(false) && !stores.are_named() {
        let message = "all_stores_must_succeed is false, and the engine has one store";
        return Err(Error::new(ErrorCode::MultiStoreRequired, message));
    }
    Ok(targets)
}

fn named(request: &Request, stores: &Stores) -> Result<Vec<String>> {
    let ways = [
        request.all_stores,
        request.stores.is_some(),
        request.header.is_some(),
    ];
    if ways.into_iter().filter(|&way| way).count() > 1 {
        let message = "all_stores, stores and the header that names a store exclude each other";
        return Err(Error::new(ErrorCode::ConflictingParameters, message));
    }
    if request.all_stores {
        let taking: Vec<String> = stores.taking().map(str::to_owned).collect();
        return match taking.is_empty() {
            true => Err(Error::new(ErrorCode::StoreReadOnly, "no store takes data")),
            false => Ok(taking),
        };
    }
    let default = || stores.default_name().to_owned();
    let header = || vec![request.header.clone().unwrap_or_else(default)];
    let targets = request.stores.clone().unwrap_or_else(header);
    targets.iter().try_for_each(|name| check(stores, name))?;
    Ok(targets)
}

fn check(stores: &Stores, name: &str) -> Result<()> {
    let info = stores.named(name).map_err(|e| e.with_http_status(409))?;
    if info.is_read_only {
        let message = format!("store {name} is only read");
        return Err(Error::new(ErrorCode::StoreReadOnly, message));
    }
    Ok(())
}

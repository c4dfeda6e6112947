//! Stores by number: a name has one number for ever, and keys of places begin with it.

use super::kv::{Get, Put, Table};
use super::places;
use crate::error::{Error, ErrorCode, Result};

/// Number of the store in the directory of the engine, whatever its name.
pub(crate) const OWN: u16 = 0;

/// Returns the numbers of all stores that ever were, by name; that of the directory of the engine is
/// not among them.
pub(crate) fn all(get: &dyn Get) -> Result<Vec<(String, u16)>> {
    places::collect(get, Table::Stores, usize::MAX, &mut |key, value| {
        let name = std::str::from_utf8(key).map_err(|_| damaged("a name is not text"))?;
        let number = value
            .try_into()
            .map_err(|_| damaged("a number is not 2 bytes"))?;
        Ok((name.to_owned(), u16::from_le_bytes(number)))
    })
}

/// Returns the number of a store; a new one gets the next.
pub(crate) fn number_for(put: &mut dyn Put, name: &str) -> Result<u16> {
    let all = all(put)?;
    if let Some((_, number)) = all.iter().find(|(known, _)| known == name) {
        return Ok(*number);
    }
    let last = all.iter().map(|(_, number)| *number).max().unwrap_or(OWN);
    let number = last.checked_add(1).ok_or_else(|| {
        let message = "an engine has had 65,535 stores, and cannot have another";
        Error::new(ErrorCode::InvalidSettings, message)
    })?;
    put.put(Table::Stores, name.as_bytes(), &number.to_le_bytes())?;
    Ok(number)
}

fn damaged(what: &str) -> Error {
    Error::corrupt(format!("table stores: {what}"))
}

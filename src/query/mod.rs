//! What a list is asked for: filters, order, marker and limit, read from a query string and printed.
//!
//! It owns every parameter of `GET /v2/images` and the links from page to page. Asking and answering
//! are two steps: a query is read without knowing the caller, the configured page lengths or any
//! image, and nothing here says how an index answers it; that is for `index`. It refuses parameters
//! that the API does not know how to combine, and lists that nobody would write by hand.
//!
//! Sources: the Images API, "List images", and Glance, `glance/api/v2/images.py`, `index`.

mod filters;
mod form;
mod link;
mod list;
mod order;
mod parse;
mod text;
mod time;
mod whole;

#[cfg(test)]
mod tests;

pub(crate) use filters::Filters;
pub(crate) use filters::{MemberFilter, Scope, TextField, TextTest};
pub use filters::{NumberField, NumberTest, TimeField, TimeTest};
#[cfg(feature = "http")]
pub(crate) use form::Parameters;
pub use list::{ListQuery, PageLimits};
pub use order::{Direction, SortKey};
pub(crate) use order::{compare, of_creation};
pub(crate) use time::seconds_of;

use crate::error::{Error, ErrorCode, shown};

/// Makes the error for a value that a parameter does not take.
fn bad_value(code: ErrorCode, name: &str, value: &str, form: &str) -> Error {
    let (name, value) = (shown(name), shown(value));
    Error::new(code, format!("{name} {value:?} is not {form}"))
}

//! Lists: how images are found by what they are, in any order, without reading what is not shown.
//!
//! Every image that lists may hold has a *slot*, a number: what is public has neighbouring ones, and
//! so have the images of an owner. What is hidden and what is public lies apart from the rest, in
//! *parts*. For each part there are *postings* (which slots have a value), *orders* (slots in order of
//! a value) and *views* (whole records in order of creation); *facts* (numbers by slot) are those of
//! all parts. They change with the record, in its transaction and nowhere else.
//!
//! A page is made of the sources of its caller, each filtered to a set of slots and put in order
//! as far as the page goes, and merged.

mod along;
mod bound;
mod candidates;
mod check;
mod facts;
mod filter;
mod fixed;
mod order;
mod page;
mod path;
mod posting;
mod row;
mod rows;
mod sift;
mod slots;
mod source;
#[cfg(test)]
mod tests;
mod view;
mod walk;

pub(crate) use check::check;
pub(crate) use page::{Ask, page};
pub(crate) use row::Row;
pub(crate) use rows::{Entry, PUBLIC_SCOPE, Part, change, is_listed, scope_of};
pub(crate) use rows::{share_key, share_place, stamp};
pub(crate) use source::Reach;

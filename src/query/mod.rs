//! What a list is asked for: filters, order, marker and limit, read from a query string and printed.
//!
//! Pure: how an index answers is for `index`.

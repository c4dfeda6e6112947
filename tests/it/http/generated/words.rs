//! What the generator picks from: words, filters, ranges and media types, right ones and wrong ones.

use crate::http::request::{OCTETS, PATCH};

/// Words that stand for names, tags, values, and for nothing.
pub(super) const WORDS: [&str; 14] = [
    "a",
    "debian",
    "p1",
    "p2",
    "..",
    "%",
    "\u{e9}",
    "\u{1f600}",
    "",
    " ",
    "a/b",
    "os_glance_x",
    "-1",
    "00000000-0000-4000-8000-000000000000",
];
pub(super) const FILTERS: [&str; 24] = [
    "name=a",
    "name=in:a,b",
    "name=foo:a",
    "status=active",
    "size_min=10",
    "size_max=x",
    "limit=1",
    "limit=-1",
    "limit=5",
    "marker=x",
    "sort=name:asc",
    "sort=size",
    "sort=owner",
    "sort_key=name",
    "sort_dir=asc",
    "visibility=all",
    "visibility=",
    "member_status=all",
    "tag=a",
    "os_hidden=true",
    "created_at=gt:2020",
    "protected=TRUE",
    "a=%ff",
    "prefer=fast",
];
pub(super) const RANGES: [&str; 9] = [
    "bytes=0-9",
    "bytes=-5",
    "bytes=10-",
    "bytes=999999999-",
    "bytes=0-1,3-4",
    "bytes=",
    "x",
    "bytes=5-2",
    "bytes=0-99999999999999999999",
];
pub(super) const TYPES: [&str; 6] = [
    OCTETS,
    PATCH,
    "application/json",
    "text/plain",
    "application/octet-stream; x=y",
    "",
];

//! From the path of a request to what it names: a version, a fixed page, or a path of the API.
//!
//! Pure. Parts are decoded once, after they were told apart, so that `%2F` may stand in one.

use std::borrow::Cow;

use super::route::{self, Resource};

/// Returns the minor versions of the API that are offered, newest first: some came with the cache, and
/// some with stores.
pub(super) fn minor_versions(has_cache: bool, has_stores: bool) -> Vec<u8> {
    let is_offered = |minor: &u8| match minor {
        14 | 16 | 18 => has_cache,
        8 | 10..=13 => has_stores,
        _ => true,
    };
    (0..=NEWEST).rev().filter(is_offered).collect()
}

/// The newest minor version of the API.
const NEWEST: u8 = 18;
/// Longest path that can be known, in parts below the version.
const PARTS_MAX: usize = 4;

/// What a path names.
#[derive(Debug)]
pub(super) enum Target {
    /// No version, or one that is not offered: the answer lists those that are.
    Choices,
    /// A page outside of the versions.
    Apart(&'static Resource),
    /// A version without the slash behind it.
    Bare,
    /// A path of the API, and its variable parts.
    Known(&'static Resource, Variables),
    /// A path below a version that is not of the API.
    Unknown,
}

/// The variable parts of a path, decoded.
#[derive(Debug, Default)]
pub(super) struct Variables {
    pub(super) first: String,
    pub(super) second: String,
    /// Whether all were UTF-8.
    pub(super) are_text: bool,
}

impl Target {
    /// Finds out what a path names; `accept` is the header, which may choose the version instead, of
    /// those that are offered.
    pub(super) fn of(path: &str, accept: Option<&str>, versions: &[u8]) -> Self {
        let is_version = |part: &str| is_version(part, versions);
        let path = path.strip_prefix('/').unwrap_or(path);
        let (first, rest) = match path.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        if is_version(first) {
            return rest.map_or(Self::Bare, Self::below);
        }
        if accept.and_then(accepted_version).is_some_and(is_version) {
            return Self::below(path);
        }
        match (route::find_apart(first), rest) {
            (Some(resource), None) => Self::Apart(resource),
            _ => Self::Choices,
        }
    }

    /// Finds out what a path below a version names.
    fn below(path: &str) -> Self {
        let mut parts = [const { Cow::Borrowed("") }; PARTS_MAX];
        let (mut count, mut are_text) = (0, true);
        for part in path.split('/') {
            if count == PARTS_MAX {
                return Self::Unknown;
            }
            let (decoded, is_text) = decode(part);
            parts[count] = decoded;
            are_text &= is_text;
            count += 1;
        }
        let texts: [&str; PARTS_MAX] = std::array::from_fn(|at| &*parts[at]);
        match route::find(&texts[..count]) {
            Some((resource, [first, second])) => {
                let variables = Variables {
                    first: first.to_owned(),
                    second: second.to_owned(),
                    are_text,
                };
                Self::Known(resource, variables)
            }
            None => Self::Unknown,
        }
    }
}

/// Tells whether a part is `v2`, or `v2.N` with a minor version that is offered.
fn is_version(part: &str, versions: &[u8]) -> bool {
    match part.strip_prefix("v2") {
        Some("") => true,
        Some(rest) => {
            let minor = rest.strip_prefix('.');
            minor.is_some_and(|minor| versions.iter().any(|it| it.to_string() == minor))
        }
        None => false,
    }
}

/// Returns the version that a header `Accept` chooses.
fn accepted_version(accept: &str) -> Option<&str> {
    let rest = accept.strip_prefix("application/vnd.openstack.images-")?;
    rest.split([',', ';', '+']).next().map(str::trim)
}

/// Decodes a part once, and tells whether it is UTF-8; what is no escape stands for itself.
fn decode(part: &str) -> (Cow<'_, str>, bool) {
    if !part.contains('%') {
        return (Cow::Borrowed(part), true);
    }
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%')
            .then(|| after.first_chunk::<2>().and_then(hex))
            .flatten();
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() {
            &after[2..]
        } else {
            after
        };
    }
    match String::from_utf8(bytes) {
        Ok(text) => (Cow::Owned(text), true),
        Err(error) => {
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            (Cow::Owned(text), false)
        }
    }
}

fn hex(digits: &[u8; 2]) -> Option<u8> {
    let digit = |at: usize| char::from(digits[at]).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, accept: Option<&str>, expected: &str) {
        check_among((false, false), path, accept, expected);
    }

    #[track_caller]
    fn check_among(
        (has_cache, has_stores): (bool, bool),
        path: &str,
        accept: Option<&str>,
        expected: &str,
    ) {
        let versions = minor_versions(has_cache, has_stores);
        let found = match Target::of(path, accept, &versions) {
            Target::Choices => "choices".to_owned(),
            Target::Bare => "bare".to_owned(),
            Target::Unknown => "unknown".to_owned(),
            Target::Apart(resource) => resource.path.to_owned(),
            Target::Known(resource, v) => {
                let text = if v.are_text { "" } else { " (no text)" };
                format!("{} {:?} {:?}{text}", resource.path, v.first, v.second)
            }
        };
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn paths_name_versions_pages_and_routes() {
        check("/", None, "choices");
        check("", None, "choices");
        check("/v1/images", None, "choices");
        check("/v3", None, "choices");
        check("/v2.16/images", None, "choices");
        check("/v2.07/images", None, "choices");
        check("/versions", None, "/versions");
        check("/versions/x", None, "choices");
        check("/healthcheck", None, "/healthcheck");
        check("/v2", None, "bare");
        check("/v2.17", None, "bare");
        check("/v2/", None, "unknown");
        check("/v2/images/", None, "unknown");
        check("/v2/images/a/b/c/d", None, "unknown");
        check("/v2.0/images", None, "/v2/images \"\" \"\"");
        check("/v2/im%61ges", None, "/v2/images \"\" \"\"");
    }

    #[test]
    fn the_header_chooses_a_version_where_the_path_does_not() {
        let chosen = Some("application/vnd.openstack.images-v2.7");
        check("/images", chosen, "/v2/images \"\" \"\"");
        check("/v2/images", chosen, "/v2/images \"\" \"\"");
        check(
            "/images",
            Some("application/vnd.openstack.images-v1"),
            "choices",
        );
        check("/images", Some("application/json"), "choices");
    }

    #[test]
    fn versions_are_offered_with_what_they_brought() {
        let older = [9, 7, 6, 5, 4, 3, 2, 1, 0];
        for (has_cache, has_stores, newer) in [
            (false, false, &[17, 15][..]),
            (true, false, &[18, 17, 16, 15, 14]),
        ] {
            let found = minor_versions(has_cache, has_stores);
            assert_eq!(found, [newer, &older].concat());
        }
        let stores: Vec<u8> = [17, 15].into_iter().chain((0..=13).rev()).collect();
        assert_eq!(minor_versions(false, true), stores);
        assert_eq!(minor_versions(true, true), Vec::from_iter((0..=18).rev()));
        let list = "/v2/images \"\" \"\"";
        check_among((false, true), "/v2.8/images", None, list);
        check_among((true, false), "/v2.8/images", None, "choices");
        check_among((true, false), "/v2.16/images", None, list);
    }

    #[test]
    fn parts_are_decoded_once_and_after_they_were_told_apart() {
        let tag = |text: &str| format!("/v2/images/{{image_id}}/tags/{{tag}} \"i\" {text}");
        check("/v2/images/i/tags/a%2Fb", None, &tag("\"a/b\""));
        check("/v2/images/i/tags/a%252Fb", None, &tag("\"a%2Fb\""));
        check("/v2/images/i/tags/100%", None, &tag("\"100%\""));
        check("/v2/images/i/tags/%zz%4", None, &tag("\"%zz%4\""));
        check("/v2/images/i/tags/%C3%A9", None, &tag("\"\u{e9}\""));
        check(
            "/v2/images/i/tags/%ff",
            None,
            &tag("\"\u{fffd}\" (no text)"),
        );
        check("/v2/images/i/tags/", None, &tag("\"\""));
    }
}

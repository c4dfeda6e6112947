//! Where a redirect leads: references of RFC 9110, section 10.2.2, resolved by RFC 3986, section 5.
//!
//! It owns text alone: what comes out is a uri that has yet to be checked.

use super::checked::CheckedUri;
use super::uri::is_scheme;

/// Returns the uri that `location` means in an answer from `base`.
pub(super) fn join(base: &CheckedUri, location: &str) -> String {
    let scheme = base.scheme();
    let is_absolute = location.split_once(':').is_some_and(|(s, _)| is_scheme(s));
    let path = base.target().split('?').next().unwrap_or_default();
    match location {
        _ if is_absolute => location.to_owned(),
        _ if location.starts_with("//") => format!("{scheme}:{location}"),
        _ if location.starts_with('/') => format!("{}{location}", base.origin()),
        _ if location.starts_with('?') => format!("{}{path}{location}", base.origin()),
        _ if location.is_empty() || location.starts_with('#') => base.to_uri(),
        _ => {
            let dir = &path[..=path.rfind('/').unwrap_or(0)];
            format!("{}{dir}{location}", base.origin())
        }
    }
}

/// Removes the segments `.` and `..` of a path, also where their dots are encoded (RFC 3986,
/// section 5.2.4, and 6.2.2.2); an empty path is `/`.
pub(super) fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments = path.strip_prefix('/').unwrap_or(path);
    let mut ends_in_dots = false;
    for segment in segments.split('/') {
        let dots = segment.replace("%2e", ".").replace("%2E", ".");
        ends_in_dots = matches!(&*dots, "." | "..");
        match &*dots {
            "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    let end = if ends_in_dots && !kept.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{end}", kept.join("/"))
}

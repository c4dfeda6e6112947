//! The links from page to page: the same query, for the first page and for the one that follows.
//!
//! All parameters are kept as they were asked for, in order, repeated ones too (DEV-L1); only the
//! marker changes.

use super::ListQuery;
use super::form::Parameters;
use crate::id::ImageId;

/// The parameter that says where a page begins.
pub(super) const MARKER: &str = "marker";

impl ListQuery {
    /// Returns the link to the first page of this list at a path, such as `/v2/images`.
    pub fn first_link(&self, path: &str) -> String {
        let mut parameters = self.parameters().clone();
        parameters.remove(MARKER);
        link(path, &parameters)
    }

    /// Returns the link to the page that follows the image `last`.
    ///
    /// Whether there is one to show is for the page to say: it is full, and not empty.
    pub fn next_link(&self, path: &str, last: &ImageId) -> String {
        let mut parameters = self.parameters().clone();
        parameters.set(MARKER, last.to_string());
        link(path, &parameters)
    }
}

fn link(path: &str, parameters: &Parameters) -> String {
    if parameters.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{parameters}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::limits::QUERY_PARAMS_MAX;

    #[test]
    fn links_keep_every_parameter_but_the_marker() {
        let last: ImageId = "00000000-0000-0000-0000-0000000000AB".parse().unwrap();
        for (query, first, next) in [
            ("", "/i", "/i?marker=00000000-0000-0000-0000-0000000000AB"),
            (
                "marker=00000000-0000-0000-0000-000000000001",
                "/i",
                "/i?marker=00000000-0000-0000-0000-0000000000AB",
            ),
            (
                "tag=a&limit=%205000&tag=b&name=x%20y&marker=00000000-0000-0000-0000-000000000001&n=1&n=2",
                "/i?tag=a&limit=+5000&tag=b&name=x+y&n=1&n=2",
                "/i?tag=a&limit=+5000&tag=b&name=x+y&n=1&n=2&marker=00000000-0000-0000-0000-0000000000AB",
            ),
            (
                "name=caf%c3%a9%26&deleted",
                "/i?name=caf%C3%A9%26&deleted=",
                "/i?name=caf%C3%A9%26&deleted=&marker=00000000-0000-0000-0000-0000000000AB",
            ),
        ] {
            let query: ListQuery = query.parse().unwrap();
            assert_eq!(query.first_link("/i"), first);
            assert_eq!(query.next_link("/i", &last), next);
            let again: ListQuery = next.strip_prefix("/i?").unwrap().parse().unwrap();
            assert_eq!(again, query.with_marker(last));
        }
    }

    #[test]
    fn the_largest_query_has_a_link_that_is_read_and_a_larger_one_is_refused() {
        let text = "tag=a&".repeat(QUERY_PARAMS_MAX);
        let query: ListQuery = text.parse().unwrap();
        let next = query.next_link("", &ImageId::from_bytes([1; 16]));
        assert!(next[1..].parse::<ListQuery>().is_ok());
        for more in ["tag=a", "marker=x&tag=a", "a=b&c=d"] {
            let error = format!("{text}{more}").parse::<ListQuery>().unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidParameter, "{more}");
        }
        let error = (text + "a").parse::<ListQuery>().unwrap_err();
        assert_eq!(error.message(), "query has 4097 parameters, limit 4096");
    }
}

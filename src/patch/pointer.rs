//! Where an operation of a patch works: a JSON pointer (RFC 6901), with the bends of the Images API.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorCode, Result};

/// Most tokens of a pointer. No operation of the API takes more than two; the rest is for messages.
const MAX_TOKENS: usize = 8;

/// A pointer: one to eight tokens, none of them empty or blank.
///
/// Unlike RFC 6901, blanks around a token do not count, and the empty pointer and empty tokens are
/// refused (Glance: `glance/api/v2/images.py`, `_decode_json_pointer`, `_validate_json_pointer`).
///
/// # Examples
/// ```
/// use smalti::patch::Pointer;
///
/// let pointer: Pointer = "/~0~1.ssh~1".parse()?;
/// assert_eq!(pointer.tokens(), ["~/.ssh/"]);
/// assert_eq!(pointer.to_string(), "/~0~1.ssh~1");
/// assert!("/name/".parse::<Pointer>().is_err());
/// # Ok::<(), smalti::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    tokens: Vec<String>,
}

impl Pointer {
    /// Makes a pointer of tokens that come from a record or from one that was read.
    pub(crate) fn of<const N: usize>(tokens: [&str; N]) -> Self {
        let tokens = tokens.map(str::to_owned).into();
        Self { tokens }
    }

    /// Returns the tokens, escapes resolved.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }
}

/// Reads a pointer. What is malformed is `InvalidPointer`.
impl FromStr for Pointer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let rest = text
            .strip_prefix('/')
            .ok_or_else(|| bad(text, "does not begin with a slash"))?;
        if rest.split('/').nth(MAX_TOKENS).is_some() {
            return Err(bad(text, "is deeper than 8 tokens"));
        }
        let tokens = rest.split('/').map(|token| unescape(text, token.trim()));
        let tokens = tokens.collect::<Result<_>>()?;
        Ok(Self { tokens })
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tokens = self.tokens.iter();
        tokens.try_for_each(|token| write!(f, "/{}", escape(token)))
    }
}

fn unescape(pointer: &str, token: &str) -> Result<String> {
    if token.is_empty() {
        return Err(bad(pointer, "has an empty token"));
    }
    let mut pieces = token.split('~');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (meaning, rest) = match (piece.strip_prefix('0'), piece.strip_prefix('1')) {
            (Some(rest), _) => ('~', rest),
            (_, Some(rest)) => ('/', rest),
            _ => return Err(bad(pointer, "has a ~ that neither 0 nor 1 follows")),
        };
        out.push(meaning);
        out.push_str(rest);
    }
    Ok(out)
}

fn escape(token: &str) -> Cow<'_, str> {
    if token.contains(['~', '/']) {
        Cow::Owned(token.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(token)
    }
}

fn bad(pointer: &str, what: &str) -> Error {
    let shown: String = pointer.chars().take(64).collect();
    Error::new(
        ErrorCode::InvalidPointer,
        format!("pointer {shown:?} {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_read_and_print_back() {
        for (text, tokens, printed) in [
            ("/name", vec!["name"], "/name"),
            ("/locations/-", vec!["locations", "-"], "/locations/-"),
            ("/~0~1.ssh~1", vec!["~/.ssh/"], "/~0~1.ssh~1"),
            ("/~01", vec!["~1"], "/~01"),
            ("/~00~10", vec!["~0/0"], "/~00~10"),
            ("/ foo \t/\u{a0}b", vec!["foo", "b"], "/foo/b"),
            ("/a b", vec!["a b"], "/a b"),
            ("/\u{e9}", vec!["\u{e9}"], "/\u{e9}"),
        ] {
            let pointer: Pointer = text.parse().unwrap();
            assert_eq!(pointer.tokens(), tokens, "{text:?}");
            assert_eq!(pointer.to_string(), printed);
            assert_eq!(printed.parse::<Pointer>().unwrap(), pointer);
        }
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let deep = "/a".repeat(9);
        for text in [
            "", "/", "name", " /name", "//name", "/a//b", "/a/ /b", "/name/", "/a~2b", "/a~",
            "/~~0", &deep,
        ] {
            let error = text.parse::<Pointer>().unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidPointer, "{text:?}");
        }
        assert!("/a".repeat(8).parse::<Pointer>().is_ok());
    }
}

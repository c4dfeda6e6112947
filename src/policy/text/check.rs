//! One check of a rule, such as `project_id:%(owner)s`: left side, right side, and when it holds.

use std::borrow::Cow;

use super::Span;
use crate::policy::{Value, shown};

/// What checks are held against: a caller and a target.
pub(in crate::policy) trait Facts {
    /// Tells whether the caller has a role, given in lower case.
    fn has_role(&self, role: &str) -> bool;
    /// Tells whether any role of the caller, in lower case, is as `is` wants it.
    fn any_role(&self, is: &mut dyn FnMut(&str) -> bool) -> bool;
    /// Tells whether a credential, or any element of one that is a list, is as `is` wants it.
    fn any_credential(&self, name: &str, is: &mut dyn FnMut(&Value<'_>) -> bool) -> bool;
    /// Returns an attribute of the target; nothing when it is undefined.
    fn attribute(&self, name: &str) -> Option<Value<'_>>;
}

/// What stands on the left side of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) enum Kind {
    /// `role`.
    Role,
    /// `None`.
    Null,
    /// A text in quotes, a number, or a truth value, compared as text.
    Text,
    /// The name of a credential.
    Credential,
}

/// A check, as parts of the rule's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) struct Check {
    pub(super) kind: Kind,
    pub(super) left: Span,
    right: Span,
}

/// A single token that is no operator.
pub(super) enum Parsed {
    Always,
    Never,
    Check(Check),
    /// A reference to another rule.
    Rule(Span),
}

/// Takes a token that begins at `start` of the rule's text.
pub(super) fn parse(word: &str, start: usize) -> Result<Parsed, String> {
    match word {
        "@" => return Ok(Parsed::Always),
        "!" => return Ok(Parsed::Never),
        _ => {}
    }
    let Some((left, right)) = word.split_once(':') else {
        return Err(format!("{} is no check, it has no colon", shown(word)));
    };
    let end = start + word.len();
    let right_span = Span::new(end - right.len(), end);
    if left == "rule" {
        return Ok(Parsed::Rule(right_span));
    }
    let (kind, inset) = kind_of(left)?;
    for piece in pieces(right) {
        piece.ok_or_else(|| bad_percent(word))?;
    }
    Ok(Parsed::Check(Check {
        kind,
        left: Span::new(start + inset, start + left.len() - inset),
        right: right_span,
    }))
}

/// Returns what the left side is, and how many bytes of quotes it has at each end.
fn kind_of(left: &str) -> Result<(Kind, usize), String> {
    match left {
        "role" => return Ok((Kind::Role, 0)),
        "None" => return Ok((Kind::Null, 0)),
        "True" | "False" => return Ok((Kind::Text, 0)),
        "http" | "https" => return Err("checks by a remote server are not supported".to_owned()),
        _ => {}
    }
    if is_quoted(left) {
        return Ok((Kind::Text, 1));
    }
    if is_number(left) {
        return Ok((Kind::Text, 0));
    }
    if left.split('.').all(is_name) {
        return Ok((Kind::Credential, 0));
    }
    let left = shown(left);
    Err(format!(
        "{left} in front of a colon is neither a name nor a literal"
    ))
}

/// Tells whether a literal is a text in quotes. Escapes and quotes inside are refused, for Python
/// would read them in its own way.
fn is_quoted(left: &str) -> bool {
    let inner = |quote| {
        left.strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
    };
    let plain = |quote| inner(quote).is_some_and(|text| !text.contains([quote, '\\']));
    plain('\'') || plain('"')
}

/// Tells whether a literal is a whole number as Python would print it.
fn is_number(left: &str) -> bool {
    let digits = left.strip_prefix('-').unwrap_or(left);
    let all = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    all && (!digits.starts_with('0') || left == "0")
}

fn is_name(part: &str) -> bool {
    let mut bytes = part.bytes();
    let starts = bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    starts && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn bad_percent(word: &str) -> String {
    let word = shown(word);
    format!("{word} has a percent sign that begins neither %(name)s nor %%")
}

/// A part of the right side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Attribute(&'a str),
}

/// Returns the parts of a right side; nothing for a malformed one, which is the last then.
fn pieces(right: &str) -> impl Iterator<Item = Option<Piece<'_>>> {
    let mut rest = right;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = match next_piece(rest) {
            Some((piece, after)) => (Some(piece), after),
            None => (None, ""),
        };
        rest = after;
        Some(piece)
    })
}

fn next_piece(rest: &str) -> Option<(Piece<'_>, &str)> {
    let Some(special) = rest.strip_prefix('%') else {
        let end = rest.find('%').unwrap_or(rest.len());
        let (text, rest) = rest.split_at(end);
        return Some((Piece::Text(text), rest));
    };
    if let Some(after) = special.strip_prefix('%') {
        return Some((Piece::Text("%"), after));
    }
    let (name, after) = special.strip_prefix('(')?.split_once(')')?;
    Some((Piece::Attribute(name), after.strip_prefix('s')?))
}

/// A right side, held against a target.
enum Right<'a> {
    /// A text as it stands.
    Constant(&'a str),
    /// One attribute.
    Value(Value<'a>),
    /// A text with attributes in it, each of them defined or not. It is compared part by part, and
    /// never put together, for the texts of an image may be long.
    Mixed(&'a str),
}

impl<'a> Right<'a> {
    /// Takes a right side; nothing if it is one attribute that is undefined.
    fn new(text: &'a str, facts: &'a dyn Facts) -> Option<Self> {
        if !text.contains('%') {
            return Some(Self::Constant(text));
        }
        let mut pieces = pieces(text).flatten();
        match (pieces.next(), pieces.next()) {
            (Some(Piece::Attribute(name)), None) => facts.attribute(name).map(Self::Value),
            _ => Some(Self::Mixed(text)),
        }
    }

    /// Tells whether this is a text. Null equals none.
    fn is(&self, text: &str, facts: &dyn Facts) -> bool {
        match self {
            Self::Constant(constant) => *constant == text,
            Self::Value(Value::Null) => false,
            Self::Value(value) => value.text() == text,
            Self::Mixed(pieces) => is_mixed(text, pieces, facts, same),
        }
    }

    /// Tells whether this is a role, given in lower case; its own case does not count.
    fn is_role(&self, role: &str, facts: &dyn Facts) -> bool {
        match self {
            Self::Constant(constant) => lower(constant) == role,
            Self::Value(Value::Null) => false,
            Self::Value(value) => lower(&value.text()) == role,
            Self::Mixed(pieces) => is_mixed(role, pieces, facts, lower),
        }
    }
}

/// Tells whether a text is a mixed one with the attributes of a target in it.
fn is_mixed(
    text: &str,
    mixed: &str,
    facts: &dyn Facts,
    form: impl Fn(&str) -> Cow<'_, str>,
) -> bool {
    let mut rest = text;
    for piece in pieces(mixed).flatten() {
        let value = match piece {
            Piece::Text(text) => Some(Value::Text(Cow::Borrowed(text))),
            Piece::Attribute(name) => facts.attribute(name),
        };
        let after = value.and_then(|value| rest.strip_prefix(&*form(&value.text())));
        let Some(after) = after else {
            return false;
        };
        rest = after;
    }
    rest.is_empty()
}

fn same(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

fn lower(text: &str) -> Cow<'_, str> {
    if text
        .bytes()
        .all(|b| b.is_ascii() && !b.is_ascii_uppercase())
    {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.to_lowercase())
}

impl Check {
    /// Tells whether the check of a rule's text holds.
    pub(super) fn holds(self, text: &str, facts: &dyn Facts) -> bool {
        let Some(right) = Right::new(self.right.of(text), facts) else {
            return false;
        };
        let left = self.left.of(text);
        match self.kind {
            Kind::Role => has_role(&right, facts),
            Kind::Text => right.is(left, facts),
            Kind::Null => matches!(right, Right::Value(Value::Null) | Right::Constant("None")),
            Kind::Credential => {
                facts.any_credential(left, &mut |value| equals(value, &right, facts))
            }
        }
    }
}

fn has_role(right: &Right<'_>, facts: &dyn Facts) -> bool {
    match right {
        Right::Constant(role) => facts.has_role(&lower(role)),
        right => facts.any_role(&mut |role| right.is_role(role, facts)),
    }
}

/// A null credential matches the constant text `None` only, never a null of the target (DEV-F8).
fn equals(value: &Value<'_>, right: &Right<'_>, facts: &dyn Facts) -> bool {
    match value {
        Value::Null => matches!(right, Right::Constant("None")),
        value => right.is(&value.text(), facts),
    }
}

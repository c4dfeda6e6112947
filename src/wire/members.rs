//! Where the members of a document go: to serde, or straight into text.
//!
//! The text is what `serde_json` prints, several times faster: names need no look, and texts are
//! searched for what must be escaped in strides.

use std::fmt::{Display, Write};

use serde::Serialize;
use serde::ser::SerializeMap;

use super::Shown;

/// Takes the members of an object, in order.
pub(super) trait Members {
    /// Why a member cannot be taken.
    type Error;

    /// Takes a text, or null. The name needs no escapes, unless it says so itself.
    fn text(&mut self, name: &str, value: Option<&str>) -> Result<(), Self::Error>;
    /// Takes what is shown as a text without escapes.
    fn shown(&mut self, name: &str, value: &dyn Display) -> Result<(), Self::Error>;
    /// Takes a truth value.
    fn flag(&mut self, name: &str, value: bool) -> Result<(), Self::Error>;
    /// Takes a number, or null.
    fn number(&mut self, name: &str, value: Option<u64>) -> Result<(), Self::Error>;
    /// Takes a list of texts.
    fn texts<'s>(
        &mut self,
        name: &str,
        values: impl Iterator<Item = &'s str>,
    ) -> Result<(), Self::Error>;
    /// Takes anything.
    fn value(&mut self, name: &str, value: &impl Serialize) -> Result<(), Self::Error>;
}

/// Members for serde.
pub(super) struct Serialized<'m, M>(pub(super) &'m mut M);

impl<M: SerializeMap> Members for Serialized<'_, M> {
    type Error = M::Error;

    fn text(&mut self, name: &str, value: Option<&str>) -> Result<(), M::Error> {
        self.0.serialize_entry(name, &value)
    }

    fn shown(&mut self, name: &str, value: &dyn Display) -> Result<(), M::Error> {
        self.0.serialize_entry(name, &Shown(value))
    }

    fn flag(&mut self, name: &str, value: bool) -> Result<(), M::Error> {
        self.0.serialize_entry(name, &value)
    }

    fn number(&mut self, name: &str, value: Option<u64>) -> Result<(), M::Error> {
        self.0.serialize_entry(name, &value)
    }

    fn texts<'s>(
        &mut self,
        name: &str,
        values: impl Iterator<Item = &'s str>,
    ) -> Result<(), M::Error> {
        self.0.serialize_entry(name, &values.collect::<Vec<_>>())
    }

    fn value(&mut self, name: &str, value: &impl Serialize) -> Result<(), M::Error> {
        self.0.serialize_entry(name, value)
    }
}

/// Members as text. It never fails.
pub(super) struct Printed<'t> {
    text: &'t mut String,
    is_first: bool,
}

/// Printing into memory does not fail.
#[derive(Debug)]
pub(super) enum Never {}

impl<'t> Printed<'t> {
    /// Begins an object.
    pub(super) fn new(text: &'t mut String) -> Self {
        text.push('{');
        Self {
            text,
            is_first: true,
        }
    }

    /// Ends the object.
    pub(super) fn end(self) {
        self.text.push('}');
    }

    /// Begins a member, and returns where its value goes.
    pub(super) fn name(&mut self, name: &str) -> &mut String {
        if !self.is_first {
            self.text.push(',');
        }
        self.is_first = false;
        put_text(name, self.text);
        self.text.push(':');
        self.text
    }
}

impl Members for Printed<'_> {
    type Error = Never;

    fn text(&mut self, name: &str, value: Option<&str>) -> Result<(), Never> {
        let text = self.name(name);
        match value {
            Some(value) => put_text(value, text),
            None => text.push_str("null"),
        }
        Ok(())
    }

    fn shown(&mut self, name: &str, value: &dyn Display) -> Result<(), Never> {
        let text = self.name(name);
        // A string takes everything that can be shown.
        let _ = write!(text, "\"{value}\"");
        Ok(())
    }

    fn flag(&mut self, name: &str, value: bool) -> Result<(), Never> {
        let text = self.name(name);
        text.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn number(&mut self, name: &str, value: Option<u64>) -> Result<(), Never> {
        let text = self.name(name);
        match value {
            Some(value) => drop(write!(text, "{value}")),
            None => text.push_str("null"),
        }
        Ok(())
    }

    fn texts<'s>(
        &mut self,
        name: &str,
        values: impl Iterator<Item = &'s str>,
    ) -> Result<(), Never> {
        let text = self.name(name);
        text.push('[');
        for (at, value) in values.enumerate() {
            if at > 0 {
                text.push(',');
            }
            put_text(value, text);
        }
        text.push(']');
        Ok(())
    }

    fn value(&mut self, name: &str, value: &impl Serialize) -> Result<(), Never> {
        let text = self.name(name);
        let value = serde_json::to_string(value);
        text.push_str(&value.expect("documents are texts and numbers"));
        Ok(())
    }
}

/// Prints a text as a JSON string.
pub(super) fn put_text(text: &str, out: &mut String) {
    out.push('"');
    match text.as_bytes().chunks(32).all(is_plain) {
        true => out.push_str(text),
        false => put_escaped(text, out),
    }
    out.push('"');
}

/// Tells whether bytes stand for themselves in a JSON string; without a branch for each.
fn is_plain(bytes: &[u8]) -> bool {
    let is_special = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\');
    !bytes
        .iter()
        .fold(false, |any, &byte| any | is_special(byte))
}

fn put_escaped(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_printed_as_by_serde_json() {
        let mut texts: Vec<String> = (0..=0x2ff)
            .filter_map(char::from_u32)
            .map(String::from)
            .collect();
        texts.push("\u{ffff}\u{10000}\u{10ffff}".repeat(20));
        texts.push("a".repeat(31) + "\"" + &"b".repeat(40) + "\\");
        texts.push(texts.concat());
        for text in &texts {
            let mut printed = String::new();
            put_text(text, &mut printed);
            assert_eq!(printed, serde_json::to_string(text).expect("a text"));
        }
    }
}

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

    /// Takes a text, or null.
    fn text(&mut self, name: &'static str, value: Option<&str>) -> Result<(), Self::Error>;
    /// Takes a text whose name is any text, too.
    fn any(&mut self, name: &str, value: &str) -> Result<(), Self::Error>;
    /// Takes parts of a text, none of which needs escapes.
    fn joined(&mut self, name: &'static str, parts: &[&str]) -> Result<(), Self::Error>;
    /// Takes what is shown as a text without escapes.
    fn shown(&mut self, name: &'static str, value: &dyn Display) -> Result<(), Self::Error>;
    /// Takes a truth value.
    fn flag(&mut self, name: &'static str, value: bool) -> Result<(), Self::Error>;
    /// Takes a number, or null.
    fn number(&mut self, name: &'static str, value: Option<u64>) -> Result<(), Self::Error>;
    /// Takes a list of texts.
    fn texts<'s>(
        &mut self,
        name: &'static str,
        values: impl Iterator<Item = &'s str>,
    ) -> Result<(), Self::Error>;
    /// Takes anything.
    fn value(&mut self, name: &'static str, value: &impl Serialize) -> Result<(), Self::Error>;
}

/// Members for serde.
pub(super) struct Serialized<'m, M>(pub(super) &'m mut M);

impl<M: SerializeMap> Members for Serialized<'_, M> {
    type Error = M::Error;

    fn text(&mut self, name: &'static str, value: Option<&str>) -> Result<(), M::Error> {
        self.0.serialize_entry(name, &value)
    }

    fn any(&mut self, name: &str, value: &str) -> Result<(), M::Error> {
        self.0.serialize_entry(name, value)
    }

    fn joined(&mut self, name: &'static str, parts: &[&str]) -> Result<(), M::Error> {
        self.0.serialize_entry(name, &parts.concat())
    }

    fn shown(&mut self, name: &'static str, value: &dyn Display) -> Result<(), M::Error> {
        self.0.serialize_entry(name, &Shown(value))
    }

    fn flag(&mut self, name: &'static str, value: bool) -> Result<(), M::Error> {
        self.0.serialize_entry(name, &value)
    }

    fn number(&mut self, name: &'static str, value: Option<u64>) -> Result<(), M::Error> {
        self.0.serialize_entry(name, &value)
    }

    fn texts<'s>(
        &mut self,
        name: &'static str,
        values: impl Iterator<Item = &'s str>,
    ) -> Result<(), M::Error> {
        self.0.serialize_entry(name, &values.collect::<Vec<_>>())
    }

    fn value(&mut self, name: &'static str, value: &impl Serialize) -> Result<(), M::Error> {
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

    /// Returns where the value that was begun goes on.
    pub(super) fn here(&mut self) -> &mut String {
        self.text
    }

    /// Begins a member whose name needs no escapes; returns where its value goes.
    pub(super) fn name(&mut self, name: &'static str) -> &mut String {
        self.text.push_str(if self.is_first { "\"" } else { ",\"" });
        self.is_first = false;
        self.text.push_str(name);
        self.text.push_str("\":");
        self.text
    }
}

impl Members for Printed<'_> {
    type Error = Never;

    fn text(&mut self, name: &'static str, value: Option<&str>) -> Result<(), Never> {
        let text = self.name(name);
        match value {
            Some(value) => put_text(value, text),
            None => text.push_str("null"),
        }
        Ok(())
    }

    fn any(&mut self, name: &str, value: &str) -> Result<(), Never> {
        if !self.is_first {
            self.text.push(',');
        }
        self.is_first = false;
        put_text(name, self.text);
        self.text.push(':');
        put_text(value, self.text);
        Ok(())
    }

    fn joined(&mut self, name: &'static str, parts: &[&str]) -> Result<(), Never> {
        let text = self.name(name);
        text.push('"');
        parts.iter().for_each(|part| text.push_str(part));
        text.push('"');
        Ok(())
    }

    fn shown(&mut self, name: &'static str, value: &dyn Display) -> Result<(), Never> {
        let text = self.name(name);
        text.push('"');
        // A string takes everything that can be shown.
        let _ = write!(text, "{value}");
        text.push('"');
        Ok(())
    }

    fn flag(&mut self, name: &'static str, value: bool) -> Result<(), Never> {
        let text = self.name(name);
        text.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn number(&mut self, name: &'static str, value: Option<u64>) -> Result<(), Never> {
        let text = self.name(name);
        match value {
            Some(value) => drop(write!(text, "{value}")),
            None => text.push_str("null"),
        }
        Ok(())
    }

    fn texts<'s>(
        &mut self,
        name: &'static str,
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

    fn value(&mut self, name: &'static str, value: &impl Serialize) -> Result<(), Never> {
        let text = self.name(name);
        let value = serde_json::to_string(value);
        text.push_str(&value.expect("documents are texts and numbers"));
        Ok(())
    }
}

/// Prints a text as a JSON string.
pub(super) fn put_text(text: &str, out: &mut String) {
    out.push('"');
    match is_plain(text.as_bytes()) {
        true => out.push_str(text),
        false => put_escaped(text, out),
    }
    out.push('"');
}

/// Tells whether bytes stand for themselves in a JSON string, eight at a time.
fn is_plain(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    let special = words
        .iter()
        .fold(special(last), |any, word| any | special(*word));
    special == 0
}

/// Returns a number that is not 0 if one of eight bytes must be escaped.
fn special(bytes: [u8; 8]) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let word = u64::from_le_bytes(bytes);
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word;
    let equals = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | equals(b'"') | equals(b'\\')) & HIGH
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

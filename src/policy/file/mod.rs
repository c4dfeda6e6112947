//! Policy files: a text becomes named rules, or a fault with its line.
//!
//! JSON (RFC 8259) and the part of YAML that policy files use: one document, a mapping from names
//! to texts or to lists of texts. Anchors, tags and whatever is no text are refused, for YAML reads
//! them in ways that open a rule to everybody. The file itself is for the host to read.

mod block;
mod flow;
mod reader;
mod scalar;

use std::collections::BTreeSet;

use crate::limits::POLICY_MAX_BYTES;
use crate::policy::shown;
use crate::policy::text::RuleText;
use reader::Reader;

/// What is wrong with a file, as a message that names the line or the rule.
pub(super) type Fault = String;

/// A value of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Text(String),
    /// Alternatives, or what must all hold within one of them.
    List(Vec<Node>),
}

/// A name, where it stands, and its value.
struct Entry {
    name: String,
    at: usize,
    value: Node,
}

/// Reads a file.
pub(super) fn read(text: &str) -> Result<Vec<(String, RuleText)>, Fault> {
    if text.len() > POLICY_MAX_BYTES {
        return Err(format!(
            "file is {} bytes, limit {POLICY_MAX_BYTES}",
            text.len()
        ));
    }
    let mut reader = Reader::new(text)?;
    let entries = block::document(&mut reader)?;
    let mut names = BTreeSet::new();
    for entry in &entries {
        if !names.insert(entry.name.as_str()) {
            let what = format!("name {} stands twice", shown(&entry.name));
            return Err(reader.fault_at(entry.at, &what));
        }
    }
    entries.into_iter().map(rule).collect()
}

fn rule(entry: Entry) -> Result<(String, RuleText), Fault> {
    let text = match entry.value {
        Node::Text(text) => text.parse(),
        Node::List(list) => RuleText::from_lists(&lists(list)),
    };
    match text {
        Ok(text) => Ok((entry.name, text)),
        Err(error) => Err(format!("rule {}: {error}", shown(&entry.name))),
    }
}

/// Takes a list of texts and of lists of texts; a bare text is a list of one.
fn lists(list: Vec<Node>) -> Vec<Vec<String>> {
    let texts = |node| match node {
        Node::Text(text) => vec![text],
        Node::List(inner) => inner.into_iter().filter_map(text).collect(),
    };
    list.into_iter().map(texts).collect()
}

/// Lists are read two deep and no deeper, so what is in the inner ones is text.
fn text(node: Node) -> Option<String> {
    match node {
        Node::Text(text) => Some(text),
        Node::List(_) => None,
    }
}

#[cfg(test)]
mod tests;

//! Values between brackets and braces: JSON, and the flow form of YAML that contains it.

use super::reader::Reader;
use super::{Entry, Fault, Node, scalar};

/// Reads `{name: value, ...}`.
pub(super) fn mapping(reader: &mut Reader<'_>) -> Result<Vec<Entry>, Fault> {
    reader.at += 1;
    let mut entries = Vec::new();
    loop {
        reader.skip_to_content();
        if reader.eat('}') {
            return Ok(entries);
        }
        let at = reader.at;
        reader.count()?;
        let name = text(reader)?;
        reader.skip_to_content();
        if !reader.eat(':') {
            return Err(reader.fault("a name is followed by a colon"));
        }
        reader.skip_to_content();
        if matches!(reader.peek(), Some(',' | '}')) {
            return Err(reader.fault_at(at, "a name has no value, which is no rule"));
        }
        let value = value(reader, 1)?;
        entries.push(Entry { name, at, value });
        reader.skip_to_content();
        if !reader.eat(',') && reader.peek() != Some('}') {
            return Err(reader.fault("a comma or a closing brace is missing"));
        }
    }
}

/// Reads `[value, ...]`.
pub(super) fn list(reader: &mut Reader<'_>, depth: usize) -> Result<Node, Fault> {
    reader.expect_depth(depth)?;
    reader.at += 1;
    let mut items = Vec::new();
    loop {
        reader.skip_to_content();
        if reader.eat(']') {
            return Ok(Node::List(items));
        }
        reader.count()?;
        items.push(value(reader, depth + 1)?);
        reader.skip_to_content();
        if !reader.eat(',') && reader.peek() != Some(']') {
            return Err(reader.fault("a comma or a closing bracket is missing"));
        }
    }
}

fn value(reader: &mut Reader<'_>, depth: usize) -> Result<Node, Fault> {
    match reader.peek() {
        Some('[') => list(reader, depth),
        _ => text(reader).map(Node::Text),
    }
}

fn text(reader: &mut Reader<'_>) -> Result<String, Fault> {
    match reader.peek() {
        Some('\'' | '"') => scalar::quoted(reader),
        _ => scalar::plain_in_flow(reader),
    }
}

//! YAML by indentation: the document, its mapping, and lists of lines with dashes.

use super::reader::Reader;
use super::{Entry, Fault, Node, flow, scalar};

/// Reads the one document of a file; an empty one is an empty mapping.
pub(super) fn document(reader: &mut Reader<'_>) -> Result<Vec<Entry>, Fault> {
    reader.skip_to_block()?;
    let mut is_own_line = true;
    if reader.is_marker("---") {
        reader.at += 3;
        reader.skip_blanks();
        is_own_line = reader.rest().starts_with('\n') || reader.is_comment() || reader.is_end();
        reader.skip_to_block()?;
    }
    let entries = match reader.peek() {
        None => Vec::new(),
        Some('{') => flow::mapping(reader)?,
        Some('%') => return Err(reader.fault("directives are not supported")),
        Some(_) if reader.is_marker("...") => Vec::new(),
        Some(_) if !is_own_line => return Err(reader.fault("a mapping begins on its own line")),
        Some(_) => mapping(reader)?,
    };
    expect_end(reader)?;
    Ok(entries)
}

fn expect_end(reader: &mut Reader<'_>) -> Result<(), Fault> {
    reader.skip_to_content();
    if reader.is_marker("...") {
        reader.at += 3;
        reader.expect_line_end()?;
        reader.skip_to_content();
    }
    if reader.is_end() {
        return Ok(());
    }
    let what = if reader.is_marker("---") {
        "a second document begins; there must be one"
    } else {
        "there is more behind the mapping"
    };
    Err(reader.fault(what))
}

fn mapping(reader: &mut Reader<'_>) -> Result<Vec<Entry>, Fault> {
    let indent = reader.column();
    let mut entries = Vec::new();
    while !reader.is_end() && !reader.is_marker("---") && !reader.is_marker("...") {
        if reader.column() != indent {
            let found = reader.column();
            let what = format!("indented by {found}, but the names before by {indent}");
            return Err(reader.fault(&what));
        }
        let at = reader.at;
        reader.count()?;
        let name = name(reader)?;
        let value = value(reader, indent)?;
        entries.push(Entry { name, at, value });
        reader.skip_to_block()?;
    }
    Ok(entries)
}

/// Reads a name and the colon behind it.
fn name(reader: &mut Reader<'_>) -> Result<String, Fault> {
    let name = match reader.peek() {
        Some('\'' | '"') => scalar::quoted(reader)?,
        Some('-') if reader.is_mark('-') => {
            return Err(reader.fault("the file is a list, but must be a mapping of names to rules"));
        }
        _ => scalar::plain_name(reader)?,
    };
    reader.skip_blanks();
    if !reader.is_mark(':') {
        return Err(reader.fault("a name is followed by a colon and a blank"));
    }
    reader.at += 1;
    Ok(name)
}

fn value(reader: &mut Reader<'_>, indent: usize) -> Result<Node, Fault> {
    let at = reader.at;
    reader.skip_blanks();
    if !is_line_over(reader) {
        return inline(reader, indent);
    }
    reader.skip_to_block()?;
    let column = reader.column();
    if reader.is_end() || column < indent || (column == indent && !reader.is_mark('-')) {
        return Err(reader.fault_at(at, "a name has no value, which is no rule"));
    }
    if reader.is_mark('-') {
        return list(reader, 1);
    }
    inline(reader, indent)
}

/// Tells whether nothing but a comment is left of the line.
fn is_line_over(reader: &Reader<'_>) -> bool {
    reader.is_end() || reader.rest().starts_with('\n') || reader.is_comment()
}

/// Reads a value that begins here and belongs to something that is indented by `parent`.
fn inline(reader: &mut Reader<'_>, parent: usize) -> Result<Node, Fault> {
    let node = match reader.peek() {
        Some('|' | '>') => return Ok(Node::Text(scalar::block(reader, parent)?)),
        Some('[') => flow::list(reader, 1)?,
        Some('\'' | '"') => Node::Text(scalar::quoted(reader)?),
        _ => Node::Text(scalar::plain(reader, parent)?),
    };
    reader.expect_line_end()?;
    Ok(node)
}

/// Reads lines that begin with a dash.
fn list(reader: &mut Reader<'_>, depth: usize) -> Result<Node, Fault> {
    reader.expect_depth(depth)?;
    let indent = reader.column();
    let mut items = Vec::new();
    while reader.is_mark('-') && reader.column() == indent {
        reader.count()?;
        let at = reader.at;
        reader.at += 1;
        reader.skip_blanks();
        if is_line_over(reader) {
            reader.skip_to_block()?;
            if reader.is_end() || reader.column() <= indent {
                return Err(reader.fault_at(at, "an item of a list has no value"));
            }
        }
        let item = match reader.peek() {
            Some('-') if reader.is_mark('-') => list(reader, depth + 1)?,
            Some('[') => {
                let item = flow::list(reader, depth + 1)?;
                reader.expect_line_end()?;
                item
            }
            _ => inline(reader, indent)?,
        };
        items.push(item);
        reader.skip_to_block()?;
    }
    Ok(Node::List(items))
}

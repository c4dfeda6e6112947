//! Texts of YAML: plain, in quotes, and as blocks of lines.

use std::sync::LazyLock;

use regex::Regex;

use super::Fault;
use super::reader::Reader;
use crate::policy::shown;

/// What YAML 1.1 reads as something else than text, where it stands plain (PyYAML: `resolver.py`).
static NO_TEXT: LazyLock<Regex> = LazyLock::new(|| {
    let forms = [
        "~|null|Null|NULL|=|<<",
        "yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF",
        "[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+",
        "[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+",
        r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+",
        r"[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*",
        r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?",
    ];
    let all = format!("^(?:{})$", forms.join("|"));
    Regex::new(&all).expect("a constant expression, which the tests compile")
});

/// Refuses a plain text that YAML would read as a number, a truth value or the like.
fn expect_text(reader: &Reader<'_>, at: usize, text: &str) -> Result<(), Fault> {
    if text.len() <= 64 && NO_TEXT.is_match(text) {
        let what = format!("{} is not a text in YAML; put it in quotes", shown(text));
        return Err(reader.fault_at(at, &what));
    }
    Ok(())
}

/// Refuses what a plain text cannot begin with.
fn expect_plain(reader: &Reader<'_>) -> Result<(), Fault> {
    let what = match reader.peek() {
        None => "the file ends where a text is expected",
        Some('&') => "anchors are not supported",
        Some('*') => "references to anchors are not supported",
        Some('!') => "tags are not supported; a rule that denies is written '!' in quotes",
        Some('{') => "a mapping is no rule",
        Some('[') => "a list is no name",
        Some('@') => "a text that begins with @ stands in quotes",
        Some(',' | ']' | '}' | '#' | '|' | '>' | '%' | '`') => {
            "a text that begins with such a mark stands in quotes"
        }
        Some(mark @ ('-' | '?' | ':')) if reader.is_mark(mark) => {
            "a dash, question mark or colon stands alone where a text is expected"
        }
        Some(_) => return Ok(()),
    };
    Err(reader.fault(what))
}

/// Reads a plain name of a block, up to the colon that ends it.
pub(super) fn plain_name(reader: &mut Reader<'_>) -> Result<String, Fault> {
    expect_plain(reader)?;
    let at = reader.at;
    let text = line(reader, Place::Block).trim_end();
    expect_text(reader, at, text)?;
    Ok(text.to_owned())
}

/// Reads a plain text of a block, over all lines that are indented deeper than `parent`.
pub(super) fn plain(reader: &mut Reader<'_>, parent: usize) -> Result<String, Fault> {
    expect_plain(reader)?;
    let at = reader.at;
    let mut text = line(reader, Place::Block).trim_end().to_owned();
    loop {
        if reader.is_mark(':') {
            let what = "a colon and a blank in a plain text; put the text in quotes";
            return Err(reader.fault(what));
        }
        let Some(breaks) = next_line(reader, Some(parent)) else {
            break;
        };
        fold(&mut text, breaks);
        text.push_str(line(reader, Place::Block).trim_end());
    }
    expect_text(reader, at, &text)?;
    Ok(text)
}

/// Reads a plain text between brackets or braces.
pub(super) fn plain_in_flow(reader: &mut Reader<'_>) -> Result<String, Fault> {
    expect_plain(reader)?;
    let at = reader.at;
    let mut text = line(reader, Place::Flow).trim_end().to_owned();
    while let Some(breaks) = next_line(reader, None) {
        let more = line(reader, Place::Flow).trim_end();
        if more.is_empty() {
            break;
        }
        fold(&mut text, breaks);
        text.push_str(more);
    }
    if text.is_empty() {
        return Err(reader.fault("a text is missing"));
    }
    expect_text(reader, at, &text)?;
    Ok(text)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Block,
    Flow,
}

/// Takes what is plain text on this line: up to a comment, or to a colon that stands apart.
fn line<'a>(reader: &mut Reader<'a>, place: Place) -> &'a str {
    let rest = reader.rest();
    let in_flow = |c: Option<char>| {
        place == Place::Flow && c.is_some_and(|c| matches!(c, ',' | '[' | ']' | '{' | '}'))
    };
    let mut before = ' ';
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        let ends = match c {
            '\n' => true,
            '#' => matches!(before, ' ' | '\t'),
            ':' => next.is_none_or(char::is_whitespace) || in_flow(next),
            c => in_flow(Some(c)),
        };
        if ends {
            reader.at += at;
            return &rest[..at];
        }
        before = c;
    }
    reader.at += rest.len();
    rest
}

/// Goes to the next line if a plain text goes on there, and returns how many lines end before it.
fn next_line(reader: &mut Reader<'_>, parent: Option<usize>) -> Option<usize> {
    let start = reader.at;
    if !reader.rest().starts_with('\n') {
        return None;
    }
    let rest = reader.rest();
    let after = rest.trim_start_matches([' ', '\t', '\r', '\n']);
    let between = &rest[..rest.len() - after.len()];
    reader.at += between.len();
    let is_deep = parent.is_none_or(|parent| reader.column() > parent);
    if reader.is_end() || !is_deep || reader.rest().starts_with('#') {
        reader.at = start;
        return None;
    }
    Some(between.matches('\n').count())
}

/// Joins lines: one break is a blank, of more the first is dropped.
fn fold(text: &mut String, breaks: usize) {
    match breaks {
        0 | 1 => text.push(' '),
        more => text.extend(std::iter::repeat_n('\n', more - 1)),
    }
}

/// Reads a text in quotes.
pub(super) fn quoted(reader: &mut Reader<'_>) -> Result<String, Fault> {
    let start = reader.at;
    let quote = reader.peek().unwrap_or('"');
    reader.at += 1;
    let (mut text, mut fixed) = (String::new(), 0);
    loop {
        let rest = reader.rest();
        let run = rest.find([quote, '\\', '\n']).unwrap_or(rest.len());
        text.push_str(&rest[..run]);
        reader.at += run;
        let Some(c) = reader.peek() else {
            return Err(reader.fault_at(start, "a quote is not closed"));
        };
        if c == '\n' {
            // Blanks in front of a break are dropped, but not those of escapes.
            let kept = text.trim_end_matches([' ', '\t', '\r']).len().max(fixed);
            text.truncate(kept);
            let breaks = skip_breaks(reader);
            fold(&mut text, breaks);
            fixed = text.len();
            continue;
        }
        reader.at += c.len_utf8();
        match c {
            '\'' if quote == c && reader.eat('\'') => text.push('\''),
            c if c == quote => return Ok(text),
            '\\' if quote == '"' => {
                if let Some(c) = escape(reader)? {
                    text.push(c);
                }
                fixed = text.len();
            }
            c => text.push(c),
        }
    }
}

/// Goes over line ends and the blanks around them, and returns how many lines end.
fn skip_breaks(reader: &mut Reader<'_>) -> usize {
    let rest = reader.rest();
    let after = rest.trim_start_matches([' ', '\t', '\r', '\n']);
    let between = &rest[..rest.len() - after.len()];
    reader.at += between.len();
    between.matches('\n').count()
}

/// Reads an escape behind its backslash; nothing for one that joins lines.
fn escape(reader: &mut Reader<'_>) -> Result<Option<char>, Fault> {
    let Some(c) = reader.peek() else {
        return Err(reader.fault("a quote is not closed"));
    };
    reader.at += c.len_utf8();
    Ok(Some(match c {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        ' ' | '"' | '/' | '\\' => c,
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        'x' => code(reader, 2)?,
        'u' => code(reader, 4)?,
        'U' => code(reader, 8)?,
        '\r' | '\n' => {
            skip_breaks(reader);
            return Ok(None);
        }
        _ => return Err(reader.fault("a backslash begins no escape")),
    }))
}

/// Reads the digits of a code point; JSON writes some as a pair.
fn code(reader: &mut Reader<'_>, digits: usize) -> Result<char, Fault> {
    let high = hex(reader, digits)?;
    let mut code = high;
    if digits == 4 && (0xd800..0xdc00).contains(&high) && reader.rest().starts_with("\\u") {
        reader.at += 2;
        let low = hex(reader, 4)?;
        if (0xdc00..0xe000).contains(&low) {
            code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    char::from_u32(code).ok_or_else(|| reader.fault("an escape is no character"))
}

fn hex(reader: &mut Reader<'_>, digits: usize) -> Result<u32, Fault> {
    let text = reader.rest().get(..digits);
    let text = text.filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
    let code = text.and_then(|text| u32::from_str_radix(text, 16).ok());
    let code = code.ok_or_else(|| reader.fault("an escape lacks hex digits"))?;
    reader.at += digits;
    Ok(code)
}

/// Reads the lines of a block text behind `|` or `>`. To a rule a line end is a blank like any
/// other, so both keep their lines.
pub(super) fn block(reader: &mut Reader<'_>, parent: usize) -> Result<String, Fault> {
    reader.at += 1;
    let (mut indent, mut chomp) = (None, None);
    while let Some(c) = reader.peek() {
        match c {
            '+' | '-' if chomp.is_none() => chomp = Some(c),
            '1'..='9' if indent.is_none() => {
                indent = c.to_digit(10).map(|digit| parent + digit as usize);
            }
            _ => break,
        }
        reader.at += 1;
    }
    reader.expect_line_end()?;
    reader.eat('\n');
    let mut text = String::new();
    while !reader.is_end() {
        let whole = reader.rest();
        let line = whole.split_inclusive('\n').next().unwrap_or(whole);
        let content = line.trim_end_matches(['\n', '\r']);
        let depth = content.len() - content.trim_start_matches(' ').len();
        if depth == content.len() {
            text.push('\n');
        } else {
            let indent = *indent.get_or_insert(depth);
            if depth < indent || depth <= parent {
                break;
            }
            text.push_str(&content[indent..]);
            text.push('\n');
        }
        reader.at += line.len();
    }
    Ok(chomped(text, chomp))
}

/// Keeps all line ends of a block text, one, or none.
fn chomped(mut text: String, chomp: Option<char>) -> String {
    if chomp == Some('+') {
        return text;
    }
    let len = text.trim_end_matches('\n').len();
    text.truncate(len);
    if chomp.is_none() && !text.is_empty() {
        text.push('\n');
    }
    text
}

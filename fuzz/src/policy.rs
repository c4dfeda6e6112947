//! Texts for the policy target: rules made of tokens, and files made of lines.

use arbitrary::Arbitrary;

/// A token of a rule's text.
#[derive(Debug, Arbitrary)]
pub enum Token {
    /// A token that has a meaning in some place.
    Known(u8),
    /// A left side and a right side, of known ones.
    Check(u8, u8),
    /// Any text.
    Any(String),
}

const KNOWN: [&str; 16] = [
    "and",
    "OR",
    "not",
    "(",
    ")",
    "@",
    "!",
    "((",
    "))",
    "bogus",
    "'x'",
    "(not",
    "rule:t",
    "rule:helper",
    "role:%(name)s",
    "\u{a0}",
];
const LEFT: [&str; 12] = [
    "role",
    "rule",
    "project_id",
    "is_admin",
    "None",
    "True",
    "'public'",
    "\"n\"",
    "-7",
    "roles",
    "a.b",
    "http",
];
const RIGHT: [&str; 12] = [
    "member",
    "helper",
    "p1",
    "%(owner)s",
    "%(name)s-%(nope)s",
    "%%",
    "None",
    "%(visibility)s",
    "",
    "%(size)s",
    "50%",
    "%(tier)s",
];

/// A rule's text, and the frames that files put around it.
#[derive(Debug, Arbitrary)]
pub struct Input {
    /// Which caller asks for which target, and the form of the file that holds the rule.
    pub which: u8,
    /// The tokens of the rule.
    pub tokens: Vec<Token>,
    /// A file of its own, in YAML, JSON or INI, as it comes.
    pub file: String,
    /// Lines of a file, of known pieces.
    pub lines: Vec<Vec<u8>>,
}

const PIECES: [&str; 24] = [
    "a",
    ": ",
    "role:x",
    "- ",
    "  ",
    "'",
    "\"",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "|",
    ">-",
    "#",
    "\\u0041",
    "create = ",
    "read = ",
    "update = @",
    "delete = !",
    "[x",
    "\t",
    "---",
    "%%",
];

fn of<'a>(pieces: &[&'a str], which: u8) -> &'a str {
    pieces[usize::from(which) % pieces.len()]
}

impl Input {
    /// Returns the text of the rule.
    pub fn rule(&self) -> String {
        let tokens = self.tokens.iter().map(|token| match token {
            Token::Known(which) => of(&KNOWN, *which).to_owned(),
            Token::Check(left, right) => format!("{}:{}", of(&LEFT, *left), of(&RIGHT, *right)),
            Token::Any(text) => text.clone(),
        });
        tokens.collect::<Vec<_>>().join(" ")
    }

    /// Returns a file of known pieces.
    pub fn made_file(&self) -> String {
        let line = |line: &Vec<u8>| line.iter().map(|&which| of(&PIECES, which)).collect();
        let lines: Vec<String> = self.lines.iter().map(line).collect();
        lines.join("\n")
    }
}

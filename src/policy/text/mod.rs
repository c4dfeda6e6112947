//! The rule language: a text becomes a flat program, and prints as one text again.
//!
//! Nothing here recurses, so no depth of parentheses costs more than its length. What a name after
//! `rule:` stands for is not known here.

mod check;
mod parse;

pub(super) use check::{Check, Facts, Kind};
pub(super) use parse::Op;

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorCode, Result};
use crate::limits::RULE_MAX_BYTES;
use crate::policy::shown;

/// A rule as a text, for example `role:member and project_id:%(owner)s`.
///
/// Prints with single blanks, and parses back to the same. The empty text means everybody.
///
/// # Examples
/// ```
/// use smalti::policy::RuleText;
///
/// let rule: RuleText = "role:member  AND ( not role:guest )".parse()?;
/// assert_eq!(rule.to_string(), "role:member and (not role:guest)");
/// assert!("role:member role:guest".parse::<RuleText>().is_err());
/// # smalti::Result::<()>::Ok(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RuleText {
    text: Box<str>,
    ops: Box<[Op]>,
    checks: Box<[Check]>,
    references: Box<[Span]>,
}

/// A part of the text of a rule. Four bytes for each end: texts are short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn new(start: usize, end: usize) -> Self {
        let short = |at| u32::try_from(at).expect("rule texts are within RULE_MAX_BYTES");
        Self {
            start: short(start),
            end: short(end),
        }
    }

    fn of(self, text: &str) -> &str {
        &text[self.start as usize..self.end as usize]
    }
}

impl RuleText {
    /// Takes the legacy form: alternatives, each of checks that must all hold.
    ///
    /// # Errors
    /// `InvalidPolicy` when an entry is not a single check.
    pub(super) fn from_lists(lists: &[Vec<String>]) -> Result<Self> {
        if lists.is_empty() {
            return "".parse();
        }
        let entries = lists.iter().flatten();
        if let Some(entry) = entries.clone().find(|entry| !is_single(entry)) {
            let message = format!("{} in a list is not a single check", shown(entry));
            return Err(Error::new(ErrorCode::InvalidPolicy, message));
        }
        let filled = lists.iter().filter(|list| !list.is_empty());
        let texts: Vec<String> = filled.map(|list| list.join(" and ")).collect();
        match &texts[..] {
            [] => "!".parse(),
            texts => texts.join(" or ").parse(),
        }
    }

    /// Returns the names that the rule refers to, in the order of the text.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        self.references.iter().map(|span| span.of(&self.text))
    }

    /// Returns the names of credentials that the rule asks for, in the order of the text.
    pub(super) fn credentials(&self) -> impl Iterator<Item = &str> {
        self.checks
            .iter()
            .filter(|check| check.kind == Kind::Credential)
            .map(|check| check.left.of(&self.text))
    }

    /// Returns the program.
    pub(super) fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// Tells whether a check of the program holds.
    pub(super) fn holds(&self, check: u32, facts: &dyn Facts) -> bool {
        self.checks[check as usize].holds(&self.text, facts)
    }
}

/// Tells whether an entry of a list is one check, as far as parentheses and blanks go.
fn is_single(entry: &str) -> bool {
    let parts = entry.starts_with('(') || entry.ends_with(')') || entry.contains(parse::is_blank);
    !entry.is_empty() && !parts
}

impl FromStr for RuleText {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.len() > RULE_MAX_BYTES {
            let message = format!("rule is {} bytes, limit {RULE_MAX_BYTES}", text.len());
            return Err(Error::new(ErrorCode::InvalidPolicy, message));
        }
        parse::parse(text).map_err(|message| Error::new(ErrorCode::InvalidPolicy, message))
    }
}

impl fmt::Display for RuleText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for RuleText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RuleText({:?})", self.text)
    }
}

#[cfg(test)]
mod tests;

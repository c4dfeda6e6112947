//! From the text of a rule to its program: tokens, then operators by precedence, without recursion.
//!
//! The program has one register. A check sets it, `not` turns it, and the jumps of `and` and `or`
//! skip the right side once the left has decided.

use super::check::{self, Parsed};
use super::{RuleText, Span};
use crate::policy::shown;

/// A step of a rule's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) enum Op {
    /// Sets the register to yes.
    Always,
    /// Sets the register to no.
    Never,
    /// Sets the register to a check, by its number.
    Check(u32),
    /// Sets the register to another rule, by the number of the reference.
    Rule(u32),
    /// Turns the register.
    Not,
    /// Goes on at a step if the register is no.
    And(u32),
    /// Goes on at a step if the register is yes.
    Or(u32),
}

/// An operator whose operand is not complete.
#[derive(Debug, Clone, Copy)]
enum Open {
    Paren,
    Not,
    /// With the place of its jump.
    And(usize),
    Or(usize),
}

/// Tells whether a character separates tokens (Python: `str.isspace`).
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// What is wrong, as a message.
type Fault = String;

pub(super) fn parse(text: &str) -> Result<RuleText, Fault> {
    let mut parser = Parser::default();
    if text.is_empty() {
        parser.ops.push(Op::Always);
        return Ok(parser.done());
    }
    for piece in text.split(is_blank).filter(|piece| !piece.is_empty()) {
        parser.piece(piece)?;
    }
    parser.end()
}

#[derive(Default)]
struct Parser {
    /// The text with single blanks, as far as it is read.
    text: String,
    ops: Vec<Op>,
    checks: Vec<check::Check>,
    references: Vec<Span>,
    open: Vec<Open>,
    /// Whether an operand has just ended, so that an operator must follow.
    after_operand: bool,
}

impl Parser {
    /// Takes a piece without blanks: parentheses around a check or an operator.
    fn piece(&mut self, piece: &str) -> Result<(), Fault> {
        let inner = piece.trim_start_matches('(');
        for _ in inner.len()..piece.len() {
            self.open_paren()?;
        }
        let word = inner.trim_end_matches(')');
        if !word.is_empty() {
            self.word(word)?;
        }
        for _ in word.len()..inner.len() {
            self.close_paren()?;
        }
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), Fault> {
        match () {
            () if word.eq_ignore_ascii_case("not") => self.not(),
            () if word.eq_ignore_ascii_case("and") => self.and(),
            () if word.eq_ignore_ascii_case("or") => self.or(),
            () => self.operand(word),
        }
    }

    fn open_paren(&mut self) -> Result<(), Fault> {
        self.expect_operand_place("(")?;
        self.write("(");
        self.open.push(Open::Paren);
        Ok(())
    }

    fn close_paren(&mut self) -> Result<(), Fault> {
        self.expect_operand(")")?;
        self.reduce(|_| true);
        match self.open.pop() {
            Some(Open::Paren) => {}
            _ => return Err("a closing parenthesis has no opening one".to_owned()),
        }
        self.text.push(')');
        self.operand_ended();
        Ok(())
    }

    fn not(&mut self) -> Result<(), Fault> {
        self.expect_operand_place("not")?;
        self.write("not");
        self.open.push(Open::Not);
        Ok(())
    }

    fn and(&mut self) -> Result<(), Fault> {
        self.expect_operand("and")?;
        self.reduce(|open| matches!(open, Open::And(_)));
        self.write("and");
        self.open.push(Open::And(self.ops.len()));
        self.ops.push(Op::And(0));
        self.after_operand = false;
        Ok(())
    }

    fn or(&mut self) -> Result<(), Fault> {
        self.expect_operand("or")?;
        self.reduce(|_| true);
        self.write("or");
        self.open.push(Open::Or(self.ops.len()));
        self.ops.push(Op::Or(0));
        self.after_operand = false;
        Ok(())
    }

    fn operand(&mut self, word: &str) -> Result<(), Fault> {
        self.expect_operand_place(word)?;
        self.write(word);
        let start = self.text.len() - word.len();
        let op = match check::parse(word, start)? {
            Parsed::Always => Op::Always,
            Parsed::Never => Op::Never,
            Parsed::Check(check) => {
                self.checks.push(check);
                Op::Check(number(self.checks.len() - 1))
            }
            Parsed::Rule(name) => {
                self.references.push(name);
                Op::Rule(number(self.references.len() - 1))
            }
        };
        self.ops.push(op);
        self.operand_ended();
        Ok(())
    }

    /// Applies the `not` in front of what has just ended.
    fn operand_ended(&mut self) {
        self.after_operand = true;
        while let Some(Open::Not) = self.open.last() {
            self.open.pop();
            self.ops.push(Op::Not);
        }
    }

    /// Ends operators, back to a parenthesis, as long as `binds` says so.
    fn reduce(&mut self, binds: impl Fn(Open) -> bool) {
        let here = number(self.ops.len());
        while let Some(&open) = self.open.last() {
            match open {
                Open::And(at) if binds(open) => self.ops[at] = Op::And(here),
                Open::Or(at) if binds(open) => self.ops[at] = Op::Or(here),
                _ => return,
            }
            self.open.pop();
        }
    }

    fn expect_operand_place(&self, word: &str) -> Result<(), Fault> {
        if self.after_operand {
            let word = shown(word);
            return Err(format!("{word} follows a check without and, or"));
        }
        Ok(())
    }

    fn expect_operand(&self, word: &str) -> Result<(), Fault> {
        if self.after_operand {
            return Ok(());
        }
        Err(format!("{word:?} has nothing in front of it"))
    }

    /// Adds a token to the text; a blank stands between tokens, but not behind a parenthesis.
    fn write(&mut self, token: &str) {
        if !self.text.is_empty() && !self.text.ends_with('(') {
            self.text.push(' ');
        }
        self.text.push_str(token);
    }

    fn end(mut self) -> Result<RuleText, Fault> {
        if !self.after_operand {
            return Err(if self.ops.is_empty() && self.open.is_empty() {
                "the rule is nothing but blanks; the empty text means everybody".to_owned()
            } else {
                "a check is missing at the end".to_owned()
            });
        }
        self.reduce(|_| true);
        if !self.open.is_empty() {
            return Err("a parenthesis is not closed".to_owned());
        }
        Ok(self.done())
    }

    fn done(self) -> RuleText {
        RuleText {
            text: self.text.into(),
            ops: self.ops.into(),
            checks: self.checks.into(),
            references: self.references.into(),
        }
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).expect("a program is no longer than its text")
}

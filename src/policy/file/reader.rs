//! A place in the text of a file, and the moves that all parts of the reader share.

use super::Fault;
use crate::limits::POLICY_VALUES_MAX;

/// How deep lists may be: alternatives of checks.
pub(super) const LIST_DEPTH: usize = 2;

pub(super) struct Reader<'a> {
    text: &'a str,
    pub(super) at: usize,
    /// How many names and values were read.
    values: usize,
}

impl<'a> Reader<'a> {
    /// Begins at the start of a text, behind a byte order mark.
    pub(super) fn new(text: &'a str) -> Result<Self, Fault> {
        let at = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let reader = Self {
            text,
            at,
            values: 0,
        };
        let is_odd = |c: char| c < ' ' && !matches!(c, '\t' | '\n' | '\r');
        match text.find(is_odd) {
            Some(at) => Err(reader.fault_at(at, "control characters are not text")),
            None => Ok(reader),
        }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn is_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// Goes over a character if it is the next one.
    pub(super) fn eat(&mut self, c: char) -> bool {
        let is_next = self.rest().starts_with(c);
        if is_next {
            self.at += c.len_utf8();
        }
        is_next
    }

    /// Tells whether the next token is a character that counts only in front of a blank.
    pub(super) fn is_mark(&self, mark: char) -> bool {
        let after = self.rest().strip_prefix(mark);
        after.is_some_and(|after| after.is_empty() || after.starts_with([' ', '\t', '\r', '\n']))
    }

    /// Returns how far the place is from the start of its line.
    pub(super) fn column(&self) -> usize {
        self.at - self.line_start()
    }

    fn line_start(&self) -> usize {
        self.text[..self.at].rfind('\n').map_or(0, |at| at + 1)
    }

    /// Tells whether `---` or `...` stands here, at the start of a line.
    pub(super) fn is_marker(&self, marker: &str) -> bool {
        let after = self.rest().strip_prefix(marker);
        let ends = |after: &str| after.is_empty() || after.starts_with([' ', '\t', '\r', '\n']);
        self.column() == 0 && after.is_some_and(ends)
    }

    /// Goes over blanks of the line.
    pub(super) fn skip_blanks(&mut self) {
        let rest = self.rest();
        let after = rest.trim_start_matches([' ', '\t', '\r']);
        self.at += rest.len() - after.len();
    }

    /// Goes to the end of the line, where the next character is a line end or none.
    pub(super) fn skip_line(&mut self) {
        let rest = self.rest();
        self.at += rest.find('\n').unwrap_or(rest.len());
    }

    /// Goes to what comes next, over blanks, line ends and comments.
    pub(super) fn skip_to_content(&mut self) {
        loop {
            let rest = self.rest();
            let after = rest.trim_start_matches([' ', '\t', '\r', '\n']);
            self.at += rest.len() - after.len();
            if !self.is_comment() {
                return;
            }
            self.skip_line();
        }
    }

    /// Tells whether a comment begins here: behind a blank, or at the start of a line.
    pub(super) fn is_comment(&self) -> bool {
        let before = self.text[..self.at].chars().next_back();
        let is_apart = before.is_none_or(|c| matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{feff}'));
        is_apart && self.rest().starts_with('#')
    }

    /// Goes to what comes next as a block, where tabs do not indent.
    pub(super) fn skip_to_block(&mut self) -> Result<(), Fault> {
        self.skip_to_content();
        let indent = &self.text[self.line_start()..self.at];
        if indent.contains('\t') && !self.is_end() {
            return Err(self.fault("a tab indents; blanks do"));
        }
        Ok(())
    }

    /// Expects nothing more on the line but a comment.
    pub(super) fn expect_line_end(&mut self) -> Result<(), Fault> {
        self.skip_blanks();
        if self.is_comment() {
            self.skip_line();
        }
        if self.is_end() || self.rest().starts_with('\n') {
            return Ok(());
        }
        Err(self.fault("there is more behind a value; a text with marks in it stands in quotes"))
    }

    /// Counts a name or value.
    pub(super) fn count(&mut self) -> Result<(), Fault> {
        self.values += 1;
        if self.values > POLICY_VALUES_MAX {
            let what = format!("more than {POLICY_VALUES_MAX} names and values");
            return Err(self.fault(&what));
        }
        Ok(())
    }

    pub(super) fn expect_depth(&self, depth: usize) -> Result<(), Fault> {
        if depth > LIST_DEPTH {
            let what = format!("lists are {LIST_DEPTH} deep at most: alternatives of checks");
            return Err(self.fault(&what));
        }
        Ok(())
    }

    /// Makes a fault for the line of this place.
    pub(super) fn fault(&self, what: &str) -> Fault {
        self.fault_at(self.at, what)
    }

    /// Makes a fault for the line of another place.
    pub(super) fn fault_at(&self, at: usize, what: &str) -> Fault {
        let line = self.text[..at].matches('\n').count() + 1;
        format!("line {line}: {what}")
    }
}

//! The INI form of protection files (Python: `configparser`, strict, without interpolation).

use std::collections::{BTreeMap, BTreeSet};

use super::Fault;
use crate::limits::POLICY_VALUES_MAX;
use crate::policy::shown;

/// Values by key in lower case.
pub(super) type Values = BTreeMap<String, String>;

pub(super) struct File<'a> {
    pub(super) defaults: Values,
    /// In the order of the file, without that of the defaults.
    pub(super) sections: Vec<Section<'a>>,
}

pub(super) struct Section<'a> {
    pub(super) header: &'a str,
    pub(super) values: Values,
}

/// The section whose values hold where others lack them.
const DEFAULTS: &str = "DEFAULT";

/// Reads a file. A value keeps the breaks of its lines.
pub(super) fn read(text: &str) -> Result<File<'_>, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::default();
    for (at, line) in text.lines().enumerate() {
        let taken = reader.line(line);
        taken.map_err(|fault| format!("line {}: {fault}", at + 1))?;
    }
    reader.done()
}

#[derive(Default)]
struct Reader<'a> {
    sections: Vec<Section<'a>>,
    headers: BTreeSet<&'a str>,
    /// The key whose value may go on, and how far it is indented.
    open: Option<(String, usize)>,
    keys: usize,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) -> Result<(), Fault> {
        let content = line.trim();
        if content.starts_with(['#', ';']) {
            return Ok(());
        }
        if content.is_empty() {
            self.go_on("");
            return Ok(());
        }
        let indent = line.len() - line.trim_start().len();
        if self.open.as_ref().is_some_and(|(_, open)| indent > *open) {
            self.go_on(content);
            return Ok(());
        }
        if content.starts_with('[') {
            return self.header(content);
        }
        self.key(content, indent)
    }

    /// Adds a line to the open value.
    fn go_on(&mut self, content: &str) {
        let Some((key, _)) = &self.open else { return };
        let section = self.sections.last_mut();
        if let Some(value) = section.and_then(|section| section.values.get_mut(key)) {
            value.push('\n');
            value.push_str(content);
        }
    }

    /// Takes what stands between the first bracket of a line and its last.
    fn header(&mut self, content: &'a str) -> Result<(), Fault> {
        let Some(end) = content.rfind(']') else {
            return Err("a header is not closed".to_owned());
        };
        let header = &content[1..end];
        if header.is_empty() {
            return Err("a header is empty".to_owned());
        }
        if !self.headers.insert(header) {
            return Err(format!("section {} stands twice", shown(header)));
        }
        self.open = None;
        self.sections.push(Section {
            header,
            values: Values::new(),
        });
        Ok(())
    }

    fn key(&mut self, content: &str, indent: usize) -> Result<(), Fault> {
        let Some(section) = self.sections.last_mut() else {
            return Err(format!("{} stands before the first header", shown(content)));
        };
        let Some((key, value)) = content.split_once(['=', ':']) else {
            return Err(format!(
                "{} has neither = nor : behind its key",
                shown(content)
            ));
        };
        let key = key.trim_end().to_lowercase();
        if key.is_empty() {
            return Err("a value has no key".to_owned());
        }
        self.keys += 1;
        if self.keys > POLICY_VALUES_MAX {
            return Err(format!("more than {POLICY_VALUES_MAX} keys"));
        }
        let value = value.trim_start().to_owned();
        if section.values.insert(key.clone(), value).is_some() {
            return Err(format!("key {} stands twice in a section", shown(&key)));
        }
        self.open = Some((key, indent));
        Ok(())
    }

    fn done(self) -> Result<File<'a>, Fault> {
        let mut file = File {
            defaults: Values::new(),
            sections: Vec::new(),
        };
        for mut section in self.sections {
            for value in section.values.values_mut() {
                value.truncate(value.trim_end().len());
            }
            if section.header == DEFAULTS {
                file.defaults = section.values;
            } else {
                file.sections.push(section);
            }
        }
        Ok(file)
    }
}

//! Property protections: who may create, read, update and delete which custom properties.
//!
//! A file of sections, each an expression on names and four values. The first expression that is
//! found anywhere in a name decides; without one, nobody may do anything with the property.

mod ini;

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use regex::{Regex, RegexBuilder};

use crate::error::{Error, ErrorCode, Result};
use crate::image::PropertyAction;
use crate::limits::{EXPRESSION_MAX_BYTES, POLICY_MAX_BYTES, POLICY_VALUES_MAX, PROTECTIONS_MAX};
use crate::policy::shown;

/// What the values of a protection file name (option `property_protection_rule_format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ProtectionFormat {
    /// Lists of roles.
    #[default]
    Roles,
    /// Rules of the policy files, one for each value.
    Policies,
}

/// Reads `roles` or `policies`, in any case. Anything else is `InvalidPolicy`.
impl FromStr for ProtectionFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "roles" => Ok(Self::Roles),
            "policies" => Ok(Self::Policies),
            _ => {
                let message = format!("format {} is not one of roles, policies", shown(text));
                Err(Error::new(ErrorCode::InvalidPolicy, message))
            }
        }
    }
}

/// The keys of a section, in the order of its values.
const KEYS: [&str; 4] = ["create", "read", "update", "delete"];
/// Names that begin so are the engine's, and open.
const ENGINE: &str = "os_glance";
/// Bound of the program of an expression, in bytes.
const PROGRAM_MAX_BYTES: usize = 64 << 10;
/// Bound of the few programs that are larger, such as those with several classes of Unicode.
const LARGE_PROGRAM_MAX_BYTES: usize = 256 << 10;
/// How many programs of a file may be that large.
const LARGE_PROGRAMS_MAX: usize = 8;

/// Who may do one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Access {
    Everybody,
    Nobody,
    /// Roles in lower case.
    Roles(Vec<String>),
    /// A rule, by its number, asked without attributes.
    Rule(usize),
}

/// The sections of a file.
#[derive(Debug, Clone)]
pub(super) struct Protections {
    sections: Vec<Section>,
}

#[derive(Debug, Clone)]
struct Section {
    expression: Regex,
    /// In the order of [`KEYS`].
    access: [Access; 4],
}

impl Protections {
    /// Returns who may do something with a property.
    pub(super) fn access(&self, name: &str, action: PropertyAction) -> &Access {
        if name.starts_with(ENGINE) {
            return &Access::Everybody;
        }
        let mut sections = self.sections.iter();
        match sections.find(|section| section.expression.is_match(name)) {
            Some(section) => &section.access[place(action)],
            None => &Access::Nobody,
        }
    }
}

fn place(action: PropertyAction) -> usize {
    match action {
        PropertyAction::Create => 0,
        PropertyAction::Read => 1,
        PropertyAction::Update => 2,
        PropertyAction::Delete => 3,
    }
}

/// What a file has brought.
pub(super) struct Loaded {
    pub(super) protections: Protections,
    /// The rules that it refers to.
    pub(super) rules: BTreeSet<usize>,
    pub(super) warnings: Vec<String>,
}

/// What is wrong, as a message.
type Fault = String;

/// Reads a file; `names` are the rules that it may name.
pub(super) fn load(
    text: &str,
    format: ProtectionFormat,
    names: &BTreeMap<String, usize>,
) -> Result<Loaded, Fault> {
    if text.len() > POLICY_MAX_BYTES {
        return Err(format!(
            "file is {} bytes, limit {POLICY_MAX_BYTES}",
            text.len()
        ));
    }
    let mut loader = Loader {
        format,
        names,
        roles: 0,
        large: 0,
        rules: BTreeSet::new(),
        warnings: Vec::new(),
    };
    let file = ini::read(text)?;
    if file.sections.len() > PROTECTIONS_MAX {
        let count = file.sections.len();
        return Err(format!("{count} sections, limit {PROTECTIONS_MAX}"));
    }
    let mut sections = Vec::new();
    for section in &file.sections {
        let read = loader.section(section, &file.defaults);
        let read = read.map_err(|fault| format!("section {}: {fault}", shown(section.header)))?;
        sections.extend(read);
    }
    Ok(Loaded {
        protections: Protections { sections },
        rules: loader.rules,
        warnings: loader.warnings,
    })
}

struct Loader<'a> {
    format: ProtectionFormat,
    names: &'a BTreeMap<String, usize>,
    /// How many roles were read.
    roles: usize,
    /// How many expressions have a large program.
    large: usize,
    rules: BTreeSet<usize>,
    warnings: Vec<String>,
}

impl Loader<'_> {
    /// Reads a section; nothing for one on the names of the engine, which stay open.
    fn section(
        &mut self,
        section: &ini::Section<'_>,
        defaults: &ini::Values,
    ) -> Result<Option<Section>, Fault> {
        let header = shown(section.header);
        for key in section
            .values
            .keys()
            .filter(|key| !KEYS.contains(&key.as_str()))
        {
            let key = shown(key);
            self.warn(format!(
                "section {header} has the key {key}, which means nothing"
            ));
        }
        let mut access = [const { Access::Nobody }; 4];
        for (key, access) in KEYS.into_iter().zip(&mut access) {
            let value = section.values.get(key).or_else(|| defaults.get(key));
            let value = value.ok_or_else(|| format!("{key} is missing"))?;
            let read = percent(value).and_then(|value| self.access(&value));
            *access = read.map_err(|fault| format!("{key}: {fault}"))?;
            if value.is_empty() {
                self.warn(format!(
                    "section {header}: {key} is empty, so nobody may do it"
                ));
            }
        }
        let expression = self.compile(section.header)?;
        if section.header.starts_with(ENGINE) {
            self.warn(format!(
                "section {header} is left out, such names are the engine's"
            ));
            return Ok(None);
        }
        Ok(Some(Section { expression, access }))
    }

    /// Compiles an expression. All of a file together take bounded time and room.
    fn compile(&mut self, expression: &str) -> Result<Regex, Fault> {
        if expression.len() > EXPRESSION_MAX_BYTES {
            let len = expression.len();
            return Err(format!(
                "expression is {len} bytes, limit {EXPRESSION_MAX_BYTES}"
            ));
        }
        let built = match program(expression, PROGRAM_MAX_BYTES) {
            Err(regex::Error::CompiledTooBig(_)) if self.large < LARGE_PROGRAMS_MAX => {
                self.large += 1;
                program(expression, LARGE_PROGRAM_MAX_BYTES)
            }
            built => built,
        };
        built.map_err(|error| {
            // The last line says what is wrong, those before show where.
            let text = error.to_string();
            let what = text.lines().last().unwrap_or_default();
            let what = what.trim_start_matches("error: ").trim_end_matches('.');
            format!("expression does not compile: {what}")
        })
    }

    /// Adds a warning, of which a file may cause any number.
    fn warn(&mut self, warning: String) {
        if self.warnings.len() < POLICY_VALUES_MAX {
            self.warnings.push(warning);
        }
    }

    fn access(&mut self, value: &str) -> Result<Access, Fault> {
        match self.format {
            ProtectionFormat::Roles => self.roles(value),
            ProtectionFormat::Policies => self.rule(value),
        }
    }

    fn roles(&mut self, value: &str) -> Result<Access, Fault> {
        let items = || {
            value
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
        };
        let (all, none) = (
            items().any(|item| item == "@"),
            items().any(|item| item == "!"),
        );
        match (all, none) {
            (true, true) => return Err("@ and ! exclude each other".to_owned()),
            (true, false) => return Ok(Access::Everybody),
            (false, true) => return Ok(Access::Nobody),
            (false, false) => {}
        }
        self.roles += items().count();
        if self.roles > POLICY_VALUES_MAX {
            return Err(format!("more than {POLICY_VALUES_MAX} roles"));
        }
        Ok(Access::Roles(items().map(str::to_lowercase).collect()))
    }

    fn rule(&mut self, value: &str) -> Result<Access, Fault> {
        match value {
            "" | "!" => return Ok(Access::Nobody),
            "@" => return Ok(Access::Everybody),
            _ => {}
        }
        if value.contains(',') {
            return Err(format!("{} is more than one rule", shown(value)));
        }
        let Some(&rule) = self.names.get(value) else {
            return Err(format!("rule {} is not defined", shown(value)));
        };
        self.rules.insert(rule);
        Ok(Access::Rule(rule))
    }
}

/// Reads the percent signs of a value: each is written twice.
fn percent(value: &str) -> Result<String, Fault> {
    let parts: Vec<&str> = value.split("%%").collect();
    if parts.iter().any(|part| part.contains('%')) {
        return Err("a percent sign stands alone; it is written %%".to_owned());
    }
    Ok(parts.join("%"))
}

/// Makes the program of an expression, within a bound of its size.
fn program(expression: &str, limit: usize) -> std::result::Result<Regex, regex::Error> {
    RegexBuilder::new(expression)
        .size_limit(limit)
        .dfa_size_limit(PROGRAM_MAX_BYTES)
        .nest_limit(32)
        .build()
}

#[cfg(test)]
mod tests;

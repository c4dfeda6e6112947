//! From the texts of files to rules: defaults, then each file over those before, then the tests of
//! the whole.

use std::collections::{BTreeMap, BTreeSet};

use super::Rules;
use super::facts::is_credential;
use super::set::{Linked, Set};
use crate::error::{Error, ErrorCode, Result};
use crate::limits::POLICY_RULES_MAX;
use crate::policy::protect::{self, Loaded};
use crate::policy::rule::is_metadef;
use crate::policy::{ProtectionFormat, Rule, RuleText, file, shown};

/// Most warnings that are kept; one more says how many were not.
const WARNINGS_MAX: usize = 100;

/// Puts [`Rules`] together from the texts of files, which the host has read.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct RulesBuilder {
    layers: Vec<Layer>,
    protections: Option<(String, ProtectionFormat)>,
}

#[derive(Debug, Clone)]
enum Layer {
    File { name: String, text: String },
    Rule { name: String, text: String },
}

impl RulesBuilder {
    /// Lays a file over what there is: JSON, or YAML as policy files use it. A rule that it names
    /// is replaced completely. The name of the file is for messages.
    pub fn file(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        let (name, text) = (name.into(), text.into());
        self.layers.push(Layer::File { name, text });
        self
    }

    /// Lays one rule over what there is.
    pub fn rule(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        let (name, text) = (name.into(), text.into());
        self.layers.push(Layer::Rule { name, text });
        self
    }

    /// Protects custom properties by the text of a file; without it they are open to everybody
    /// who may modify the image.
    pub fn property_protections(
        mut self,
        text: impl Into<String>,
        format: ProtectionFormat,
    ) -> Self {
        self.protections = Some((text.into(), format));
        self
    }

    /// Builds the rules, and tests all of them, asked for or not.
    ///
    /// # Errors
    /// `InvalidPolicy`, with a message that names file, rule or line, and cause.
    pub fn build(self) -> Result<Rules> {
        self.try_build()
            .map_err(|message| Error::new(ErrorCode::InvalidPolicy, message))
    }

    fn try_build(self) -> Result<Rules, String> {
        let mut draft = Draft::defaults()?;
        for layer in self.layers {
            draft.lay(layer)?;
        }
        let set = draft.link()?;
        let mut used = draft.used();
        let mut warnings = Vec::new();
        let loaded = match &self.protections {
            None => None,
            Some((text, format)) => {
                let loaded = protect::load(text, *format, &draft.names)
                    .map_err(|fault| format!("property protections: {fault}"))?;
                Some(loaded)
            }
        };
        if let Some(Loaded {
            rules,
            warnings: more,
            ..
        }) = &loaded
        {
            used.extend(rules.iter().copied());
            warnings.extend(more.iter().map(|w| format!("property protections: {w}")));
        }
        warnings.extend(draft.warnings(&used));
        Ok(Rules {
            set,
            may_hide_rows: draft.may_hide_rows(),
            names: draft.names,
            protections: loaded.map(|loaded| loaded.protections),
            warnings: bounded(warnings),
        })
    }
}

/// Rules whose references are not resolved yet.
struct Draft {
    names: BTreeMap<String, usize>,
    rules: Vec<Drafted>,
}

struct Drafted {
    text: RuleText,
    /// Where the text comes from; nothing for a default.
    source: Option<String>,
}

impl Draft {
    fn defaults() -> Result<Self, String> {
        let mut draft = Self {
            names: BTreeMap::new(),
            rules: Vec::new(),
        };
        for rule in Rule::ALL {
            let text = parse(rule.name(), rule.default_text())?;
            draft.put(rule.name().to_owned(), text, None)?;
        }
        Ok(draft)
    }

    fn lay(&mut self, layer: Layer) -> Result<(), String> {
        match layer {
            Layer::Rule { name, text } => {
                let text = parse(&name, &text)?;
                self.put(name, text, Some("the host"))
            }
            Layer::File { name: source, text } => {
                let rules = file::read(&text).map_err(|fault| format!("{source}: {fault}"))?;
                let mut rules = rules.into_iter();
                rules.try_for_each(|(name, text)| self.put(name, text, Some(&source)))
            }
        }
    }

    fn put(&mut self, name: String, text: RuleText, source: Option<&str>) -> Result<(), String> {
        let source = source.map(str::to_owned);
        let drafted = Drafted { text, source };
        if let Some(&at) = self.names.get(&name) {
            self.rules[at] = drafted;
            return Ok(());
        }
        if self.rules.len() == POLICY_RULES_MAX {
            return Err(format!("more than {POLICY_RULES_MAX} rules"));
        }
        self.names.insert(name, self.rules.len());
        self.rules.push(drafted);
        Ok(())
    }

    fn link(&self) -> Result<Set, String> {
        let rules = self.names_by_number().into_iter().zip(&self.rules);
        let linked = rules.map(|(name, rule)| {
            Ok(Linked {
                links: self.links(name, rule)?,
                text: rule.text.clone(),
            })
        });
        let linked: Result<_, String> = linked.collect();
        Set::new(linked?).map_err(|circle| self.circular(&circle))
    }

    fn links(&self, name: &str, rule: &Drafted) -> Result<Vec<usize>, String> {
        let link = |reference| {
            self.names.get(reference).copied().ok_or_else(|| {
                let (place, to) = (place(name, rule), shown(reference));
                format!("{place} refers to {to}, which is not defined")
            })
        };
        rule.text.references().map(link).collect()
    }

    /// Words the fault of rules that refer to each other, beginning with one that a file has set.
    fn circular(&self, circle: &[usize]) -> String {
        let names = self.names_by_number();
        let is_set = |&at: &usize| self.rules[circle[at]].source.is_some();
        let first = (0..circle.len()).find(is_set).unwrap_or(0);
        let place = place(names[circle[first]], &self.rules[circle[first]]);
        match circle {
            [_] => format!("{place} refers to itself"),
            circle => {
                let next = names[circle[(first + 1) % circle.len()]];
                format!("{place} refers to itself through {}", shown(next))
            }
        }
    }

    fn names_by_number(&self) -> Vec<&str> {
        let mut names = vec![""; self.rules.len()];
        for (name, &at) in &self.names {
            names[at] = name;
        }
        names
    }

    /// Returns the numbers of the rules that others refer to.
    fn used(&self) -> BTreeSet<usize> {
        let references = self.rules.iter().flat_map(|rule| rule.text.references());
        references
            .filter_map(|name| self.names.get(name).copied())
            .collect()
    }

    fn may_hide_rows(&self) -> bool {
        let rules = [Rule::GetImage, Rule::GetImages, Rule::ContextIsAdmin];
        rules.iter().any(|rule| {
            let text = &self.rules[*rule as usize].text;
            text.to_string() != rule.default_text()
        })
    }

    fn warnings(&self, used: &BTreeSet<usize>) -> Vec<String> {
        let mut warnings = Vec::new();
        for (at, name) in self.names_by_number().into_iter().enumerate() {
            let rule = &self.rules[at];
            let is_known = at < Rule::ALL.len() || is_metadef(name) || used.contains(&at);
            if !is_known {
                let place = place(name, rule);
                warnings.push(format!(
                    "{place} is no rule of the engine, and nothing refers to it"
                ));
            }
            let unknown: BTreeSet<&str> = rule
                .text
                .credentials()
                .filter(|name| !is_credential(name))
                .collect();
            warnings.extend(unknown.into_iter().map(|credential| {
                let (place, credential) = (place(name, rule), shown(credential));
                format!("{place} asks for the credential {credential}, which no caller has")
            }));
        }
        warnings
    }
}

fn parse(name: &str, text: &str) -> Result<RuleText, String> {
    text.parse()
        .map_err(|error| format!("rule {}: {error}", shown(name)))
}

/// Names a rule and the file that has set it.
fn place(name: &str, rule: &Drafted) -> String {
    let name = shown(name);
    match &rule.source {
        Some(source) => format!("{source}: rule {name}"),
        None => format!("rule {name}"),
    }
}

fn bounded(mut warnings: Vec<String>) -> Vec<String> {
    if warnings.len() > WARNINGS_MAX {
        let more = warnings.len() - WARNINGS_MAX;
        warnings.truncate(WARNINGS_MAX);
        warnings.push(format!("{more} more warnings"));
    }
    warnings
}

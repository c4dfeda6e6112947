//! The rules of policy files: one value that is complete, tested and exchanged as a whole.

mod build;
mod facts;
mod set;

pub use build::RulesBuilder;

use std::cell::OnceCell;
use std::collections::BTreeMap;

use crate::error::Result;
use crate::image::PropertyAction;
use crate::policy::protect::{Access, Protections};
use crate::policy::{Caller, Policy, Rule, RuleText, Target};
use facts::Request;
use set::Set;

/// The rules that policy files make, over the defaults, with property protections.
///
/// Everything is tested when it is built: texts, references, protections. To read files anew, build
/// anew; on an error the old value is still there.
///
/// # Examples
/// ```
/// use smalti::policy::{Caller, Policy, Rule, Rules, Target};
///
/// let rules = Rules::builder()
///     .file("policy.yaml", "tasks_api_access: role:staff or role:admin  # both\n")
///     .build()?;
/// let caller = Caller::project("a").with_role("staff");
/// assert!(rules.allows(Rule::TasksApiAccess, &caller, &Target::None));
/// # smalti::Result::<()>::Ok(())
/// ```
#[derive(Debug, Clone)]
pub struct Rules {
    /// The rules of the engine first, by their numbers, then those that files add.
    set: Set,
    names: BTreeMap<String, usize>,
    protections: Option<Protections>,
    may_hide_rows: bool,
    warnings: Vec<String>,
}

impl Rules {
    /// Begins with the default rules.
    pub fn builder() -> RulesBuilder {
        RulesBuilder::default()
    }

    /// Returns what is legal and probably not meant, a line for each. Whoever loads files logs it.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the text of a rule, of the engine or added by a file.
    pub fn text(&self, name: &str) -> Option<&RuleText> {
        self.names.get(name).map(|&rule| self.set.text(rule))
    }

    /// Tells whether a rule that a file may have added holds; nothing if there is none.
    pub fn holds(&self, name: &str, caller: &Caller, target: &Target<'_>) -> Option<bool> {
        let rule = *self.names.get(name)?;
        Some(self.ask(rule, caller, target))
    }

    fn ask(&self, rule: usize, caller: &Caller, target: &Target<'_>) -> bool {
        let is_admin = OnceCell::new();
        if rule == Rule::ContextIsAdmin as usize && matches!(target, Target::Identity) {
            // Here it is being decided, and is not so yet.
            let _ = is_admin.set(false);
        }
        let request = Request {
            caller,
            target,
            admin: &|| self.allows(Rule::ContextIsAdmin, caller, &Target::Identity),
            is_admin,
        };
        self.set.holds(rule, &request)
    }
}

impl Default for Rules {
    fn default() -> Self {
        let built: Result<Self> = Self::builder().build();
        built.expect("the default texts are constants, which the tests parse")
    }
}

impl Policy for Rules {
    fn allows(&self, rule: Rule, caller: &Caller, target: &Target<'_>) -> bool {
        self.ask(rule as usize, caller, target)
    }

    fn allows_property(&self, caller: &Caller, name: &str, action: PropertyAction) -> bool {
        let Some(protections) = &self.protections else {
            return true;
        };
        match protections.access(name, action) {
            Access::Everybody => true,
            Access::Nobody => false,
            Access::Roles(roles) => roles.iter().any(|role| caller.holds_anyhow(role)),
            Access::Rule(rule) => self.ask(*rule, caller, &Target::None),
        }
    }

    fn may_hide_rows(&self) -> bool {
        self.may_hide_rows
    }

    fn protects_properties(&self) -> bool {
        self.protections.is_some()
    }
}

#[cfg(test)]
mod tests;

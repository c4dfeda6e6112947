//! Who may do what: caller, action and image go in, yes or the right refusal comes out.
//!
//! Pure, and the only place that decides between "denied" and "does not exist". The rules are data:
//! [`DefaultPolicy`] is the matrix of the Images API v2 (Glance: `glance/policies/image.py`),
//! [`Rules`] reads the policy files of an operator, and a host may bring a [`Policy`] of its own.
//! [`Judge`] asks them, and keeps what no rule can change. No file is read here.

mod action;
mod caller;
mod file;
mod judge;
mod matrix;
mod protect;
mod rule;
mod rules;
mod target;
mod text;

pub use action::Action;
pub use caller::Caller;
pub use judge::{Judge, no_member, not_found};
pub use matrix::{DefaultPolicy, Policy};
pub use protect::ProtectionFormat;
pub use rule::Rule;
pub use rules::{Rules, RulesBuilder};
pub use target::{Target, Value};
pub use text::RuleText;

/// How the project of a caller stands to an image that it does not own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a project is a member or it is not"
)]
pub enum Membership {
    /// It is no member of the image.
    Stranger,
    /// It is a member, whatever the status of the membership: that steers lists only.
    Member,
}

/// Quotes a text for a message, shortened to 64 characters.
fn shown(text: &str) -> String {
    let start: String = text.chars().take(64).collect();
    format!("{start:?}")
}

#[cfg(test)]
mod tests;

//! The gate of patches: each operation is asked with the image as it is then.

use super::{Judge, rule_of};
use crate::error::{Error, ErrorCode, Result};
use crate::image::{Gate, Image, LocationAction, PropertyAction, Visibility};
use crate::policy::{Action, Membership};

/// Answers what a patch asks, for one caller.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JudgeGate<'a> {
    judge: Judge<'a>,
    membership: Membership,
}

impl<'a> Judge<'a> {
    /// Returns the gate for a patch of an image that was looked up with this membership, after
    /// [`Judge::check`] has let [`Action::Patch`] pass.
    pub(crate) fn gate(&self, membership: Membership) -> JudgeGate<'a> {
        JudgeGate {
            judge: *self,
            membership,
        }
    }
}

impl JudgeGate<'_> {
    /// Asks the rules of an action; the image was looked up before.
    fn ask(&self, action: Action, image: &Image) -> Result<()> {
        let rules = action.row().rules;
        self.judge
            .check_rules(action, rules, image, self.membership)
    }
}

impl Gate for JudgeGate<'_> {
    fn modify(&self, image: &Image) -> Result<()> {
        self.ask(Action::Modify, image)
    }

    fn visibility(&self, image: &Image, wanted: Visibility) -> Result<()> {
        match rule_of(wanted) {
            Some((action, _)) => self.ask(action, image),
            None => Ok(()),
        }
    }

    fn owner(&self, _: &Image) -> Result<()> {
        if self.judge.is_admin() {
            return Ok(());
        }
        let message = "only an administrator gives an image to another owner";
        Err(Error::new(ErrorCode::Forbidden, message))
    }

    fn locations(&self, image: &Image, action: LocationAction) -> Result<()> {
        match action {
            LocationAction::Set => self.ask(Action::LocationSet, image),
            LocationAction::Delete => self.ask(Action::LocationRemove, image),
        }
    }

    fn property(&self, name: &str, action: PropertyAction) -> bool {
        let Judge { policy, caller, .. } = self.judge;
        policy.allows_property(caller, name, action)
    }
}

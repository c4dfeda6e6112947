//! The one path of every decision: identity, lookup, fixed tests, rules, owner gate, in this order.

mod gate;

use crate::error::{Error, ErrorCode, Result};
use crate::id::{ImageId, ProjectId};
use crate::image::{Image, Member, PropertyAction, Status, Visibility};
use crate::policy::action::Effect;
use crate::policy::{Action, Caller, Membership, Policy, Rule, Target};

/// Decides for one caller. The choice between "denied" and "does not exist" is made here alone.
///
/// Whether the caller is an administrator is asked once, of the rule `context_is_admin`.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    policy: &'a dyn Policy,
    caller: &'a Caller,
    admin: bool,
}

impl<'a> Judge<'a> {
    /// Decides for a caller by a policy.
    pub fn new(policy: &'a dyn Policy, caller: &'a Caller) -> Self {
        let admin = || policy.allows(Rule::ContextIsAdmin, caller, &Target::Identity);
        Self {
            policy,
            caller,
            admin: caller.is_usable() && admin(),
        }
    }

    /// Returns the caller.
    pub fn caller(&self) -> &'a Caller {
        self.caller
    }

    /// Tells whether the caller is an administrator.
    pub fn is_admin(&self) -> bool {
        self.admin
    }

    /// Tests what is known before any image is looked up, so that refusals tell nothing of images.
    ///
    /// # Errors
    /// `SchemaViolation` when the identity itself is malformed, `ReadOnlyCaller` for a write
    /// without identity.
    pub fn check_identity(&self, action: Action) -> Result<()> {
        self.caller.expect_usable()?;
        if action.is_write() && self.caller.is_anonymous() {
            let message = "a caller without identity may only read";
            return Err(Error::new(ErrorCode::ReadOnlyCaller, message));
        }
        Ok(())
    }

    /// Tests whether the caller may do something with an image.
    ///
    /// An entry among the members is not looked at; where one is concerned, [`Judge::check_member`]
    /// tests it in between. What must be tested between lookup and rules goes to
    /// [`Judge::check_after`].
    ///
    /// # Errors
    /// In this order:
    /// - those of [`Judge::check_identity`];
    /// - `NotFound` when the caller may not see the image;
    /// - `ImageDeactivated` for the data of a deactivated image, to all but administrators;
    /// - `NotShared` for members of an image that is not shared, `NotFound` for one of them;
    /// - `Forbidden` when a rule or the owner gate denies; for a member to be shown `NotFound`.
    ///
    /// That an image is protected, or in a status that does not allow the action, is for the image
    /// to say, afterwards.
    pub fn check(&self, action: Action, image: &Image, membership: Membership) -> Result<()> {
        self.check_after(action, image, membership, || Ok(()))
    }

    /// Tests as [`Judge::check`], with a test of the host's between what is fixed and the rules:
    /// some calls name a wrong status of the image before they name a missing right.
    ///
    /// # Errors
    /// As [`Judge::check`]; those of `state` in front of `Forbidden`.
    pub fn check_after(
        &self,
        action: Action,
        image: &Image,
        membership: Membership,
        state: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        self.check_identity(action)?;
        if !self.sees(image, membership) {
            return Err(not_found(image.id()));
        }
        self.check_fixed(action, image)?;
        state()?;
        self.check_rules(action, action.row().rules, image, membership)
    }

    /// Tests whether the caller may do something with an entry among the members of an image:
    /// [`Action::MemberShow`], [`Action::MemberUpdate`] or [`Action::MemberDelete`].
    ///
    /// # Errors
    /// As [`Judge::check`]; `NotFound` if there is no entry, or one of another member, before the
    /// right to change it is asked.
    pub fn check_member(
        &self,
        action: Action,
        image: &Image,
        membership: Membership,
        entry: Option<&Member>,
    ) -> Result<()> {
        self.check_identity(action)?;
        if !self.sees(image, membership) {
            return Err(not_found(image.id()));
        }
        self.check_fixed(action, image)?;
        let rules = action.row().rules;
        let (first, rest) = rules.split_at(rules.len().min(1));
        self.check_rules(action, first, image, membership)?;
        if !entry.is_some_and(|entry| self.is_concerned(image, entry.member_id())) {
            return Err(no_member(image.id()));
        }
        self.check_rules(action, rest, image, membership)
    }

    /// Tells whether the caller sees an image: found by the lookup, and by rule `get_image`.
    pub fn sees(&self, image: &Image, membership: Membership) -> bool {
        self.finds(image, membership) && self.allows(Rule::GetImage, image, membership)
    }

    /// Tells whether an image may stand in a list of the caller, as far as rights go.
    pub fn lists(&self, image: &Image, membership: Membership) -> bool {
        image.status() != Status::Killed && self.sees(image, membership)
    }

    /// Tests whether the caller may list images.
    ///
    /// # Errors
    /// `SchemaViolation` when the identity itself is malformed, `Forbidden`.
    pub fn check_list(&self) -> Result<()> {
        self.check_identity(Action::List)?;
        self.expect(Action::List, Rule::GetImages, &Target::List)
    }

    /// Tests whether the caller may create an image for an owner, with a visibility; one that is
    /// not chosen is asked for as private, although shared is stored.
    ///
    /// # Errors
    /// As [`Judge::check_identity`]; then `Forbidden`.
    pub fn check_create(
        &self,
        owner: Option<&ProjectId>,
        visibility: Option<Visibility>,
    ) -> Result<()> {
        self.check_identity(Action::Create)?;
        let visibility = visibility.unwrap_or(Visibility::Private);
        let target = Target::Create { owner, visibility };
        self.expect(Action::Create, Rule::AddImage, &target)?;
        match rule_of(visibility) {
            Some((action, rule)) => self.expect(action, rule, &target),
            None => Ok(()),
        }
    }

    /// Tests whether the caller may do something that is about no image.
    ///
    /// # Errors
    /// As [`Judge::check_identity`]; then `Forbidden`.
    pub fn check_global(&self, action: Action) -> Result<()> {
        self.check_identity(action)?;
        let mut rules = action.row().rules.iter();
        rules.try_for_each(|&rule| self.expect(action, rule, &Target::None))
    }

    /// Tests whether the caller may have an image cached or removed from the cache:
    /// [`Action::CachePut`] or [`Action::CacheDelete`].
    ///
    /// # Errors
    /// As [`Judge::check_identity`]; then `Forbidden`; then `NotFound` when the image was not
    /// found, or the caller may not see it. Only who may use the cache without an image learns
    /// that.
    pub fn check_cached(
        &self,
        action: Action,
        id: &ImageId,
        found: Option<(&Image, Membership)>,
    ) -> Result<()> {
        self.check_identity(action)?;
        match found.filter(|(image, membership)| self.sees(image, *membership)) {
            Some((image, membership)) => {
                self.check_rules(action, action.row().rules, image, membership)
            }
            None => {
                self.check_global(action)?;
                Err(not_found(id))
            }
        }
    }

    /// Tells whether an entry among the members of an image is shown to the caller in their list.
    pub fn sees_member(&self, image: &Image, membership: Membership, member: &ProjectId) -> bool {
        self.is_concerned(image, member) && self.allows(Rule::GetMember, image, membership)
    }

    /// Tells whether locations, `direct_url` and `stores` of an image are shown to the caller.
    ///
    /// Those of a deactivated image are for administrators. Other projects need the rule
    /// `get_image_location`.
    pub fn shows_locations(&self, image: &Image, membership: Membership) -> bool {
        let is_open = self.admin || image.status() != Status::Deactivated;
        let is_own = self.caller.acts_for(image.owner());
        is_open && (is_own || self.allows(Rule::GetImageLocation, image, membership))
    }

    /// Tells whether some custom property may be closed to the caller.
    pub(crate) fn protects_properties(&self) -> bool {
        self.policy.protects_properties()
    }

    /// Tells whether a custom property is shown to the caller.
    pub fn shows_property(&self, name: &str) -> bool {
        let policy = self.policy;
        policy.allows_property(self.caller, name, PropertyAction::Read)
    }

    /// The lookup: what no rule can change. What is deleted is found by nobody. An image without
    /// owner that is shared or private is found by administrators alone (DEV-V1).
    fn finds(&self, image: &Image, membership: Membership) -> bool {
        if !image.status().is_live() {
            return false;
        }
        let owns = self.caller.acts_for(image.owner());
        self.admin
            || match image.visibility() {
                Visibility::Public | Visibility::Community => true,
                Visibility::Shared => owns || self.is_shared_with(image, membership),
                Visibility::Private => owns,
            }
    }

    fn is_shared_with(&self, image: &Image, membership: Membership) -> bool {
        let has_project = self.caller.project_id().is_some();
        membership == Membership::Member && has_project && image.owner().is_some()
    }

    /// What holds whatever the rules say: closed data, and who has members at all.
    fn check_fixed(&self, action: Action, image: &Image) -> Result<()> {
        if action.is_on_data() && image.status() == Status::Deactivated && !self.admin {
            let message = "the image is deactivated and its data is closed";
            return Err(Error::new(ErrorCode::ImageDeactivated, message));
        }
        if action.is_on_members() && image.visibility() != Visibility::Shared {
            if action == Action::MemberShow {
                return Err(no_member(image.id()));
            }
            let message = format!("the image is {}, not shared", image.visibility());
            return Err(Error::new(ErrorCode::NotShared, message));
        }
        Ok(())
    }

    fn check_rules(
        &self,
        action: Action,
        rules: &[Rule],
        image: &Image,
        membership: Membership,
    ) -> Result<()> {
        let mut rules = rules.iter();
        let allowed = rules.all(|&rule| self.allows(rule, image, membership));
        if allowed && self.passes_gate(action, image) {
            return Ok(());
        }
        Err(match action {
            Action::MemberShow => no_member(image.id()),
            action => forbidden(action),
        })
    }

    /// The owner gate: who writes a record is an administrator or of the project that owns it.
    fn passes_gate(&self, action: Action, image: &Image) -> bool {
        action.row().effect != Effect::WriteRecord
            || self.admin
            || self.caller.acts_for(image.owner())
    }

    /// Tells whether an entry exists for the caller: all for owner and administrators, its own for
    /// a member.
    fn is_concerned(&self, image: &Image, member: &ProjectId) -> bool {
        let caller = self.caller;
        self.admin || caller.acts_for(image.owner()) || caller.project_id() == Some(member)
    }

    fn allows(&self, rule: Rule, image: &Image, membership: Membership) -> bool {
        let target = Target::Image { image, membership };
        self.policy.allows(rule, self.caller, &target)
    }

    fn expect(&self, action: Action, rule: Rule, target: &Target<'_>) -> Result<()> {
        if self.policy.allows(rule, self.caller, target) {
            return Ok(());
        }
        Err(forbidden(action))
    }
}

/// Returns what is asked before an image gets a visibility.
fn rule_of(visibility: Visibility) -> Option<(Action, Rule)> {
    match visibility {
        Visibility::Public => Some((Action::Publicize, Rule::PublicizeImage)),
        Visibility::Community => Some((Action::Communitize, Rule::CommunitizeImage)),
        Visibility::Shared | Visibility::Private => None,
    }
}

/// Makes the one answer for an image that does not exist and for one that the caller may not see.
///
/// The id is shown in lower case, so that the text does not give away how it is stored.
pub fn not_found(id: &ImageId) -> Error {
    let id = ImageId::from_bytes(*id.as_bytes());
    Error::new(ErrorCode::NotFound, format!("no image {id}"))
}

/// Makes the one answer for a member that does not exist and for one that the caller may not see.
pub fn no_member(id: &ImageId) -> Error {
    let message = format!("image {id} has no such member");
    Error::new(ErrorCode::NotFound, message)
}

fn forbidden(action: Action) -> Error {
    let deed = action.row().deed;
    let message = format!("policy does not allow the caller to {deed}");
    Error::new(ErrorCode::Forbidden, message)
}

#[cfg(test)]
mod tests;

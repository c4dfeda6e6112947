//! Who decides: the trait that a host may implement, and the default rules in code.

use std::fmt::Debug;

use crate::image::{PropertyAction, Visibility};
use crate::policy::{Caller, Rule, Target};

/// Decides the rules. [`DefaultPolicy`] is the matrix of the API, [`Rules`] reads policy files, and
/// a host may bring its own.
///
/// A rule is asked only after the image was found: owners, members and administrators find what is
/// not public, whatever the rules say. Whoever writes a record is also an administrator or of the
/// project that owns it.
///
/// [`Rules`]: crate::policy::Rules
///
/// # Examples
/// Uploads only for those with a role of their own:
/// ```
/// use smalti::policy::{Caller, DefaultPolicy, Policy, Rule, Target};
///
/// #[derive(Debug)]
/// struct Uploaders;
///
/// impl Policy for Uploaders {
///     fn allows(&self, rule: Rule, caller: &Caller, target: &Target<'_>) -> bool {
///         match rule {
///             Rule::UploadImage => caller.has_role("uploader"),
///             _ => DefaultPolicy.allows(rule, caller, target),
///         }
///     }
/// }
///
/// let caller = Caller::project("a").with_role("uploader");
/// assert!(Uploaders.allows(Rule::UploadImage, &caller, &Target::None));
/// ```
pub trait Policy: Debug + Send + Sync {
    /// Tells whether a rule holds for a caller and what it asks about.
    fn allows(&self, rule: Rule, caller: &Caller, target: &Target<'_>) -> bool;

    /// Tells whether a caller may do something with a custom property of images.
    fn allows_property(&self, caller: &Caller, name: &str, action: PropertyAction) -> bool {
        let _ = (caller, name, action);
        true
    }

    /// Tells whether `get_image` may leave out rows of a list that the caller was allowed to ask
    /// for. A list that knows better need not ask for each row.
    fn may_hide_rows(&self) -> bool {
        true
    }

    /// Tells whether some custom property may be closed to somebody. Where none can be, no
    /// property is asked for.
    fn protects_properties(&self) -> bool {
        true
    }
}

/// The default rules, without files.
#[derive(Debug, Clone, Copy, Default)]
pub struct DefaultPolicy;

impl Policy for DefaultPolicy {
    fn allows(&self, rule: Rule, caller: &Caller, target: &Target<'_>) -> bool {
        let admin = caller.is_admin();
        match rule {
            Rule::Default | Rule::GetTask | Rule::GetTasks => true,
            Rule::AddTask | Rule::ModifyTask => true,
            Rule::ServiceApi | Rule::FetchImageLocation | Rule::StoresInfoDetail => {
                caller.is_service()
            }
            Rule::ContextIsAdmin | Rule::PublicizeImage | Rule::CopyImage => admin,
            Rule::DeleteImageLocation | Rule::TasksApiAccess => admin,
            Rule::CacheImage | Rule::CacheList | Rule::CacheDelete => admin,
            Rule::CacheClean | Rule::CachePrune => admin,
            Rule::ListCachedNodes | Rule::ManageImageCache => admin,
            Rule::AddImage => admin || creates(caller, target),
            Rule::AddImageLocation => caller.is_service() || creates(caller, target),
            Rule::GetImage => admin || (caller.is_reader() && sees(caller, target)),
            Rule::DownloadImage | Rule::DownloadFromStore => {
                admin || (caller.is_member() && sees(caller, target))
            }
            Rule::GetImages | Rule::GetImageLocation => {
                admin || (caller.is_reader() && owns(caller, target))
            }
            Rule::ModifyImage | Rule::CommunitizeImage | Rule::UploadImage => {
                admin || writes(caller, target)
            }
            Rule::DeleteImage | Rule::Deactivate | Rule::Reactivate => {
                admin || writes(caller, target)
            }
            Rule::SetImageLocation | Rule::AddMember | Rule::DeleteMember => {
                admin || writes(caller, target)
            }
            Rule::GetMember | Rule::GetMembers => {
                let concerned = owns(caller, target) || target.member(caller).is_some();
                admin || (caller.is_reader() && concerned)
            }
            Rule::ModifyMember => admin || (caller.is_member() && target.member(caller).is_some()),
        }
    }

    fn may_hide_rows(&self) -> bool {
        false
    }

    fn protects_properties(&self) -> bool {
        false
    }
}

fn owns(caller: &Caller, target: &Target<'_>) -> bool {
    caller.acts_for(target.project(caller))
}

fn writes(caller: &Caller, target: &Target<'_>) -> bool {
    caller.is_member() && owns(caller, target)
}

fn creates(caller: &Caller, target: &Target<'_>) -> bool {
    caller.is_member() && caller.acts_for(target.owner())
}

/// Shared images are closed to strangers by the lookup, not here.
fn sees(caller: &Caller, target: &Target<'_>) -> bool {
    let open = |visibility| visibility != Visibility::Private;
    owns(caller, target) || target.visibility().is_some_and(open)
}

//! A caller and a target, as the rule language sees them.

use std::cell::OnceCell;

use crate::policy::text::Facts;
use crate::policy::{Caller, Target, Value};

/// The names of the credentials.
const NAMES: [&str; 15] = [
    "user_id",
    "project_id",
    "roles",
    "service_roles",
    "user_domain_id",
    "project_domain_id",
    "domain_id",
    "system_scope",
    "system",
    "is_admin",
    "is_admin_project",
    "service_user_id",
    "service_project_id",
    "service_user_domain_id",
    "service_project_domain_id",
];

/// Tells whether callers have a credential of this name.
pub(super) fn is_credential(name: &str) -> bool {
    NAMES.contains(&name)
}

/// A caller and a target.
pub(super) struct Request<'a> {
    pub(super) caller: &'a Caller,
    pub(super) target: &'a Target<'a>,
    /// Decides whether the caller is an administrator, once.
    pub(super) admin: &'a dyn Fn() -> bool,
    pub(super) is_admin: OnceCell<bool>,
}

impl Facts for Request<'_> {
    fn has_role(&self, role: &str) -> bool {
        self.caller.holds(role)
    }

    fn any_role(&self, is: &mut dyn FnMut(&str) -> bool) -> bool {
        self.caller.roles().any(is)
    }

    fn any_credential(&self, name: &str, is: &mut dyn FnMut(&Value<'_>) -> bool) -> bool {
        let caller = self.caller;
        let mut element = |text: &str| is(&Value::of(Some(text)));
        let text = match name {
            "roles" => return caller.roles().any(&mut element),
            "service_roles" => return caller.service_roles().any(&mut element),
            "is_admin" => {
                let admin = *self.is_admin.get_or_init(|| (self.admin)());
                return is(&Value::Bool(admin));
            }
            "is_admin_project" => return is(&Value::Bool(true)),
            "system" => return caller.system_scope().is_some_and(element),
            "user_id" => caller.user_id(),
            "project_id" => caller.project_id().map(|project| project.as_str()),
            "user_domain_id" => caller.user_domain_id(),
            "project_domain_id" => caller.project_domain_id(),
            "domain_id" => caller.domain_id(),
            "system_scope" => caller.system_scope(),
            name if is_credential(name) => None,
            _ => return false,
        };
        is(&Value::of(text))
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        self.target.attribute(self.caller, name)
    }
}

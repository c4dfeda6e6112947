//! Who asks: a project and roles, as the host has authenticated them.

use std::collections::BTreeSet;

use crate::error::{Error, ErrorCode, Result};
use crate::id::ProjectId;

/// The identity behind a request. The host vouches for it; nothing here authenticates.
///
/// Roles compare without case, projects exactly. The role admin implies member, and member implies
/// reader (DEV-V2).
///
/// # Examples
/// ```
/// use smalti::policy::Caller;
///
/// let tenant = Caller::project("a");
/// assert!(tenant.is_member() && tenant.is_reader() && !tenant.is_admin());
/// let operator = Caller::project("ops").with_role("Admin");
/// assert!(operator.is_admin());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    project: Option<ProjectId>,
    roles: BTreeSet<String>,
    service_roles: BTreeSet<String>,
    reach: Reach,
    names: Names,
    /// Why the identity cannot be used; each check refuses it then.
    fault: Option<String>,
}

/// What the host knows of the caller besides, for the rules of policy files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Names {
    user: Option<String>,
    user_domain: Option<String>,
    project_domain: Option<String>,
    domain: Option<String>,
    system_scope: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    ReadWrite,
    /// Without identity: reads only, whatever the roles say.
    Anonymous,
}

impl Caller {
    /// Makes a caller with the role member in a project.
    ///
    /// A string that is no project id (empty, or longer than 255 characters) makes a caller to whom
    /// every operation answers `SchemaViolation`.
    pub fn project(project: impl Into<String>) -> Self {
        Self::in_project(project).with_role("member")
    }

    /// Makes a caller with the role reader in a project. The string is taken as by
    /// [`Caller::project`].
    pub fn reader(project: impl Into<String>) -> Self {
        Self::in_project(project).with_role("reader")
    }

    /// Makes an administrator without project. What it creates has no owner unless one is named.
    pub fn admin() -> Self {
        Self::authenticated(None).with_role("admin")
    }

    /// Makes a caller with the role service in a project, for another service of the cloud. The
    /// string is taken as by [`Caller::project`].
    pub fn service(project: impl Into<String>) -> Self {
        Self::in_project(project).with_role("service")
    }

    /// Makes a caller with an identity but no roles yet; without project it is system-scoped.
    pub fn authenticated(project: Option<ProjectId>) -> Self {
        Self {
            project,
            roles: BTreeSet::new(),
            service_roles: BTreeSet::new(),
            reach: Reach::ReadWrite,
            names: Names::default(),
            fault: None,
        }
    }

    /// Makes a caller without identity, who may only read.
    pub fn anonymous() -> Self {
        Self {
            reach: Reach::Anonymous,
            ..Self::authenticated(None)
        }
    }

    /// Adds a role.
    #[must_use]
    pub fn with_role(mut self, role: impl Into<String>) -> Self {
        self.roles.insert(role.into().to_lowercase());
        self
    }

    /// Adds a role of the service that passes the request on (header `X-Service-Roles`).
    #[must_use]
    pub fn with_service_role(mut self, role: impl Into<String>) -> Self {
        self.service_roles.insert(role.into().to_lowercase());
        self
    }

    /// Names the user (credential `user_id` of policy files).
    #[must_use]
    pub fn with_user(mut self, id: impl Into<String>) -> Self {
        self.names.user = Some(id.into());
        self
    }

    /// Names the domain of the user (credential `user_domain_id`).
    #[must_use]
    pub fn with_user_domain(mut self, id: impl Into<String>) -> Self {
        self.names.user_domain = Some(id.into());
        self
    }

    /// Names the domain of the project (credential `project_domain_id`).
    #[must_use]
    pub fn with_project_domain(mut self, id: impl Into<String>) -> Self {
        self.names.project_domain = Some(id.into());
        self
    }

    /// Names the domain that the caller acts in (credential `domain_id`).
    #[must_use]
    pub fn with_domain(mut self, id: impl Into<String>) -> Self {
        self.names.domain = Some(id.into());
        self
    }

    /// Sets the scope of a caller without project (credential `system_scope`), usually `all`.
    #[must_use]
    pub fn with_system_scope(mut self, scope: impl Into<String>) -> Self {
        self.names.system_scope = Some(scope.into());
        self
    }

    fn in_project(project: impl Into<String>) -> Self {
        match ProjectId::new(project) {
            Ok(project) => Self::authenticated(Some(project)),
            Err(error) => {
                let fault = Some(error.message().to_owned());
                Self {
                    fault,
                    ..Self::authenticated(None)
                }
            }
        }
    }

    /// Returns the project that the caller acts in.
    pub fn project_id(&self) -> Option<&ProjectId> {
        self.project.as_ref()
    }

    /// Returns the user, where the host has named one.
    pub fn user_id(&self) -> Option<&str> {
        self.names.user.as_deref()
    }

    /// Returns the domain of the user, where the host has named one.
    pub fn user_domain_id(&self) -> Option<&str> {
        self.names.user_domain.as_deref()
    }

    /// Returns the domain of the project, where the host has named one.
    pub fn project_domain_id(&self) -> Option<&str> {
        self.names.project_domain.as_deref()
    }

    /// Returns the domain that the caller acts in, where the host has named one.
    pub fn domain_id(&self) -> Option<&str> {
        self.names.domain.as_deref()
    }

    /// Returns the scope of a caller without project, where the host has named one.
    pub fn system_scope(&self) -> Option<&str> {
        self.names.system_scope.as_deref()
    }

    /// Returns the roles, those implied by others included, in lower case.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        let implied = |role: &&str| self.holds(role) && !self.roles.contains(*role);
        let given = self.roles.iter().map(String::as_str);
        given.chain(["member", "reader"].into_iter().filter(implied))
    }

    /// Returns the roles of the service that passes the request on, in lower case.
    pub fn service_roles(&self) -> impl Iterator<Item = &str> {
        self.service_roles.iter().map(String::as_str)
    }

    /// Tells whether the caller has a role in lower case, given or implied.
    pub(super) fn holds(&self, role: &str) -> bool {
        match role {
            "member" => self.is_member(),
            "reader" => self.is_reader(),
            _ => self.roles.contains(role),
        }
    }

    /// Tells whether the caller has a role in lower case, by itself or through a service.
    pub(super) fn holds_anyhow(&self, role: &str) -> bool {
        self.holds(role) || self.service_roles.contains(role)
    }

    /// Tells whether the caller has a role, in any case; what the role implies is not counted.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.contains(&role.to_lowercase())
    }

    /// Tells whether the caller is an administrator, whatever its project.
    pub fn is_admin(&self) -> bool {
        self.roles.contains("admin")
    }

    /// Tells whether the caller may change what its project owns.
    pub fn is_member(&self) -> bool {
        self.is_admin() || self.roles.contains("member")
    }

    /// Tells whether the caller may read what its project sees.
    pub fn is_reader(&self) -> bool {
        self.is_member() || self.roles.contains("reader")
    }

    /// Tells whether the caller is, or comes through, a service of the cloud; administrators count.
    pub fn is_service(&self) -> bool {
        self.is_admin()
            || [&self.roles, &self.service_roles]
                .iter()
                .any(|r| r.contains("service"))
    }

    /// Tells whether the caller has no identity and may therefore only read.
    pub fn is_anonymous(&self) -> bool {
        self.reach == Reach::Anonymous
    }

    /// Tells whether the caller acts in the project that owns something. Nobody acts in no project.
    pub fn acts_for(&self, owner: Option<&ProjectId>) -> bool {
        owner.is_some() && self.project.as_ref() == owner
    }

    /// Tells whether the identity can be used at all.
    pub(super) fn is_usable(&self) -> bool {
        self.fault.is_none()
    }

    /// Tests that the identity can be used at all.
    pub(super) fn expect_usable(&self) -> Result<()> {
        match &self.fault {
            Some(fault) => Err(Error::new(ErrorCode::SchemaViolation, fault.as_str())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_imply_the_lower_ones_and_ignore_case() {
        let rights = |c: &Caller| (c.is_admin(), c.is_member(), c.is_reader(), c.is_service());
        assert_eq!(rights(&Caller::admin()), (true, true, true, true));
        assert_eq!(rights(&Caller::project("a")), (false, true, true, false));
        assert_eq!(rights(&Caller::reader("a")), (false, false, true, false));
        assert_eq!(rights(&Caller::service("a")), (false, false, false, true));
        assert_eq!(rights(&Caller::anonymous()), (false, false, false, false));
        assert!(Caller::reader("a").with_role("ADMIN").is_admin());
        assert!(
            Caller::reader("a")
                .with_service_role("Service")
                .is_service()
        );
        assert!(Caller::reader("a").with_role("Auditor").has_role("auDitor"));
        assert!(!Caller::reader("a").with_service_role("admin").is_admin());
    }

    #[test]
    fn nobody_acts_for_no_project() {
        let a = ProjectId::new("a").unwrap();
        assert!(Caller::project("a").acts_for(Some(&a)));
        assert!(!Caller::project("A").acts_for(Some(&a)));
        assert!(!Caller::admin().acts_for(None));
        assert!(!Caller::project("a").acts_for(None));
    }

    #[test]
    fn a_string_that_is_no_project_makes_an_unusable_caller() {
        for text in [String::new(), "a".repeat(256)] {
            let caller = Caller::project(text);
            assert_eq!(caller.project_id(), None);
            let error = caller.expect_usable().unwrap_err();
            assert_eq!(error.code(), ErrorCode::SchemaViolation);
        }
        assert!(Caller::admin().expect_usable().is_ok());
    }
}

//! Who a request comes from: headers of a trusted front end, or what the host has put beside it.
//!
//! Source: keystonemiddleware, and Glance, `glance/api/middleware/context.py`.

use hyper::header::{HeaderMap, HeaderName};
use hyper::http::request::Parts;
use serde::de::IgnoredAny;

use super::authority;
use super::refusal::Refusal;
use super::settings::{HttpSettings, Identity};
use crate::error::ErrorCode;
use crate::id::ProjectId;
use crate::policy::Caller;

const STATUS: HeaderName = HeaderName::from_static("x-identity-status");
const USER: HeaderName = HeaderName::from_static("x-user-id");
const PROJECT: HeaderName = HeaderName::from_static("x-project-id");
const TENANT: HeaderName = HeaderName::from_static("x-tenant-id");
const ROLES: HeaderName = HeaderName::from_static("x-roles");
const ROLE: HeaderName = HeaderName::from_static("x-role");
const SERVICE_ROLES: HeaderName = HeaderName::from_static("x-service-roles");
const CATALOG: HeaderName = HeaderName::from_static("x-service-catalog");
const USER_DOMAIN: HeaderName = HeaderName::from_static("x-user-domain-id");
const PROJECT_DOMAIN: HeaderName = HeaderName::from_static("x-project-domain-id");
const SYSTEM_SCOPE: HeaderName = HeaderName::from_static("openstack-system-scope");

/// Returns who a request comes from.
pub(super) fn caller(request: &Parts, settings: &HttpSettings) -> Result<Caller, Refusal> {
    let headers = &request.headers;
    let trusted = settings.identity == Identity::TrustedHeaders;
    if !trusted && headers.contains_key(STATUS) {
        let message = "this listener is not behind a proxy, so it takes no identity from headers";
        return Err(Refusal::unauthenticated(message));
    }
    if settings.identity == Identity::SingleUser {
        authority::check_own(request, settings)?;
    }
    if let Some(caller) = request.extensions.get::<Caller>() {
        return Ok(caller.clone());
    }
    match settings.identity {
        Identity::SingleUser => Ok(Caller::admin()),
        Identity::TrustedHeaders if is_confirmed(headers) => from_headers(headers),
        _ if settings.allow_anonymous_access => Ok(Caller::anonymous()),
        _ => Err(Refusal::unauthenticated(
            "the request has no confirmed identity",
        )),
    }
}

fn is_confirmed(headers: &HeaderMap) -> bool {
    // Of two, one may come from outside.
    headers.get_all(STATUS).iter().eq(["Confirmed"])
}

fn from_headers(headers: &HeaderMap) -> Result<Caller, Refusal> {
    let project = value(headers, newer(headers, &PROJECT, &TENANT))?;
    let project = project.map(ProjectId::new).transpose()?;
    check_catalog(headers)?;
    let mut caller = Caller::authenticated(project);
    for role in names(value(headers, newer(headers, &ROLES, &ROLE))?) {
        caller = caller.with_role(role);
    }
    for role in names(value(headers, &SERVICE_ROLES)?) {
        caller = caller.with_service_role(role);
    }
    with_names(caller, headers)
}

/// Adds what policy files may ask for besides.
fn with_names(caller: Caller, headers: &HeaderMap) -> Result<Caller, Refusal> {
    type Add = fn(Caller, &str) -> Caller;
    let named: [(&HeaderName, Add); 4] = [
        (&USER, |caller, id| caller.with_user(id)),
        (&USER_DOMAIN, |caller, id| caller.with_user_domain(id)),
        (&PROJECT_DOMAIN, |caller, id| caller.with_project_domain(id)),
        (&SYSTEM_SCOPE, |caller, scope| {
            caller.with_system_scope(scope)
        }),
    ];
    let mut named = named.into_iter();
    named.try_fold(caller, |caller, (name, add)| {
        Ok(match value(headers, name)? {
            Some(value) => add(caller, value),
            None => caller,
        })
    })
}

/// Returns the newer name of a header, unless the older one alone is there.
fn newer<'a>(headers: &HeaderMap, newer: &'a HeaderName, older: &'a HeaderName) -> &'a HeaderName {
    match headers.contains_key(newer) {
        true => newer,
        false => older,
    }
}

/// Returns the value of a header; an empty one is none. One that is there twice is refused: one of
/// them may come from outside.
fn value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        let message = format!("header {name} stands more than once");
        return Err(Refusal::new(ErrorCode::SchemaViolation, message));
    }
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| {
        let message = format!("header {name} is not UTF-8");
        Refusal::new(ErrorCode::SchemaViolation, message)
    })?;
    Ok(Some(text.trim()).filter(|text| !text.is_empty()))
}

fn names(list: Option<&str>) -> impl Iterator<Item = &str> {
    let names = list.into_iter().flat_map(|list| list.split(','));
    names.map(str::trim).filter(|name| !name.is_empty())
}

/// Tests the catalog, of which nothing else is used.
fn check_catalog(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(catalog) = headers.get(CATALOG) else {
        return Ok(());
    };
    serde_json::from_slice::<IgnoredAny>(catalog.as_bytes())
        .map(drop)
        .map_err(|error| {
            let message = format!("header {CATALOG} is not JSON: {error}");
            Refusal::new(ErrorCode::MalformedJson, message)
        })
}

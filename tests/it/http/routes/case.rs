//! An outcome of a route: what is sent, and what must be answered.

use crate::http::reply::Reply;
use crate::http::request::Request;

const JSON: &str = "application/json";

/// What a request goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Usual,
    /// The one that knows nobody without identity.
    Strict,
    /// The one of a single user.
    Single,
    /// One of other images, whose engine was given no stores, and may import nothing.
    Bare,
    /// The one with other images, and a cache.
    Cached,
}

/// An outcome of a route.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// Method and path, as the table of routes has them.
    pub(super) route: String,
    pub(super) outcome: &'static str,
    pub(super) request: Request,
    pub(super) service: Service,
    pub(super) status: u16,
    /// The code of a refusal.
    code: Option<&'static str>,
    headers: Vec<(&'static str, String)>,
    /// Members of the document.
    shows: Vec<&'static str>,
    body: Option<Vec<u8>>,
}

/// Makes an outcome that ends well.
pub(super) fn good(route: &str, outcome: &'static str, request: Request, status: u16) -> Case {
    Case {
        route: route.to_owned(),
        outcome,
        request,
        service: Service::Usual,
        status,
        code: None,
        headers: Vec::new(),
        shows: Vec::new(),
        body: None,
    }
}

/// Makes an outcome that is a refusal.
pub(super) fn bad(
    route: &str,
    outcome: &'static str,
    request: Request,
    status: u16,
    code: &'static str,
) -> Case {
    Case {
        code: Some(code),
        ..good(route, outcome, request, status)
    }
}

impl Case {
    pub(super) fn to(mut self, service: Service) -> Self {
        self.service = service;
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn shows(mut self, member: &'static str) -> Self {
        self.shows.push(member);
        self
    }

    pub(super) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Says how an answer differs from what it must be.
    pub(super) fn check(&self, reply: &Reply) -> Result<(), String> {
        let is_json = !reply.is_to_head && reply.header("content-type") == Some(JSON);
        let document = if is_json {
            reply.json()
        } else {
            Default::default()
        };
        let code = document["error"]["code"].as_str();
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, _)| reply.header(name))
            .collect();
        let wanted: Vec<_> = self
            .headers
            .iter()
            .map(|(_, value)| Some(&**value))
            .collect();
        let is_shown = |member: &&str| document.get(*member).is_some();
        let is_right = (reply.status, code) == (self.status, self.code)
            && headers == wanted
            && self.shows.iter().all(is_shown)
            && self.body.as_ref().is_none_or(|body| *body == reply.body);
        match is_right {
            true => Ok(()),
            false => Err(format!(
                "{}, {}: {:?} found, {} {:?} {:?} {:?} expected",
                self.route, self.outcome, reply, self.status, self.code, self.headers, self.shows
            )),
        }
    }
}

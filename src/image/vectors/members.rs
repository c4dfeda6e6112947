//! Every vector of members: what they are and say is of this room, who may do it of the gate.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorCode, Result};
use crate::id::ProjectId;
use crate::image::vectors::gate::Actor;
use crate::image::vectors::{File, MADE, child, compare_error, limits, optional_text, plain, text};
use crate::image::vectors::{integer, texts};
use crate::image::{Decision, Gate, Image, Limits, Member, Status};
use crate::json::{Json, Object};

/// The members of an image, by project.
type Members = BTreeMap<String, Member>;

/// What a call answers.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    One(String),
    List(Vec<String>),
    Nothing,
}

#[test]
fn every_vector_of_members_holds() {
    let file = File::parse(include_str!("../../../tests/vectors/members.json"));
    file.run("members", 65, |_| true, check);
}

fn check(vector: &Object<'_>) -> Result<(), String> {
    let (setup, request) = (child(vector, "setup"), child(vector, "call"));
    let expect = child(vector, "expect");
    let image = plain(Status::Active, text(setup, "visibility").parse().unwrap());
    let empty = Object::default();
    let config = setup
        .member("config")
        .map_or(&empty, |_| child(setup, "config"));
    let mut call = Call {
        actor: actor(request, setup),
        limits: limits(config),
        members: members(&image, child(setup, "members")),
        image,
    };
    let answer = match call.run(request) {
        Ok(answer) => answer,
        Err(error) => return compare_error(&error, expect),
    };
    let wanted = match expect.member("members") {
        Some(_) => Answer::List(texts(expect, "members")),
        None => match optional_text(expect, "member_status") {
            Some(status) => Answer::One(status.to_owned()),
            None => Answer::Nothing,
        },
    };
    let status = integer(expect, "status");
    if answer == wanted && status == i64::from(if answer == Answer::Nothing { 204 } else { 200 }) {
        return Ok(());
    }
    Err(format!("{answer:?} found, {status} {wanted:?} expected"))
}

fn actor(request: &Object<'_>, setup: &Object<'_>) -> Actor {
    let actor = child(request, "actor");
    let roles: &[&str] = match text(actor, "role") {
        "admin" => &["admin", "member", "reader"],
        "member" => &["member", "reader"],
        role => &[role],
    };
    let mut found = Actor::new(text(actor, "project"), roles);
    let members = child(setup, "members").iter();
    found.members = members.map(|(project, _)| project.to_owned()).collect();
    found
}

fn members(image: &Image, given: &Object<'_>) -> Members {
    let member = |project: &str| {
        let mut member = Member::new(*image.id(), ProjectId::new(project).unwrap(), MADE);
        member.decide(text(given, project).parse().unwrap(), MADE);
        (project.to_owned(), member)
    };
    given.iter().map(|(project, _)| member(project)).collect()
}

struct Call {
    actor: Actor,
    limits: Limits,
    members: Members,
    image: Image,
}

impl Call {
    /// Runs a call in the order of the documents.
    fn run(&mut self, request: &Object<'_>) -> Result<Answer> {
        let body = request.member("body").filter(|body| **body != Json::Null);
        let body = body.map(ToString::to_string);
        let body = body.as_deref().map(str::as_bytes);
        match (text(request, "method"), optional_text(request, "member")) {
            ("POST", None) => self.add(body),
            ("GET", None) => self.list(),
            ("GET", Some(project)) => self.show(project),
            ("PUT", Some(project)) => self.decide(project, body),
            ("DELETE", Some(project)) => self.remove(project),
            other => panic!("no call {other:?}"),
        }
    }

    fn add(&mut self, body: Option<&[u8]>) -> Result<Answer> {
        let project = Member::project_from_json(body, &self.limits)?;
        self.expect_shared(ErrorCode::NotShared)?;
        self.actor.modify(&self.image)?;
        self.limits.check_member_count(self.members.len() + 1)?;
        let id = project.as_str().to_owned();
        if self.members.contains_key(&id) {
            return Err(Error::new(ErrorCode::Duplicate, "a member already"));
        }
        let member = Member::new(*self.image.id(), project, MADE);
        let answer = Answer::One(member.status().to_string());
        self.members.insert(id, member);
        Ok(answer)
    }

    fn list(&self) -> Result<Answer> {
        self.expect_shared(ErrorCode::NotShared)?;
        let seen = self.members.keys().filter(|project| self.sees(project));
        Ok(Answer::List(seen.cloned().collect()))
    }

    fn show(&self, project: &str) -> Result<Answer> {
        self.expect_shared(ErrorCode::NotFound)?;
        self.expect_seen(project)?;
        Ok(Answer::One(self.members[project].status().to_string()))
    }

    fn decide(&mut self, project: &str, body: Option<&[u8]>) -> Result<Answer> {
        let decision = Decision::from_json(body)?;
        self.expect_shared(ErrorCode::NotShared)?;
        self.expect_seen(project)?;
        let is_member = self.actor.is("member") && self.is_self(project);
        self.actor.allow(self.actor.is("admin") || is_member)?;
        let member = self.members.get_mut(project).unwrap();
        member.decide(decision.status()?, MADE);
        Ok(Answer::One(member.status().to_string()))
    }

    fn remove(&mut self, project: &str) -> Result<Answer> {
        self.expect_shared(ErrorCode::NotShared)?;
        self.expect_seen(project)?;
        self.actor.modify(&self.image)?;
        self.members.remove(project);
        Ok(Answer::Nothing)
    }

    fn expect_shared(&self, otherwise: ErrorCode) -> Result<()> {
        self.actor.see(&self.image)?;
        match self.image.visibility() {
            crate::image::Visibility::Shared => Ok(()),
            _ => Err(Error::new(otherwise, "not shared")),
        }
    }

    fn is_self(&self, project: &str) -> bool {
        self.actor
            .project
            .as_ref()
            .is_some_and(|own| own.as_str() == project)
    }

    fn sees(&self, project: &str) -> bool {
        self.actor.is("admin") || self.actor.owns(&self.image) || self.is_self(project)
    }

    fn expect_seen(&self, project: &str) -> Result<()> {
        if self.members.contains_key(project) && self.sees(project) {
            return Ok(());
        }
        Err(Error::new(ErrorCode::NotFound, "no such member"))
    }
}

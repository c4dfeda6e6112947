//! The vectors of whole calls: what a caller gets for each operation, by defaults and by overrides.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::*;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ImageId, ProjectId};
use crate::image::{
    ContainerFormat, DiskFormat, Gate, Image, Limits, LocationAction, Member, NewImage, Status,
    Visibility,
};

/// A stored image with the projects that it is shared with, and their statuses.
struct Stored {
    image: Image,
    members: BTreeMap<String, String>,
}

fn word<'a>(json: &'a Json, key: &str) -> &'a str {
    json[key].as_str().unwrap()
}

impl Stored {
    fn new(json: &Json) -> Self {
        let mut new = NewImage::default()
            .owner(json["owner"].as_str().unwrap_or_default())
            .visibility(word(json, "visibility").parse().unwrap())
            .disk_format(DiskFormat::Raw)
            .container_format(ContainerFormat::Bare);
        for (name, value) in json["properties"].as_object().into_iter().flatten() {
            new = new.property(name, value.as_str().unwrap());
        }
        let id = ImageId::from_bytes([7; 16]);
        let image = new.into_image(id, None, &Limits::default(), Timestamp::MIN);
        let mut parts = image.unwrap().parts().clone();
        parts.status = word(json, "status").parse().unwrap();
        parts.protected = json["protected"] == true;
        parts.os_hidden = json["os_hidden"] == true;
        let members = json["members"].as_object().into_iter().flatten();
        Self {
            image: Image::from_parts(parts).unwrap(),
            members: members
                .map(|(project, status)| (project.clone(), status.as_str().unwrap().to_owned()))
                .collect(),
        }
    }

    fn membership(&self, caller: &Caller) -> Membership {
        let project = caller.project_id().map(|project| project.as_str());
        match project.and_then(|project| self.members.get(project)) {
            Some(_) => Membership::Member,
            None => Membership::Stranger,
        }
    }
}

fn caller(name: &str, json: &Json) -> Caller {
    if json["read_only"] == true {
        return Caller::anonymous();
    }
    let project = ProjectId::new(word(json, "project")).unwrap();
    let caller = Caller::authenticated(Some(project)).with_user(format!("u-{name}"));
    let texts = |key: &str| {
        let list = json[key].as_array().cloned().unwrap_or_default();
        list.into_iter()
            .map(|text| text.as_str().unwrap().to_owned())
    };
    let caller = texts("roles").fold(caller, Caller::with_role);
    texts("service_roles").fold(caller, Caller::with_service_role)
}

/// A call on a stored image; what is not policy is modelled as far as statuses go.
struct Call<'a> {
    judge: Judge<'a>,
    stored: &'a Stored,
    membership: Membership,
}

fn state(is_right: bool, status: u16) -> Result<()> {
    if is_right {
        return Ok(());
    }
    Err(Error::new(ErrorCode::InvalidState, "state").with_http_status(status))
}

impl<'a> Call<'a> {
    fn new(policy: &'a dyn Policy, caller: &'a Caller, stored: &'a Stored) -> Self {
        Self {
            judge: Judge::new(policy, caller),
            stored,
            membership: stored.membership(caller),
        }
    }

    fn is(&self, statuses: &[Status]) -> bool {
        statuses.contains(&self.stored.image.status())
    }

    fn check(&self, action: Action) -> Result<()> {
        self.judge
            .check(action, &self.stored.image, self.membership)
    }

    /// Does something and tests the status of the image after the right.
    fn run(&self, action: Action, statuses: &[Status], otherwise: u16, done: u16) -> Result<u16> {
        self.check(action)?;
        state(self.is(statuses), otherwise)?;
        Ok(done)
    }

    /// Does something and tests the status of the image before the right.
    fn run_after(&self, action: Action, status: Status) -> Result<u16> {
        let test = || state(self.is(&[status]), 409);
        self.judge
            .check_after(action, &self.stored.image, self.membership, test)?;
        Ok(202)
    }

    fn read(&self, action: Action, done: u16) -> Result<u16> {
        self.check(action).map(|()| done)
    }

    fn download(&self, action: Action) -> Result<u16> {
        self.check(action)?;
        let has_data = self.is(&[Status::Active, Status::Deactivated]);
        Ok(if has_data { 200 } else { 204 })
    }

    fn delete(&self) -> Result<u16> {
        self.check(Action::Delete)?;
        self.stored.image.check_deletable()?;
        Ok(204)
    }

    fn patch(&self, ask: impl Fn(&dyn Gate, &Image) -> Result<()>) -> Result<u16> {
        self.check(Action::Patch)?;
        ask(&self.judge.gate(self.membership), &self.stored.image)?;
        Ok(200)
    }

    fn patch_visibility(&self, wanted: Visibility) -> Result<u16> {
        self.patch(|gate, image| {
            gate.visibility(image, wanted)?;
            gate.modify(image)
        })
    }

    fn member(&self, action: Action, member: &str, done: u16) -> Result<u16> {
        let image = &self.stored.image;
        let project = ProjectId::new(member).unwrap();
        let entry = Member::new(*image.id(), project, Timestamp::MIN);
        let entry = self.stored.members.get(member).map(|_| &entry);
        self.judge
            .check_member(action, image, self.membership, entry)?;
        Ok(done)
    }

    fn rows(&self) -> Vec<&str> {
        let sees = |member: &&str| {
            let project = ProjectId::new(*member).unwrap();
            self.judge
                .sees_member(&self.stored.image, self.membership, &project)
        };
        let members = self.stored.members.keys().map(String::as_str);
        members.filter(sees).collect()
    }

    /// Tells whether a list holds the image: scope by section 2 of the listing rules, then rights.
    fn lists(&self, query: Option<&str>) -> bool {
        let (image, caller) = (&self.stored.image, self.judge.caller());
        let admin = self.judge.is_admin();
        let owns = caller.acts_for(image.owner());
        let project = caller.project_id().map(|project| project.as_str());
        let status = project.and_then(|project| self.stored.members.get(project));
        let has_accepted = status.is_some_and(|status| status == "accepted");
        let in_scope = match image.visibility() {
            Visibility::Public => true,
            Visibility::Community => owns || query.is_some(),
            Visibility::Shared => admin || owns || has_accepted,
            Visibility::Private => admin || owns,
        };
        in_scope && !image.is_hidden() && self.judge.lists(image, self.membership)
    }

    fn answer(&self, operation: &str, argument: &str) -> Result<u16> {
        use Action as A;
        use Status::{Active, Deactivated, Queued};
        match operation {
            "show" => self.read(A::Show, 200),
            "image_tasks" => self.read(A::ImageTasks, 200),
            "download" => self.download(A::Download),
            "download_prefer" => self.download(A::DownloadFromStore),
            "patch_empty" => self.patch(|_, _| Ok(())),
            "patch_name" => self.patch(|gate, image| gate.modify(image)),
            "patch_public" => self.patch_visibility(Visibility::Public),
            "patch_community" => self.patch_visibility(Visibility::Community),
            "patch_private" => self.patch_visibility(Visibility::Private),
            "patch_owner" => self.patch(|gate, image| {
                gate.owner(image)?;
                gate.modify(image)
            }),
            "patch_locations_add" => {
                self.patch(|gate, image| gate.locations(image, LocationAction::Set))
            }
            "patch_locations_remove" => {
                self.patch(|gate, image| gate.locations(image, LocationAction::Delete))
            }
            "put_tag" => self.read(A::TagPut, 204),
            "delete" => self.delete(),
            "upload" => self.run(A::Upload, &[Queued], 409, 204),
            "stage" => self.run(A::Stage, &[Queued], 409, 204),
            "import_web" => self.run(A::Import, &[Queued], 409, 202),
            "copy_image" => self.run_after(A::CopyImage, Active),
            "deactivate" => self.run(A::Deactivate, &[Active, Deactivated], 403, 204),
            "reactivate" => self.run(A::Reactivate, &[Active, Deactivated], 403, 204),
            "store_delete" => self.run(A::StoreDelete, &[Active], 409, 204),
            "locations_get" => self.read(A::LocationsGet, 200),
            "locations_post" => self.run_after(A::LocationAdd, Queued),
            "member_add" => self.read(A::MemberAdd, 200),
            "member_list" => self.read(A::MemberList, 200),
            "member_show" => self.member(A::MemberShow, argument, 200),
            "member_accept" => self.member(A::MemberUpdate, argument, 200),
            "member_delete" => self.member(A::MemberDelete, argument, 204),
            "cache_put" => {
                let (image, membership) = (&self.stored.image, self.membership);
                let found = Some((image, membership));
                self.judge.check_cached(A::CachePut, image.id(), found)?;
                Ok(202)
            }
            other => unreachable!("{other}"),
        }
    }
}

fn status(answer: Result<u16>) -> u16 {
    answer.unwrap_or_else(|error| error.http_status())
}

fn seen(call: &Call<'_>, operation: &str) -> Json {
    let query = match operation {
        "member_list_rows" => return json!(call.rows()),
        "list_default" => None,
        "list_visibility" => Some(call.stored.image.visibility().as_str()),
        "list_all" => Some("all"),
        _ => {
            let mut parts = operation.rsplitn(2, "_p");
            let (end, start) = (parts.next().unwrap(), parts.next());
            let is_member = end.len() == 1 && end.parse::<u8>().is_ok();
            let (operation, argument) = match start.filter(|_| is_member) {
                Some(start) => (start, format!("p{end}")),
                None => (operation, String::new()),
            };
            return json!(status(call.answer(operation, &argument)));
        }
    };
    match call.judge.check_list() {
        Ok(()) => json!(call.lists(query)),
        Err(error) => json!(error.http_status()),
    }
}

#[test]
fn the_vectors_of_visibility_hold() {
    let text = include_str!("../../tests/vectors/visibility.json");
    let file: Json = serde_json::from_str(text).unwrap();
    let (rules, mut ran, mut outcomes) = (Rules::default(), 0, 0);
    for vector in file["vectors"].as_array().unwrap() {
        let name = word(vector, "actor");
        let caller = caller(name, &file["actors"][name]);
        let stored = Stored::new(&vector["image"]);
        for policy in [&DefaultPolicy as &dyn Policy, &rules] {
            let call = Call::new(policy, &caller, &stored);
            for (operation, expected) in vector["expect"].as_object().unwrap() {
                let found = seen(&call, operation);
                assert_eq!(found, *expected, "{operation} of {}", vector["id"]);
                outcomes += 1;
            }
        }
        ran += 1;
    }
    println!("visibility: {ran} vectors, {outcomes} outcomes by two policies");
    assert_eq!(ran, file["count"].as_u64().unwrap());
    assert!(outcomes >= 2 * 1_966, "{outcomes}");
}

fn made(judge: &Judge<'_>, body: &Json) -> Result<u16> {
    let owner = match body["owner"].as_str() {
        Some(owner) => ProjectId::new(owner).ok(),
        None => judge.caller().project_id().cloned(),
    };
    let visibility = body["visibility"].as_str().map(|v| v.parse().unwrap());
    judge.check_create(owner.as_ref(), visibility).map(|()| 201)
}

/// Answers a call that is about no image; nothing if it is about one.
fn answer_global(judge: &Judge<'_>, vector: &Json) -> Option<Result<u16>> {
    let global = |action| judge.check_global(action);
    Some(match word(vector, "operation") {
        "create" => made(judge, &vector["argument"]),
        "list" => judge.check_list().map(|()| 200),
        "cache_list" => global(Action::CacheList).map(|()| 200),
        "cache_clear" => global(Action::CacheClear).map(|()| 204),
        "tasks_list" => global(Action::Tasks).map(|()| 200),
        "stores_detail" => global(Action::StoresDetail).map(|()| 200),
        _ => return None,
    })
}

fn check_override(vector: &Json, actors: &Json) {
    let expect = &vector["expect"];
    let built = Rules::builder()
        .file("policy.json", vector["overrides"].to_string())
        .build();
    if expect["outcome"] == "config_error" {
        assert_eq!(
            built.unwrap_err().code(),
            ErrorCode::InvalidPolicy,
            "{vector}"
        );
        return;
    }
    let (rules, name) = (built.unwrap(), word(vector, "actor"));
    let caller = caller(name, &actors[name]);
    if let Some(answer) = answer_global(&Judge::new(&rules, &caller), vector) {
        assert_eq!(expect["status"], status(answer), "{vector}");
        return;
    }
    let stored = Stored::new(&vector["image"]);
    let call = Call::new(&rules, &caller, &stored);
    let operation = word(vector, "operation");
    if operation == "listed" {
        let listed = call.judge.check_list().is_ok() && call.lists(Some("all"));
        assert_eq!(expect["listed"], listed, "{vector}");
        return;
    }
    let argument = vector["argument"].as_str().unwrap_or_default();
    let found = status(call.answer(operation, argument));
    assert_eq!(expect["status"], found, "{vector}");
    if let Some(rows) = expect.get("rows") {
        assert_eq!(*rows, json!(call.rows()), "{vector}");
    }
}

#[test]
fn the_vectors_of_policy_overrides_hold() {
    let text = include_str!("../../tests/vectors/policy_overrides.json");
    let file: Json = serde_json::from_str(text).unwrap();
    let mut ran = 0;
    for vector in file["vectors"].as_array().unwrap() {
        check_override(vector, &file["actors"]);
        ran += 1;
    }
    println!("policy_overrides: {ran} vectors");
    assert_eq!(ran, file["count"].as_u64().unwrap());
}

#[test]
fn every_rule_is_asked_by_some_operation_or_known_to_be_asked_by_none() {
    let unasked = [
        // Asked by what is no operation of its own.
        Rule::Default,
        Rule::ContextIsAdmin,
        Rule::ServiceApi,
        Rule::GetImage,
        // Asked by nothing.
        Rule::GetTask,
        Rule::GetTasks,
        Rule::AddTask,
        Rule::ModifyTask,
    ];
    for rule in Rule::ALL {
        let mut actions = Action::ALL.iter();
        let is_asked = actions.any(|action| action.row().rules.contains(rule));
        assert_ne!(is_asked, unasked.contains(rule), "{rule}");
    }
}

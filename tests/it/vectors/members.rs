//! Members: set-up and call to answer.

use serde_json::{Value, json};
use smalti::image::{Decision, Member};
use smalti::wire::{MemberDocument, MembersDocument};
use smalti::{Caller, Engine, ImageId, Result};

use super::{Checked, File, body, caller, engine, operator, project, refused, same, settings};
use super::{stored, text};

#[test]
fn images_are_shared_as_the_vectors_say() {
    let file = File::new("members", include_str!("../../vectors/members.json"));
    file.run(check);
}

fn check(vector: &Value) -> Checked {
    let (setup, call) = (&vector["setup"], &vector["call"]);
    let engine = engine(settings(&setup["config"]));
    let given = json!({
        "status": "active", "visibility": setup["visibility"], "owner": setup["owner"],
        "members": setup["members"],
    });
    let id = *stored(&engine, &given).id();
    remember(&engine, &id, &setup["history"]);
    let actor = &call["actor"];
    let caller = caller(&json!({ "project": actor["project"], "roles": [actor["role"]] }));
    let found = run(&engine, &caller, &id, call).unwrap_or_else(|error| refused(&error));
    same(&found, &vector["expect"])
}

/// Does what has happened before: `p2 accepted, then deleted`.
fn remember(engine: &Engine, id: &ImageId, history: &Value) {
    for event in super::texts(history) {
        let name = event.split(' ').next().expect("a project");
        let members = engine.images(&operator()).members(id);
        members.add(&project(name)).expect("added");
        let decision = smalti::image::MemberStatus::Accepted;
        members.set_status(&project(name), decision).expect("set");
        assert!(event.ends_with("accepted, then deleted"), "{event}");
        members.remove(&project(name)).expect("removed");
    }
}

fn run(engine: &Engine, caller: &Caller, id: &ImageId, call: &Value) -> Result<Value> {
    let members = engine.images(caller).members(id);
    let limits = &engine.settings().limits;
    let member = call["member"].as_str().map(project);
    let body = body(&call["body"]);
    match (text(call, "method"), member) {
        ("POST", None) => {
            let project = Member::project_from_json(body.as_deref(), limits)?;
            members.add(&project).map(|member| one(&member))
        }
        ("GET", None) => {
            let members = members.list()?;
            let document = serde_json::to_value(MembersDocument::new(&members)).expect("JSON");
            let rows = document["members"].as_array().expect("a list").iter();
            let ids: Vec<&Value> = rows.map(|member| &member["member_id"]).collect();
            Ok(json!({ "status": 200, "members": ids }))
        }
        ("GET", Some(project)) => members.show(&project).map(|member| one(&member)),
        ("PUT", Some(project)) => {
            let decision = Decision::from_json(body.as_deref())?;
            let member = members.set_status(&project, decision)?;
            Ok(one(&member))
        }
        ("DELETE", Some(project)) => {
            members.remove(&project)?;
            let gone = engine.images(&operator()).members(id).show(&project);
            assert_eq!(gone.expect_err("it is gone").http_status(), 404);
            Ok(json!({ "status": 204 }))
        }
        other => panic!("no call {other:?}"),
    }
}

fn one(member: &Member) -> Value {
    let document = serde_json::to_value(MemberDocument::new(member)).expect("JSON");
    json!({ "status": 200, "member_status": document["status"] })
}

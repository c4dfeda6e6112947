//! Members: set-up and call to answer.

use serde_json::{Value, json};
use smalti::{Engine, ImageId};

use super::ask::{Answer, Ask, Transport};
use super::by_calls::Calls;
use super::{Checked, File, body, caller, engine, operator, project, same, settings, stored, text};

#[test]
fn images_are_shared_as_the_vectors_say() {
    run(&Calls);
}

#[cfg(feature = "http")]
#[test]
fn images_are_shared_through_http_as_the_vectors_say() {
    run(&super::by_http::Http);
}

fn run(way: &dyn Transport) {
    let file = File::new("members", include_str!("../../vectors/members.json"));
    file.run(way, |vector| check(way, vector));
}

fn check(way: &dyn Transport, vector: &Value) -> Checked {
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
    let (member, body) = (call["member"].as_str(), body(&call["body"]));
    let ask = Ask::Members(&id, text(call, "method"), member, body.as_deref());
    let answer = way.face(&engine).ask(&caller, ask).done();
    let found = match answer {
        Ok(answer) => told(&engine, &id, member, answer),
        Err(refusal) => refusal,
    };
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

/// Tells of an answer what the vectors name.
fn told(engine: &Engine, id: &ImageId, member: Option<&str>, answer: Answer) -> Value {
    let (status, document) = (answer.status, answer.document);
    if let Some(rows) = document["members"].as_array() {
        let ids: Vec<&Value> = rows.iter().map(|row| &row["member_id"]).collect();
        return json!({ "status": status, "members": ids });
    }
    if status == 200 {
        return json!({ "status": status, "member_status": document["status"] });
    }
    let members = engine.images(&operator()).members(id);
    let gone = members.show(&project(member.expect("a project")));
    assert_eq!(gone.expect_err("it is gone").http_status(), 404);
    json!({ "status": status })
}

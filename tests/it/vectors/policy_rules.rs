//! The rule language: rule, caller and image to whether the caller sees the image. What has no image
//! is asked of the list of tasks.

use std::cell::Cell;

use serde_json::{Map, Value, json};
use smalti::policy::{Action, Rules};
use smalti::{Caller, Engine, Error, ErrorCode, ImageId};

use super::ask::{Ask, Face, Transport};
use super::by_calls::Calls;
use super::{Checked, File, engine, project, settings, stored, text, texts};

#[test]
fn rules_decide_as_the_vectors_say() {
    run(&Calls);
}

#[cfg(feature = "http")]
#[test]
fn rules_decide_through_http_as_the_vectors_say() {
    run(&super::by_http::Http);
}

/// Its caller is a member that is no reader, which no caller of an engine can be.
const NO_CALLER: &str = "rule-default-members-noreader";
/// How many rules allow what is not even looked up: images of others.
const NOT_FOUND: u64 = 4;

fn run(way: &dyn Transport) {
    let text = include_str!("../../vectors/policy_rules.json");
    let (file, hidden) = (File::new("policy_rules", text), Cell::new(0));
    let count = file.part("count").as_u64().expect("a count") - 1;
    let has_caller = |vector: &Value| vector["id"] != NO_CALLER;
    file.run_where(way, "", count, has_caller, |vector| {
        check(way, vector, &file, &hidden)
    });
    println!(
        "policy_rules.json: {NOT_FOUND} of these allow what is not found, {NO_CALLER} is left"
    );
    assert_eq!(hidden.get(), NOT_FOUND);
}

fn check(way: &dyn Transport, vector: &Value, file: &File, hidden: &Cell<u64>) -> Checked {
    let mut expected = text(&vector["expect"], "outcome");
    let found = match (rules(vector), expected) {
        (Ok(rules), _) => {
            let caller = caller(&file.part("credentials")[text(vector, "credentials")]);
            let target = &file.part("targets")[text(vector, "target")];
            if expected == "allow" && !is_found(&caller, target) {
                hidden.set(hidden.get() + 1);
                expected = "deny";
            }
            outcome(way, rules, &caller, target)
        }
        // A file that is faulty is refused before anybody asks.
        (Err(error), "parse_error" | "load_error") if is_refusal(&error) => expected,
        (Err(error), _) => return Err(error.to_string()),
    };
    super::same(&json!(found), &json!(expected))
}

/// Tells whether an image is looked up for a caller, before any rule is asked
/// (`policy-files.md` 2.3).
fn is_found(caller: &Caller, target: &Value) -> bool {
    let project = caller.project_id().map(|project| project.as_str());
    let is = |name: &str| project.is_some() && target[name].as_str() == project;
    let is_open = ["public", "community"]
        .map(Some)
        .contains(&target["visibility"].as_str());
    target == &json!({}) || caller.is_admin() || is_open || is("owner") || is("member_id")
}

fn is_refusal(error: &Error) -> bool {
    error.code() == ErrorCode::InvalidPolicy
}

fn rules(vector: &Value) -> smalti::Result<Rules> {
    let mut rules = vector["rules"].as_object().cloned().unwrap_or_default();
    rules.insert("t".to_owned(), vector["rule"].clone());
    for name in ["get_image", "tasks_api_access"] {
        rules.insert(name.to_owned(), json!("rule:t"));
    }
    let rules = Value::Object(rules).to_string();
    Rules::builder().file("policy.json", rules).build()
}

fn outcome(way: &dyn Transport, rules: Rules, caller: &Caller, target: &Value) -> &'static str {
    let engine = engine(settings(&Value::Null));
    let target = target.as_object().expect("attributes");
    let id = (!target.is_empty()).then(|| *stored(&engine, &document(target)).id());
    engine.set_policy(rules);
    let face = way.face(&engine);
    let status = match id {
        Some(id) => face.ask(caller, Ask::Show(&id)).status,
        None => tasks(&engine, &*face, caller),
    };
    match status {
        200 => "allow",
        403 | 404 => "deny",
        _ => "neither",
    }
}

fn tasks(engine: &Engine, face: &dyn Face, caller: &Caller) -> u16 {
    if face.has_routes() {
        let id = ImageId::from_bytes([7; 16]);
        return face.ask_by_route(caller, "tasks_list", &id).status;
    }
    match engine.images(caller).check_global(Action::Tasks) {
        Ok(()) => 200,
        Err(error) => error.http_status(),
    }
}

/// Makes the image that a target is of: the ids of the file are none, and are not asked for.
fn document(target: &Map<String, Value>) -> Value {
    let mut document = target.clone();
    for name in ["id", "image_id", "project_id"] {
        document.remove(name);
    }
    if let Some(Value::String(member)) = document.remove("member_id") {
        document.insert("members".to_owned(), json!({ member: "accepted" }));
    }
    Value::Object(document)
}

fn caller(given: &Value) -> Caller {
    if given["user_id"].is_null() {
        return Caller::anonymous();
    }
    let caller = Caller::authenticated(given["project_id"].as_str().map(project));
    let caller = texts(&given["roles"]).fold(caller, Caller::with_role);
    let caller = texts(&given["service_roles"]).fold(caller, Caller::with_service_role);
    let caller = caller.with_user(text(given, "user_id"));
    let caller = caller.with_user_domain(text(given, "user_domain_id"));
    match given["system_scope"].as_str() {
        Some(scope) => caller.with_system_scope(scope),
        None => caller,
    }
}

//! Policy files: overrides, caller and call to the outcome.

use std::cell::Cell;

use serde_json::{Value, json};
use smalti::ErrorCode;
use smalti::policy::Rules;

use super::calls::Scene;
use super::{Checked, File, caller, same, text};

#[test]
fn policy_files_change_rights_as_the_vectors_say() {
    let text = include_str!("../../vectors/policy_overrides.json");
    let file = File::new("policy_overrides", text);
    let (called, judged) = (Cell::new(0), Cell::new(0));
    file.run(|vector| check(vector, file.part("actors"), &called, &judged));
    let (called, judged) = (called.get(), judged.get());
    println!("policy_overrides.json: {called} calls, {judged} by the judge");
    assert_eq!((called, judged), (101, 30));
}

fn check(vector: &Value, actors: &Value, called: &Cell<u64>, judged: &Cell<u64>) -> Checked {
    let expect = &vector["expect"];
    let overrides = vector["overrides"].to_string();
    let rules = Rules::builder().file("policy.json", overrides).build();
    if expect["outcome"] == "config_error" {
        return match rules {
            Err(error) if error.code() == ErrorCode::InvalidPolicy => Ok(()),
            other => Err(format!("{other:?}, a refusal of the file expected")),
        };
    }
    let (name, rules) = (
        text(vector, "actor"),
        rules.map_err(|error| error.to_string())?,
    );
    let caller = caller(&actors[name]).with_user(format!("u-{name}"));
    let scene = Scene::new(&rules, &caller, &vector["image"]);
    let found = match text(vector, "operation") {
        "listed" => json!({ "listed": scene.lists("visibility=all") }),
        operation => {
            let mut found = json!({ "status": scene.status(operation, &vector["argument"]) });
            if expect.get("rows").is_some() {
                found["rows"] = scene.member_rows();
            }
            found
        }
    };
    called.set(called.get() + scene.called.get());
    judged.set(judged.get() + scene.judged.get());
    same(&found, expect)
}

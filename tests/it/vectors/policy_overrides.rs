//! Policy files: overrides, caller and call to the outcome.

use serde_json::{Value, json};
use smalti::ErrorCode;
use smalti::policy::Rules;

use super::ask::Transport;
use super::by_calls::Calls;
use super::calls::Scene;
use super::tally::Tally;
use super::{Checked, File, caller, same, text};

#[test]
fn policy_files_change_rights_as_the_vectors_say() {
    let [called, judged, off] = run(&Calls);
    println!("policy_overrides.json: {called} calls, {judged} by the judge");
    assert_eq!((called, judged, off), (114, 17, 0));
}

#[cfg(feature = "http")]
#[test]
fn policy_files_change_rights_through_http_as_the_vectors_say() {
    let [called, judged, off] = run(&super::by_http::Http);
    println!("policy_overrides.json: {called} requests, {off} of what is switched off");
    assert_eq!((called + off, judged), (131, 0));
}

fn run(way: &dyn Transport) -> [u64; 3] {
    let text = include_str!("../../vectors/policy_overrides.json");
    let (file, tally) = (File::new("policy_overrides", text), Tally::default());
    file.run(way, |vector| {
        check(way, vector, file.part("actors"), &tally)
    });
    tally.counts()
}

fn check(way: &dyn Transport, vector: &Value, actors: &Value, tally: &Tally) -> Checked {
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
    let scene = Scene::new(way, &rules, &caller, &vector["image"], tally);
    let found = match text(vector, "operation") {
        "listed" => json!({ "listed": scene.lists("visibility=all") }),
        operation => {
            let status = scene.status(operation, &vector["argument"], &expect["status"]);
            let mut found = json!({ "status": status });
            if expect.get("rows").is_some() {
                found["rows"] = scene.member_rows();
            }
            found
        }
    };
    same(&found, expect)
}

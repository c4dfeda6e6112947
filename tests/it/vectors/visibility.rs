//! Who may do what: image and caller to the outcome of every operation.

use serde_json::{Value, json};
use smalti::policy::Rules;

use super::ask::Transport;
use super::by_calls::Calls;
use super::calls::Scene;
use super::tally::Tally;
use super::{Checked, File, caller, text};

#[test]
fn rights_are_as_the_vectors_of_visibility_say() {
    let [called, judged, _] = run(&Calls);
    println!("visibility.json: {called} outcomes of calls, {judged} of the judge");
    assert_eq!(called + judged, 1_966);
}

#[cfg(feature = "http")]
#[test]
fn rights_through_http_are_as_the_vectors_of_visibility_say() {
    let [called, judged, off] = run(&super::by_http::Http);
    println!("visibility.json: {called} outcomes of requests, {off} of what is switched off");
    assert_eq!((called + off, judged), (1_966, 0));
}

fn run(way: &dyn Transport) -> [u64; 3] {
    let file = File::new("visibility", include_str!("../../vectors/visibility.json"));
    let (rules, tally) = (Rules::default(), Tally::default());
    file.run(way, |vector| {
        let caller = caller(&file.part("actors")[text(vector, "actor")]);
        let scene = Scene::new(way, &rules, &caller, &vector["image"], &tally);
        check(&scene, vector)
    });
    tally.counts()
}

fn check(scene: &Scene<'_>, vector: &Value) -> Checked {
    let expect = vector["expect"].as_object().expect("outcomes");
    let faults: Vec<String> = expect
        .iter()
        .filter_map(|(operation, expected)| {
            let found = outcome(scene, &vector["image"], operation, expected);
            (found != *expected).then(|| format!("{operation} {found}, {expected} expected"))
        })
        .collect();
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults.join("; ")),
    }
}

fn outcome(scene: &Scene<'_>, image: &Value, operation: &str, expected: &Value) -> Value {
    match operation {
        "list_default" => scene.lists("limit=1000"),
        "list_all" => scene.lists("limit=1000&visibility=all"),
        "list_visibility" => {
            let visibility = text(image, "visibility");
            scene.lists(&format!("limit=1000&visibility={visibility}"))
        }
        "member_list_rows" => scene.member_rows(),
        _ => match operation.rsplit_once("_p") {
            // The project of a member: `member_show_p2`.
            Some((operation, number)) if number.parse::<u8>().is_ok() => {
                scene.status(operation, &json!(format!("p{number}")), expected)
            }
            _ => scene.status(operation, &Value::Null, expected),
        },
    }
}

//! Who may do what: image and caller to the outcome of every operation.

use std::cell::Cell;

use serde_json::{Value, json};
use smalti::policy::Rules;

use super::calls::Scene;
use super::{Checked, File, caller, text};

#[test]
fn rights_are_as_the_vectors_of_visibility_say() {
    let file = File::new("visibility", include_str!("../../vectors/visibility.json"));
    let (rules, called, judged) = (Rules::default(), Cell::new(0), Cell::new(0));
    file.run(|vector| {
        let caller = caller(&file.part("actors")[text(vector, "actor")]);
        let scene = Scene::new(&rules, &caller, &vector["image"]);
        let checked = check(&scene, vector);
        called.set(called.get() + scene.called.get());
        judged.set(judged.get() + scene.judged.get());
        checked
    });
    let (called, judged) = (called.get(), judged.get());
    println!("visibility.json: {called} outcomes of calls, {judged} of the judge");
    assert_eq!(called + judged, 1_966);
}

fn check(scene: &Scene<'_>, vector: &Value) -> Checked {
    let expect = vector["expect"].as_object().expect("outcomes");
    let faults: Vec<String> = expect
        .iter()
        .filter_map(|(operation, expected)| {
            let found = outcome(scene, &vector["image"], operation);
            (found != *expected).then(|| format!("{operation} {found}, {expected} expected"))
        })
        .collect();
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults.join("; ")),
    }
}

fn outcome(scene: &Scene<'_>, image: &Value, operation: &str) -> Value {
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
                json!(scene.status(operation, &json!(format!("p{number}"))))
            }
            _ => json!(scene.status(operation, &Value::Null)),
        },
    }
}

//! Rules: the vectors of the language, and what makes a file be refused.

use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json, json};

use super::*;
use crate::clock::Timestamp;
use crate::error::ErrorCode;
use crate::id::{ImageId, ProjectId};
use crate::image::{Image, Limits, NewImage, Visibility};
use crate::policy::text::Facts;
use crate::policy::{DefaultPolicy, Membership, Value};

/// Credentials and attributes as the vectors give them.
struct Given<'a> {
    credentials: &'a Map<String, Json>,
    target: &'a Map<String, Json>,
}

fn value(json: &Json) -> Value<'_> {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => Value::Int(number.as_u64().unwrap()),
        Json::String(text) => Value::of(Some(text)),
        other => unreachable!("{other}"),
    }
}

impl Facts for Given<'_> {
    fn has_role(&self, role: &str) -> bool {
        self.any_role(&mut |own| own == role)
    }

    fn any_role(&self, is: &mut dyn FnMut(&str) -> bool) -> bool {
        let mut roles = self.credentials["roles"].as_array().unwrap().iter();
        roles.any(|role| is(&role.as_str().unwrap().to_lowercase()))
    }

    fn any_credential(&self, name: &str, is: &mut dyn FnMut(&Value<'_>) -> bool) -> bool {
        match self.credentials.get(name) {
            Some(Json::Array(list)) => list.iter().any(|element| is(&value(element))),
            Some(scalar) => is(&value(scalar)),
            None => false,
        }
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        self.target.get(name).map(value)
    }
}

fn outcome(file: &Json, given: &Given<'_>) -> &'static str {
    let built = Rules::builder().file("policy.json", file.to_string());
    match built.build() {
        Ok(rules) if rules.set.holds(rules.names["t"], given) => "allow",
        Ok(_) => "deny",
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::InvalidPolicy);
            let is_link = error.to_string().contains("refers to");
            if is_link { "load_error" } else { "parse_error" }
        }
    }
}

#[test]
fn the_vectors_of_the_rule_language_hold() {
    let text = include_str!("../../../tests/vectors/policy_rules.json");
    let file: Json = serde_json::from_str(text).unwrap();
    let table = |kind: &str, name: &Json| file[kind][name.as_str().unwrap()].as_object().unwrap();
    let mut ran = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let mut rules = vector.get("rules").cloned().unwrap_or_else(|| json!({}));
        rules["t"] = vector["rule"].clone();
        let given = Given {
            credentials: table("credentials", &vector["credentials"]),
            target: table("targets", &vector["target"]),
        };
        let expected = vector["expect"]["outcome"].as_str().unwrap();
        assert_eq!(outcome(&rules, &given), expected, "{vector}");
        ran += 1;
    }
    println!("policy_rules: {ran} vectors");
    assert_eq!(ran, file["count"].as_u64().unwrap());
}

fn image(owner: Option<&str>, visibility: Visibility) -> Image {
    let new = NewImage::named("n")
        .owner(owner.unwrap_or_default())
        .property("user_id", "u1")
        .property("member_id", "p9")
        .visibility(visibility);
    let id = ImageId::from_bytes([7; 16]);
    new.into_image(id, None, &Limits::default(), Timestamp::MIN)
        .unwrap()
}

fn callers() -> Vec<Caller> {
    let roles = ["admin", "member", "reader", "service", "auditor"];
    let mut callers = Vec::new();
    for project in [None, Some("p1"), Some("p2")] {
        let project = project.map(|p| ProjectId::new(p).unwrap());
        for set in 0..1 << roles.len() {
            let mut caller = Caller::authenticated(project.clone());
            for (bit, role) in roles.iter().enumerate() {
                if set >> bit & 1 == 1 {
                    caller = caller.with_role(*role);
                }
            }
            callers.push(caller.clone().with_service_role("service"));
            callers.push(caller.with_user("u1"));
        }
    }
    callers.push(Caller::anonymous());
    callers
}

#[test]
fn the_matrix_in_code_is_that_of_the_texts() {
    let (rules, mut asked) = (Rules::default(), 0);
    assert!(rules.warnings().is_empty(), "{:?}", rules.warnings());
    let owners = [None, Some("p1")];
    let images: Vec<Image> = owners
        .iter()
        .flat_map(|owner| Visibility::ALL.iter().map(|&v| image(*owner, v)))
        .collect();
    let owner = ProjectId::new("p1").unwrap();
    let mut targets = vec![Target::None, Target::Identity, Target::List];
    for &visibility in Visibility::ALL {
        for owner in [None, Some(&owner)] {
            targets.push(Target::Create { owner, visibility });
        }
    }
    for image in &images {
        for membership in [Membership::Stranger, Membership::Member] {
            targets.push(Target::Image { image, membership });
        }
    }
    for caller in callers() {
        for target in &targets {
            for &rule in Rule::ALL {
                let expected = rules.allows(rule, &caller, target);
                let found = DefaultPolicy.allows(rule, &caller, target);
                assert_eq!(found, expected, "{rule} for {caller:?} of {target:?}");
                asked += 1;
            }
        }
    }
    println!("asked {asked} questions");
    assert!(asked > 100_000);
}

#[track_caller]
fn refused(files: &[(&str, &str)], expected: &str) {
    let start = |b: RulesBuilder, (name, text): &(&str, &str)| b.file(*name, *text);
    let error = files
        .iter()
        .fold(Rules::builder(), start)
        .build()
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidPolicy);
    assert_eq!(error.to_string(), expected);
}

#[test]
fn faults_name_file_rule_and_cause() {
    refused(
        &[("policy.yaml", "delete_image: 'role:admin or'")],
        "policy.yaml: rule \"delete_image\": a check is missing at the end",
    );
    refused(
        &[
            ("a.yaml", "get_image: '@'"),
            ("b.yaml", "a: rule:b\nb: rule:nope"),
        ],
        "b.yaml: rule \"b\" refers to \"nope\", which is not defined",
    );
    refused(&[("a", "a: not rule:a")], "a: rule \"a\" refers to itself");
    refused(
        &[
            ("a", "context_is_admin: rule:add_image or rule:x"),
            ("b", "x: '@'"),
        ],
        "a: rule \"context_is_admin\" refers to itself through \"add_image\"",
    );
    refused(
        &[
            ("a", "a: rule:b"),
            ("b", "{\"b\": \"rule:c\", \"c\": \"not rule:a\"}"),
        ],
        "a: rule \"a\" refers to itself through \"b\"",
    );
    refused(
        &[("a", "a: '@'\nb: no")],
        "a: line 2: \"no\" is not a text in YAML; put it in quotes",
    );
}

#[test]
fn later_files_replace_rules_completely_and_helpers_may_live_anywhere() {
    let rules = Rules::builder()
        .file("policy.yaml", "tasks_api_access: rule:staff\nget_task: '!'")
        .file("policy.d/10", "staff: role:x")
        .file("policy.d/20", "staff: role:y")
        .rule("copy_image", "role:z")
        .build()
        .unwrap();
    let holds = |rule, role: &str| {
        let caller = Caller::authenticated(None).with_role(role);
        rules.allows(rule, &caller, &Target::None)
    };
    assert!(holds(Rule::TasksApiAccess, "y") && !holds(Rule::TasksApiAccess, "x"));
    assert!(
        !holds(Rule::TasksApiAccess, "admin"),
        "texts are not merged"
    );
    assert!(holds(Rule::CopyImage, "z") && holds(Rule::CacheList, "admin"));
    assert!(!holds(Rule::GetTask, "admin"));
    assert!(rules.warnings().is_empty());
    assert_eq!(rules.text("staff").unwrap().to_string(), "role:y");
    let caller = Caller::reader("p1").with_role("y");
    assert_eq!(rules.holds("staff", &caller, &Target::None), Some(true));
    assert_eq!(rules.holds("nope", &caller, &Target::None), None);
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let rules = Rules::builder()
        .file(
            "p",
            "delete_imag: '!'\nget_metadef_tags: '!'\nget_image: tenant:%(x)s or user:x",
        )
        .build()
        .unwrap();
    assert_eq!(
        rules.warnings(),
        [
            "p: rule \"get_image\" asks for the credential \"tenant\", which no caller has",
            "p: rule \"get_image\" asks for the credential \"user\", which no caller has",
            "p: rule \"delete_imag\" is no rule of the engine, and nothing refers to it",
        ]
    );
    let many: String = (0..500).map(|n| format!("h{n}: '!'\n")).collect();
    let rules = Rules::builder().file("p", many).build().unwrap();
    assert_eq!(rules.warnings().len(), 101);
    assert_eq!(rules.warnings()[100], "400 more warnings");
}

#[test]
fn is_admin_is_no_while_it_is_decided() {
    let build = |text: &str| {
        Rules::builder()
            .rule("context_is_admin", text)
            .build()
            .unwrap()
    };
    let caller = Caller::project("a").with_user("u");
    let asked =
        |rules: &Rules, target: &Target<'_>| rules.allows(Rule::ContextIsAdmin, &caller, target);
    let odd = build("is_admin:False");
    assert!(asked(&odd, &Target::Identity));
    assert!(
        !asked(&odd, &Target::None),
        "decided by now: the caller is one"
    );
    let user = build("user_id:%(user)s and project_id:%(project_id)s");
    assert!(asked(&user, &Target::Identity) && !asked(&user, &Target::List));
}

#[test]
fn credentials_are_those_of_the_caller() {
    let caller = Caller::project("p1")
        .with_user("u1")
        .with_user_domain("d1")
        .with_project_domain("d2")
        .with_domain("d3")
        .with_system_scope("all")
        .with_service_role("Service");
    for (text, expected) in [
        (
            "user_id:u1 and project_id:p1 and user_domain_id:d1 and project_domain_id:d2",
            true,
        ),
        (
            "domain_id:d3 and system_scope:all and system:all and is_admin_project:True",
            true,
        ),
        (
            "roles:member and roles:reader and service_roles:service",
            true,
        ),
        (
            "service_user_id:None and service_project_domain_id:None and is_admin:False",
            true,
        ),
        (
            "roles:admin or project_id.x:p1 or nope:None or user_id:None",
            false,
        ),
    ] {
        let rules = Rules::builder().rule("t", text).build().unwrap();
        assert_eq!(
            rules.holds("t", &caller, &Target::None),
            Some(expected),
            "{text}"
        );
    }
    let rules = Rules::builder()
        .rule("t", "system:None or user_id:u1")
        .build()
        .unwrap();
    assert_eq!(
        rules.holds("t", &Caller::admin(), &Target::None),
        Some(false)
    );
}

#[test]
fn custom_properties_are_attributes_but_shadow_none() {
    let image = image(Some("p1"), Visibility::Shared);
    let membership = Membership::Stranger;
    let target = Target::Image {
        image: &image,
        membership,
    };
    for (text, caller, expected) in [
        (
            "user_id:%(user_id)s",
            Caller::project("p1").with_user("u1"),
            true,
        ),
        ("'p9':%(member_id)s", Caller::project("p2"), false),
        ("None:%(member_id)s", Caller::project("p1"), true),
        ("project_id:%(member)s", Caller::project("p2"), true),
        (
            "'07070707-0707-0707-0707-070707070707':%(image_id)s",
            Caller::admin(),
            true,
        ),
        (
            "'0000-01-01T00:00:00Z':%(created_at)s",
            Caller::admin(),
            false,
        ),
        (
            "False:%(protected)s and 0:%(min_ram)s and None:%(size)s",
            Caller::admin(),
            true,
        ),
        ("'x':%(tags)s or not @", Caller::admin(), false),
        ("'n-queued':%(name)s-%(status)s", Caller::admin(), true),
        (
            "'n-':%(name)s-%(nope)s or 'nx':%(name)s",
            Caller::admin(),
            false,
        ),
        ("role:%(name)sX", Caller::admin().with_role("nx"), true),
    ] {
        let rules = Rules::builder().rule("t", text);
        let rules = match rules.build() {
            Ok(rules) => rules,
            Err(error) => {
                // A colon ends the left side, in quotes too.
                assert!(text.contains("T00:"), "{text}: {error}");
                continue;
            }
        };
        assert_eq!(rules.holds("t", &caller, &target), Some(expected), "{text}");
    }
}

#[test]
fn shared_references_are_asked_once() {
    let mut file = "r0: role:x\n".to_owned();
    for n in 1..1_000 {
        let before = n - 1;
        file += &format!("r{n}: not (rule:r{before} or rule:r{before}) and not rule:r{before}\n");
    }
    let start = Instant::now();
    let rules = Rules::builder().file("p", file).build().unwrap();
    let caller = Caller::project("a");
    assert!(rules.holds("r999", &caller, &Target::None).unwrap());
    let took = start.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn a_long_chain_of_references_is_as_deep_as_it_likes() {
    let file: String = (1..4_000)
        .map(|n| format!("r{n}: rule:r{}\n", n - 1))
        .collect();
    let rules = Rules::builder().file("p", file.clone() + "r0: '@'");
    let rules = rules.build().unwrap();
    let caller = Caller::anonymous();
    assert_eq!(rules.holds("r3999", &caller, &Target::None), Some(true));
    let error = Rules::builder().file("p", file + "r0: rule:r3999").build();
    assert!(error.unwrap_err().to_string().contains("refers to itself"));
    let many: String = (0..5_000).map(|n| format!("r{n}: '@'\n")).collect();
    let error = Rules::builder().file("p", many).build().unwrap_err();
    assert_eq!(error.to_string(), "more than 4096 rules");
}

#[test]
fn lists_ask_for_rows_only_where_rows_may_be_hidden() {
    assert!(!Rules::default().may_hide_rows() && !DefaultPolicy.may_hide_rows());
    for name in ["get_image", "get_images", "context_is_admin"] {
        let rules = Rules::builder().rule(name, "role:x").build().unwrap();
        assert!(rules.may_hide_rows(), "{name}");
    }
    let rules = Rules::builder().rule("add_image", "!").build().unwrap();
    assert!(!rules.may_hide_rows() && !rules.protects_properties());
}

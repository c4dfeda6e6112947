//! Property protections: the vectors, and files that are refused.

use serde_json::Value as Json;

use super::*;
use crate::policy::{Caller, Policy, Rules};

fn rules(text: &str, format: ProtectionFormat, policies: &Json) -> Result<Rules> {
    Rules::builder()
        .file("policy.json", policies.to_string())
        .property_protections(text, format)
        .build()
}

fn caller(json: &Json) -> Caller {
    let texts = |key: &str| {
        json[key]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r.as_str().unwrap())
    };
    let caller = texts("roles").fold(Caller::authenticated(None), Caller::with_role);
    texts("service_roles").fold(caller, Caller::with_service_role)
}

/// What a call does with a property, by table 4.3 of the specification: the status and code, or
/// whether the property is there afterwards.
fn outcome(
    operation: &str,
    exists: bool,
    allows: impl Fn(PropertyAction) -> bool,
) -> std::result::Result<bool, ErrorCode> {
    use PropertyAction::{Create, Delete, Read, Update};
    let need = |action, exists| match allows(action) {
        true => Ok(exists),
        false => Err(ErrorCode::ReservedProperty),
    };
    let seen = exists && allows(Read);
    match operation {
        "show" => Ok(exists),
        "create" => need(Create, true),
        "replace" | "remove" if !seen => Err(ErrorCode::PropertyMissing),
        "replace" => need(Update, true),
        "remove" => need(Delete, false),
        "add" if seen => need(Update, true),
        "add20" if seen => Err(ErrorCode::PropertyExists),
        "add" | "add20" => need(Create, true),
        other => unreachable!("{other}"),
    }
}

fn check_vector(vector: &Json) {
    let format: ProtectionFormat = vector["format"].as_str().unwrap().parse().unwrap();
    let none = serde_json::json!({});
    let policies = vector.get("policies").unwrap_or(&none);
    let built = rules(vector["file"].as_str().unwrap(), format, policies);
    let expect = &vector["expect"];
    if expect["outcome"] == "config_error" {
        assert_eq!(
            built.unwrap_err().code(),
            ErrorCode::InvalidPolicy,
            "{vector}"
        );
        return;
    }
    let (rules, caller) = (built.unwrap(), caller(&vector["caller"]));
    let name = vector["property"].as_str().unwrap();
    let allows = |action| rules.allows_property(&caller, name, action);
    let operation = vector["operation"].as_str().unwrap();
    match outcome(operation, vector["exists"].as_bool().unwrap(), allows) {
        Err(code) => {
            assert_eq!(expect["status"], code.http_status(), "{vector}");
            assert_eq!(expect["error"], code.name(), "{vector}");
        }
        Ok(exists) => {
            let status = if operation == "create" { 201 } else { 200 };
            assert_eq!(expect["status"], status, "{vector}");
            if let Some(shown) = expect.get("shown") {
                let found = exists && allows(PropertyAction::Read);
                assert_eq!(*shown, Json::Bool(found), "{vector}");
            }
        }
    }
}

#[test]
fn the_vectors_of_property_protections_hold() {
    let text = include_str!("../../../tests/vectors/property_protections.json");
    let file: Json = serde_json::from_str(text).unwrap();
    let mut ran = 0;
    for vector in file["vectors"].as_array().unwrap() {
        check_vector(vector);
        ran += 1;
    }
    println!("property_protections: {ran} vectors");
    assert_eq!(ran, file["count"].as_u64().unwrap());
}

const OPEN: &str = "create = @\nread = @\nupdate = @\ndelete = @\n";

#[track_caller]
fn refused(text: &str, expected: &str) {
    let built = rules(text, ProtectionFormat::Roles, &serde_json::json!({}));
    let error = built.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidPolicy);
    assert!(
        error.to_string().starts_with("property protections: "),
        "{error}"
    );
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn faults_name_line_or_section_and_cause() {
    refused("x = 1", "line 1: \"x = 1\" stands before the first header");
    refused("[x", "line 1: a header is not closed");
    refused("[]", "line 1: a header is empty");
    refused("[x]\n = 1", "line 2: a value has no key");
    refused("[x]\ncreate", "line 2: \"create\" has neither = nor :");
    refused("[x]\na=1\nA=2", "line 3: key \"a\" stands twice");
    refused(
        &format!("[x]\n{OPEN}[x]"),
        "line 6: section \"x\" stands twice",
    );
    refused("[x]\ncreate = @", "section \"x\": read is missing");
    refused("[x]\ncreate = 5%", "section \"x\": create: a percent sign");
    refused(
        "[x]\ncreate = %(a)s",
        "section \"x\": create: a percent sign",
    );
    refused(
        &format!("[(?=x)]\n{OPEN}"),
        "section \"(?=x)\": expression does not compile: look-around",
    );
    refused(
        &format!("[(x]\n{OPEN}"),
        "expression does not compile: unclosed group",
    );
}

#[test]
fn hostile_files_are_bounded() {
    refused(&"#".repeat(POLICY_MAX_BYTES + 1), "limit 1048576");
    let roles = format!("[x]\ncreate = {}\n", "a,".repeat(20_000));
    refused(
        &format!("{roles}read=@\nupdate=@\ndelete=@"),
        "more than 16384 roles",
    );
    let keys: String = (0..20_000).map(|n| format!("k{n}=\n")).collect();
    refused(&format!("[x]\n{keys}"), "more than 16384 keys");
    let sections: String = (0..200).map(|n| format!("[x{n}]\n{OPEN}")).collect();
    refused(&sections, "200 sections, limit 64");
    refused(
        &format!("[{}]\n{OPEN}", "x".repeat(2_000)),
        "expression is 2000 bytes, limit 1024",
    );
    refused(
        &format!("[(?:x{{1000}}){{1000}}]\n{OPEN}"),
        "does not compile",
    );
    refused(
        &format!("[{}]\n{OPEN}", "(".repeat(1_000)),
        "does not compile",
    );
}

#[test]
fn a_few_expressions_may_be_large() {
    let section = |n: usize| format!("[^\\w+_\\w+_\\w+_{n}$]\n{OPEN}");
    let sections = |count| (0..count).map(section).collect::<String>();
    let none = serde_json::json!({});
    let rules = rules(&sections(8), ProtectionFormat::Roles, &none).unwrap();
    let caller = Caller::authenticated(None);
    assert!(rules.allows_property(&caller, "a_\u{e9}_c_7", PropertyAction::Read));
    assert!(!rules.allows_property(&caller, "a_c_7", PropertyAction::Read));
    refused(
        &sections(9),
        "section \"^\\\\w+_\\\\w+_\\\\w+_8$\": expression does not compile",
    );
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let text = format!("[os_glance_x]\n{OPEN}[y]\n{OPEN}execute = @\n[z]\ncreate =\n")
        + "[DEFAULT]\nread = !\nupdate = a\ndelete = b\n";
    let rules = rules(&text, ProtectionFormat::Roles, &serde_json::json!({})).unwrap();
    assert_eq!(
        rules.warnings(),
        [
            "property protections: section \"os_glance_x\" is left out, such names are the engine's",
            "property protections: section \"y\" has the key \"execute\", which means nothing",
            "property protections: section \"z\": create is empty, so nobody may do it",
        ]
    );
    assert!(rules.protects_properties());
}

#[test]
fn a_rule_that_only_protections_name_is_no_misspelt_one() {
    let policies = serde_json::json!({"staff": "role:x"});
    let text = "[x]\ncreate = staff\nread = @\nupdate = !\ndelete = staff\n";
    let rules = rules(text, ProtectionFormat::Policies, &policies).unwrap();
    assert!(rules.warnings().is_empty(), "{:?}", rules.warnings());
    let staff = Caller::authenticated(None).with_role("X");
    assert!(rules.allows_property(&staff, "x", PropertyAction::Create));
    assert!(!rules.allows_property(&Caller::admin(), "x", PropertyAction::Create));
}

#[test]
fn formats_are_words_in_any_case() {
    assert_eq!(
        "Roles".parse::<ProtectionFormat>().unwrap(),
        ProtectionFormat::Roles
    );
    assert_eq!(
        "POLICIES".parse::<ProtectionFormat>().unwrap(),
        ProtectionFormat::Policies
    );
    let error = "rules".parse::<ProtectionFormat>().unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidPolicy);
}

/// Pieces of protection files that have a meaning in some place.
const PIECES: [&str; 20] = [
    "[x",
    "]",
    "[",
    "(",
    "*",
    "create",
    "read = @\n",
    "update=!\n",
    "delete: a,b\n",
    " = ",
    "@",
    "!",
    "%",
    "%%",
    "\n",
    "\n ",
    "# ",
    ";",
    "DEFAULT]\n",
    "\u{e9}",
];

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(2_000))]

    #[test]
    fn no_file_makes_the_reader_panic(
        pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..24),
    ) {
        for format in [ProtectionFormat::Roles, ProtectionFormat::Policies] {
            let _ = load(&pieces.concat(), format, &BTreeMap::new());
        }
    }
}

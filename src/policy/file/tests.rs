//! Policy files in YAML and JSON.

use super::*;

#[track_caller]
fn check(file: &str, expected: &[(&str, &str)]) {
    let rules = read(file).unwrap_or_else(|fault| panic!("{fault}\n{file}"));
    let rules: Vec<(String, String)> = rules
        .into_iter()
        .map(|(name, text)| (name, text.to_string()))
        .collect();
    let found: Vec<(&str, &str)> = rules.iter().map(|(n, t)| (&n[..], &t[..])).collect();
    assert_eq!(found, expected, "{file}");
}

#[track_caller]
fn refused(file: &str, expected: &str) {
    let fault = read(file)
        .map(|rules| panic!("{rules:?}\n{file}"))
        .unwrap_err();
    assert!(fault.contains(expected), "{fault}\n{file}");
}

#[test]
fn plain_quoted_and_block_texts_are_read() {
    check("", &[]);
    check("\u{feff}# nothing\n---\n# here\n...\n", &[]);
    check(
        "a: role:x\nb: rule:a or role:y # why\n",
        &[("a", "role:x"), ("b", "rule:a or role:y")],
    );
    check(
        "'a': '@'\n\"b\": \"!\"\nc:\t''\r\n",
        &[("a", "@"), ("b", "!"), ("c", "")],
    );
    check("a:b: 'name:it''s'\n", &[("a:b", "name:it's")]);
}

#[test]
fn texts_go_on_over_lines() {
    let expected = &[("a", "role:x or role:y and role:z"), ("b", "@")];
    for file in [
        "a: role:x or\n   role:y and\n\n   role:z\nb: '@'\n",
        "a:\n  role:x or role:y\n  and role:z # c\nb:\n  '@'\n",
        "a: 'role:x or\n  role:y and   \n\n role:z'\nb: \"\\x40\"\n",
        "a: \"role:x or \\\n   role:y\\tand\\u0020role:z\"\nb: \"@\"",
        "a: |\n  role:x or\n   role:y\n  and role:z\n\nb: >-\n  @\n",
        "  a: >2-  # c\n    role:x or\n\n    role:y and role:z\n  b: |+\n   @\n\n",
        "{a: role:x or role:y\n and role:z, b: '@'}",
    ] {
        check(file, expected);
    }
}

#[test]
fn lists_are_read_as_alternatives() {
    let expected = &[("a", "role:x or role:y and role:z"), ("b", "@")];
    for file in [
        "a:\n- role:x\n- - role:y\n  - role:z\nb: [[\"@\"]]\n",
        "a: # c\n  - 'role:x' # c\n  - [role:y, 'role:z']\nb:\n  -\n    '@'\n",
        "a: [role:x, [role:y, role:z,],]\nb: ['@']",
        "a: [\n  # c\n  [\"role:x\"],\n  [\"role:y\",\n\"role:z\"]]\nb: '@'",
    ] {
        check(file, expected);
    }
    check(
        "a: []\nb: [[]]\nc:\n- []\n- role:x\n",
        &[("a", ""), ("b", "!"), ("c", "role:x")],
    );
}

#[test]
fn json_is_read_with_tabs_and_pairs() {
    check("{}", &[]);
    check(
        " {\t\"a\"\t:\"role:x\",\r\n\t\"b\":[]}\n",
        &[("a", "role:x"), ("b", "")],
    );
    check(
        "{\"\\ud83d\\ude00\": \"role:\\u00fc\\/\"}",
        &[("\u{1f600}", "role:\u{fc}/")],
    );
}

#[test]
fn what_opens_a_rule_by_accident_is_refused() {
    refused("x: @", "line 1: a text that begins with @ stands in quotes");
    refused(
        "a: '@'\nx: 'a':%(b)s",
        "line 2: there is more behind a value",
    );
    refused("x: !", "tags are not supported");
    refused("x:", "line 1: a name has no value");
    refused("x:\ny: '@'", "line 1: a name has no value");
    refused("x: ~", "\"~\" is not a text");
    for word in [
        "no", "yes", "on", "Off", "true", "null", "NULL", "0", "-1", "0x1f", "1_0",
    ] {
        refused(&format!("x: {word}"), "is not a text");
        refused(&format!("{word}: '@'"), "is not a text");
        refused(&format!("{{\"x\": {word}}}"), "is not a text");
    }
    for word in [
        "1:30",
        "1.5",
        "1e3",
        ".inf",
        ".nan",
        "2026-11-24",
        "2026-1-4 1:02:03.5",
        "=",
    ] {
        refused(&format!("x: {word}"), "is not a text");
    }
    refused("x: {}", "a mapping is no rule");
    refused("{\"x\": {}}", "a mapping is no rule");
    refused("{\"x\": }", "a name has no value");
    refused("x: [[[a:b]]]", "lists are 2 deep at most");
    refused("x:\n- - - a:b", "lists are 2 deep at most");
    refused("x:\n-\ny: '@'", "an item of a list has no value");
    refused("x: [a:b, 5]", "\"5\" is not a text");
    refused("x: [a: b]", "a comma or a closing bracket is missing");
    refused("x: ' '", "rule \"x\": the rule is nothing but blanks");
}

#[test]
fn what_is_no_mapping_of_texts_is_refused() {
    refused("- a", "the file is a list");
    refused("[]", "a list is no name");
    refused("role:x", "a name is followed by a colon");
    refused("\"a\"", "a name is followed by a colon");
    refused("'a':b", "a name is followed by a colon and a blank");
    refused("{} {}", "there is more behind the mapping");
    refused("a: '@'\n---\nb: '@'", "line 2: a second document");
    refused("a: '@'\n...\nb: '@'", "there is more behind");
    refused("%YAML 1.1\n---\n", "directives");
    refused("a: &x role:x", "anchors");
    refused("a: *x", "references to anchors");
    refused("a: !!str x", "tags");
    refused("? a\n: b", "stands alone");
    refused(
        "a: '@'\n  b: '@'",
        "line 2: indented by 2, but the names before by 0",
    );
    refused(
        "a: role:x\n  b: role:y",
        "a colon and a blank in a plain text",
    );
    refused("a: role:x: y", "a colon and a blank in a plain text");
    refused("\ta: '@'", "a tab indents");
    refused("a: '@'\n\"a\": '!'", "line 2: name \"a\" stands twice");
    refused("{\"a\": \"@\", \"a\": \"@\"}", "name \"a\" stands twice");
    refused(
        "{\"a\": \"@\" \"b\"",
        "a comma or a closing brace is missing",
    );
    refused("{\"a\": \"@\"", "a comma or a closing brace is missing");
    refused("a: 'x", "a quote is not closed");
    refused("a: \"\\q\"", "a backslash begins no escape");
    refused("a: \"\\ud800\"", "an escape is no character");
    refused("a: \"\\x4\"", "an escape lacks hex digits");
    refused("a: \u{1}", "control characters");
    refused("a: [x:y", "a comma or a closing bracket is missing");
    refused("--- a: '@'", "a mapping begins on its own line");
}

#[test]
fn files_are_bounded() {
    refused(&" ".repeat(POLICY_MAX_BYTES + 1), "limit 1048576");
    refused(
        &format!("a: [{}]", "a:b,".repeat(20_000)),
        "more than 16384 names and values",
    );
    refused(&"[".repeat(POLICY_MAX_BYTES), "a list is no name");
    refused(&format!("a: {}", "[".repeat(1_000_000)), "lists are 2 deep");
    refused(&format!("a:\n{}", "- ".repeat(500_000)), "lists are 2 deep");
    let blanks = format!("a: '@'\n{}", " \n".repeat(500_000));
    check(&blanks, &[("a", "@")]);
}

/// Pieces of files that have a meaning in some place.
const PIECES: [&str; 32] = [
    "a", "b", ": ", ":", "role:x", " or ", "- ", "-", "  ", " ", "'", "\"", "[", "]", "{", "}",
    ", ", ",", "|", ">-", "#", " # ", "\\u0041", "\\", "\n", "\n", "\n  ", "\r\n", "\t", "---",
    "...", "\u{e9}",
];

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(2_000))]

    #[test]
    fn no_file_makes_the_reader_panic(
        pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..24),
    ) {
        let _ = read(&pieces.concat());
        let _ = read(&format!("x: {}", pieces.concat()));
    }

    #[test]
    fn a_text_means_the_same_in_json_and_in_yaml(name in "[ -~\u{e9}\n\t]{1,12}", text in "[a-c:@ \n]{0,8}") {
        let json = read(&format!("{{{}: {}}}", quoted(&name), quoted(&text)));
        let yaml = read(&format!("{}: {}\n", quoted(&name), quoted(&text)));
        let single = text.replace('\n', "\n\n");
        let single = read(&format!("{}: '{single}'\n", quoted(&name)));
        let expected = text.parse::<RuleText>().map(|rule| vec![(name.clone(), rule)]).ok();
        proptest::prop_assert_eq!(&json.ok(), &expected);
        proptest::prop_assert_eq!(&yaml.ok(), &expected);
        proptest::prop_assert_eq!(&single.ok(), &expected);
    }
}

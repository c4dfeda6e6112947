//! Texts of rules: what parses, how it prints, and what is refused.

use super::*;

#[track_caller]
fn check(text: &str, printed: &str) {
    let rule: RuleText = text.parse().unwrap();
    assert_eq!(rule.to_string(), printed);
    assert_eq!(printed.parse::<RuleText>().unwrap(), rule, "{printed}");
}

#[test]
fn texts_print_with_single_blanks_and_parse_back() {
    check("", "");
    check(" @ ", "@");
    check("not\tNOT !", "not not !");
    check("( ( a:b )\n) AND\u{a0}c:%(d)s", "((a:b)) and c:%(d)s");
    check("( not a:b Or c:d ) and @", "(not a:b or c:d) and @");
    check("'x':(y and \"x\":%%", "'x':(y and \"x\":%%");
    let text = "-12:%(a)s%(b)s or 0:0 or rule:%(x";
    check(text, text);
}

#[test]
fn faults_name_their_cause() {
    for (text, cause) in [
        (" ", "nothing but blanks"),
        ("a:b c:d", "\"c:d\" follows a check"),
        ("a:b (c:d)", "\"(\" follows a check"),
        ("a:b not c:d", "\"not\" follows a check"),
        ("and a:b", "\"and\" has nothing in front of it"),
        ("a:b or", "a check is missing at the end"),
        ("not", "a check is missing at the end"),
        ("()", "\")\" has nothing in front of it"),
        ("(a:b", "not closed"),
        ("a:b)", "has no opening one"),
        ("bogus", "\"bogus\" is no check"),
        ("'a b':c", "\"'a\" is no check"),
        ("http://x", "remote server"),
        ("'a\\n':b", "neither a name nor a literal"),
        ("'a'b':c", "neither a name nor a literal"),
        ("007:b", "neither a name nor a literal"),
        ("-0:b", "neither a name nor a literal"),
        ("a..b:c", "neither a name nor a literal"),
        ("a:%(b", "percent sign"),
        ("a:%(b)sc%", "percent sign"),
    ] {
        let error = text.parse::<RuleText>().unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidPolicy, "{text:?}");
        assert!(error.to_string().contains(cause), "{text:?}: {error}");
    }
}

#[test]
fn neither_depth_nor_length_costs_more_than_its_bytes() {
    let depth = RULE_MAX_BYTES / 4 - 1;
    let nots = "not ".repeat(depth) + "@";
    check(&nots, &nots);
    let parens = "(".repeat(depth) + "@" + &")".repeat(depth);
    check(&parens, &parens);
    for text in [
        "(".repeat(1 << 20),
        "not ".repeat(1 << 18),
        "@ or ".repeat(1 << 17),
    ] {
        let error = text.parse::<RuleText>().unwrap_err();
        assert!(error.to_string().ends_with("limit 65536"), "{error}");
    }
    for text in ["(".repeat(RULE_MAX_BYTES), "not ".repeat(depth)] {
        assert!(text.parse::<RuleText>().is_err());
    }
}

#[test]
fn lists_are_alternatives_of_checks() {
    let list = |list: &[&[&str]]| {
        let own = |inner: &&[&str]| inner.iter().map(|&entry| entry.to_owned()).collect();
        RuleText::from_lists(&list.iter().map(own).collect::<Vec<_>>())
    };
    let printed = |lists: &[&[&str]]| list(lists).unwrap().to_string();
    assert_eq!(printed(&[]), "");
    assert_eq!(printed(&[&[], &[]]), "!");
    assert_eq!(printed(&[&["a:b", "c:d"], &[], &["@"]]), "a:b and c:d or @");
    for entry in ["", " ", "a:b or c:d", "(a:b", "a:b)", "not", "or", "a"] {
        let error = list(&[&["a:b", entry]]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidPolicy, "{entry:?}");
    }
}

#[test]
fn references_and_credentials_are_known() {
    let rule: RuleText = "rule:a or (user:%(x)s and not rule:b:c) or 'x':y"
        .parse()
        .unwrap();
    assert_eq!(rule.references().collect::<Vec<_>>(), ["a", "b:c"]);
    assert_eq!(rule.credentials().collect::<Vec<_>>(), ["user"]);
}

/// Tokens that have a meaning in some place, and some that have none.
const TOKENS: [&str; 22] = [
    "and",
    "OR",
    "not",
    "(",
    ")",
    "@",
    "!",
    "((",
    "))",
    "bogus",
    "'x'",
    "(not",
    "rule:t",
    "role:%(name)s",
    "\u{a0}",
    "'public':%(v)s",
    "\"n\":x)",
    "(None:%%",
    "-7:7",
    "a.b:c",
    "1a:b",
    "x:%",
];

proptest::proptest! {
    #[test]
    fn whatever_parses_prints_and_parses_back(
        tokens in proptest::collection::vec(proptest::sample::select(&TOKENS[..]), 0..12),
    ) {
        let text = tokens.join(" ");
        if let Ok(rule) = text.parse::<RuleText>() {
            let printed = rule.to_string();
            proptest::prop_assert!(printed.len() <= text.len());
            proptest::prop_assert_eq!(printed.parse::<RuleText>().unwrap(), rule);
        }
    }
}

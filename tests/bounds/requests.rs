//! Bodies of requests that nobody sends in good faith.

use smalti::ErrorCode as Code;

use crate::{Case, Input, array, list, nested};

/// One, two, three and four bytes each.
const CHARACTERS: [char; 4] = ['n', '\u{e9}', '\u{6f22}', '\u{1f600}'];

fn create(body: impl Into<String>) -> Input {
    Input::Create(body.into().into_bytes())
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = bodies();
    cases.extend(texts());
    cases.extend(small());
    cases
}

/// What JSON allows and an image does not.
fn bodies() -> Vec<Case> {
    let malformed = Err(Code::MalformedJson);
    vec![
        Case("no JSON", create("x".repeat(1 << 20)), malformed),
        Case("nothing but blanks", create(" ".repeat(1 << 20)), malformed),
        Case("deep arrays", create(nested(500_000)), malformed),
        Case(
            "deep arrays left open",
            create("[".repeat(1 << 20)),
            malformed,
        ),
        Case(
            "deep objects",
            create(r#"{"a":"#.repeat(200_000)),
            malformed,
        ),
        Case(
            "arrays of the greatest depth",
            create(format!(r#"{{"a":{}}}"#, nested(126))),
            Err(Code::SchemaViolation),
        ),
        Case(
            "an array",
            create(array(60_000, |_| "0".into())),
            Err(Code::SchemaViolation),
        ),
        Case(
            "300,000 values",
            create(array(300_000, |_| "0".into())),
            malformed,
        ),
        Case(
            "300,000 tags",
            create(format!(r#"{{"tags":{}}}"#, array(300_000, |_| "1".into()))),
            malformed,
        ),
        Case(
            "60,000 tags",
            create(format!(
                r#"{{"tags":{}}}"#,
                array(60_000, |n| format!(r#""t{n}""#))
            )),
            Err(Code::TagLimitExceeded),
        ),
        Case(
            "60,000 equal tags",
            create(format!(
                r#"{{"tags":{}}}"#,
                array(60_000, |_| r#""t""#.into())
            )),
            Ok("name 0, tags 1, properties 0"),
        ),
        Case(
            "60,000 properties",
            create(format!("{{{}}}", list(60_000, |n| format!(r#""k{n}":"""#)))),
            Err(Code::PropertyLimitExceeded),
        ),
        Case(
            "one name 60,000 times",
            create(format!("{{{}}}", list(60_000, |n| format!(r#""k":"{n}""#)))),
            Ok("name 0, tags 0, properties 1"),
        ),
        Case(
            "a number of 1 MiB",
            create(format!(r#"{{"min_disk":{}}}"#, "9".repeat((1 << 20) - 20))),
            malformed,
        ),
        Case(
            "a fraction of 1 MiB",
            create(format!(
                r#"{{"min_disk":0.{}}}"#,
                "1".repeat((1 << 20) - 20)
            )),
            Err(Code::SchemaViolation),
        ),
        Case(
            "a huge exponent",
            create(r#"{"min_disk":1e999999999}"#),
            malformed,
        ),
        Case(
            "a lone surrogate",
            create(r#"{"name":"\ud800"}"#),
            malformed,
        ),
        Case(
            "surrogates in wrong order",
            create(r#"{"name":"\udc00\ud800"}"#),
            malformed,
        ),
        Case(
            "no UTF-8",
            Input::Create(b"{\"name\":\"\xff\"}".to_vec()),
            malformed,
        ),
        Case(
            "UTF-8 of a surrogate",
            Input::Create(b"{\"name\":\"\xed\xa0\x80\"}".to_vec()),
            malformed,
        ),
        Case(
            "a character that is none",
            create(r#"{"name":"\uffff"}"#),
            Ok("name 1, tags 0, properties 0"),
        ),
        Case(
            "the character zero",
            create(r#"{"name":"\u0000"}"#),
            Ok("name 1, tags 0, properties 0"),
        ),
        Case(
            "a wide character by escapes",
            create(r#"{"name":"\ud83d\ude00"}"#),
            Err(Code::UnsupportedCharacter),
        ),
        Case("text behind the body", create(r#"{} {}"#), malformed),
        Case(
            "a name of 1 MiB",
            create(format!(r#"{{"name":"{}"}}"#, "n".repeat((1 << 20) - 20))),
            Err(Code::SchemaViolation),
        ),
        Case(
            "a key of 1 MiB",
            create(format!(r#"{{"{}":""}}"#, "k".repeat((1 << 20) - 20))),
            Err(Code::PropertyNameTooLong),
        ),
        Case(
            "a word of 1 MiB",
            create(format!(
                r#"{{"visibility":"{}"}}"#,
                "v".repeat((1 << 20) - 20)
            )),
            Err(Code::SchemaViolation),
        ),
        Case(
            "an id of 1 MiB",
            create(format!(r#"{{"id":"{}"}}"#, "1".repeat((1 << 20) - 20))),
            Err(Code::SchemaViolation),
        ),
    ]
}

/// Names and values at their bounds, of characters of one to four bytes.
fn texts() -> Vec<Case> {
    let mut cases = Vec::new();
    for (wide, c) in CHARACTERS.into_iter().enumerate() {
        let text = |count: usize| c.to_string().repeat(count);
        let name = |count| create(format!(r#"{{"name":"{}"}}"#, text(count)));
        let key = |count| create(format!(r#"{{"{}":"v"}}"#, text(count)));
        let tag = |count| create(format!(r#"{{"tags":["{}"]}}"#, text(count)));
        let owner = |count| create(format!(r#"{{"owner":"{}"}}"#, text(count)));
        let taken = |words| {
            if wide < 3 {
                Ok(words)
            } else {
                Err(Code::UnsupportedCharacter)
            }
        };
        cases.extend([
            Case(
                "a name of 255",
                name(255),
                taken("name 255, tags 0, properties 0"),
            ),
            Case("a name of 256", name(256), Err(Code::SchemaViolation)),
            Case(
                "a key of 255",
                key(255),
                taken("name 0, tags 0, properties 1"),
            ),
            Case("a key of 256", key(256), Err(Code::PropertyNameTooLong)),
            Case(
                "a tag of 255",
                tag(255),
                taken("name 0, tags 1, properties 0"),
            ),
            Case("a tag of 256", tag(256), Err(Code::SchemaViolation)),
            Case("an owner of 256", owner(256), Err(Code::SchemaViolation)),
        ]);
    }
    let value = |text: String| create(format!(r#"{{"k":"{text}"}}"#));
    let short = "name 0, tags 0, properties 1";
    cases.extend([
        Case(
            "a value of 65,535 bytes",
            value("v".repeat(65_535)),
            Ok(short),
        ),
        Case(
            "a value of 65,536 bytes",
            value("v".repeat(65_536)),
            Err(Code::PropertyTooLong),
        ),
        Case(
            "a value of 65,535 bytes in threes",
            value("\u{6f22}".repeat(21_845)),
            Ok(short),
        ),
        Case(
            "a value of 65,536 bytes in twos",
            value("\u{e9}".repeat(32_768)),
            Err(Code::PropertyTooLong),
        ),
        Case(
            "a value of escapes",
            value(r"\u0001".repeat(65_535)),
            Ok(short),
        ),
        Case(
            "a key of nothing",
            create(r#"{"":"v"}"#),
            Err(Code::SchemaViolation),
        ),
        Case(
            "a tag of nothing",
            create(r#"{"tags":[""]}"#),
            Err(Code::EmptyTag),
        ),
    ]);
    cases
}

/// Calls with small bodies, which come large.
fn small() -> Vec<Case> {
    let member = |text: &str| Input::Share(format!(r#"{{"member":"{text}"}}"#).into_bytes());
    let decide = |text: &str| Input::Decide(format!(r#"{{"status":"{text}"}}"#).into_bytes());
    vec![
        Case(
            "a tag of 1 MiB",
            Input::Tag("t".repeat(1 << 20)),
            Err(Code::SchemaViolation),
        ),
        Case(
            "a tag of wide characters",
            Input::Tag("\u{1f600}".repeat(255)),
            Err(Code::UnsupportedCharacter),
        ),
        Case("a member of 255", member(&"m".repeat(255)), Ok("pending")),
        Case(
            "a member of 1 MiB",
            member(&"m".repeat((1 << 20) - 20)),
            Err(Code::SchemaViolation),
        ),
        Case(
            "a member of nothing",
            member(""),
            Err(Code::SchemaViolation),
        ),
        Case(
            "a member of arrays",
            Input::Share(format!(r#"{{"member":{}}}"#, nested(100)).into()),
            Err(Code::SchemaViolation),
        ),
        Case(
            "a decision of 1 MiB",
            decide(&"d".repeat((1 << 20) - 20)),
            Err(Code::NotFound),
        ),
        Case(
            "a decision of arrays",
            Input::Decide(nested(1_000).into()),
            Err(Code::MalformedJson),
        ),
    ]
}

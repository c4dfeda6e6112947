//! Patches that are long, deep or far from anything.

use smalti::ErrorCode as Code;
use smalti::patch::Dialect;

use crate::{Case, Input, array, list, nested};

fn patch(body: impl Into<String>) -> Input {
    Input::Patch(Dialect::V2_1, body.into().into_bytes())
}

pub(crate) fn cases() -> Vec<Case> {
    let add =
        |path: &str, value: &str| format!(r#"{{"op":"add","path":"{path}","value":{value}}}"#);
    let far = format!("/{}", "a".repeat((1 << 20) - 80));
    let many = format!("/{}", "a/".repeat(500_000));
    let escapes = format!("/{}", "~1".repeat(500_000));
    let place = |n: usize| {
        add(
            "/locations/-",
            &format!(r#"{{"url":"http://a/{n}","metadata":{{}}}}"#),
        )
    };
    vec![
        Case(
            "an object for a patch",
            patch("{}"),
            Err(Code::UnexpectedBody),
        ),
        Case(
            "65,000 empty operations",
            patch(array(65_000, |_| "{}".into())),
            Err(Code::UnknownOperation),
        ),
        Case(
            "65,000 nulls",
            patch(array(65_000, |_| "null".into())),
            Err(Code::UnexpectedBody),
        ),
        Case(
            "10,000 names",
            patch(array(10_000, |n| add("/name", &format!(r#""n{n}""#)))),
            Ok("name 5, tags 1, properties 1"),
        ),
        Case(
            "10,000 properties",
            patch(array(10_000, |n| add(&format!("/k{n}"), r#""""#))),
            Err(Code::PropertyLimitExceeded),
        ),
        Case(
            "one property 10,000 times",
            patch(array(10_000, |_| add("/k", r#""v""#))),
            Ok("name 8, tags 1, properties 2"),
        ),
        Case(
            "a property that comes and goes",
            patch(array(10_000, |n| match n % 2 {
                0 => add("/k", r#""v""#),
                _ => r#"{"op":"remove","path":"/k"}"#.into(),
            })),
            Ok("name 8, tags 1, properties 1"),
        ),
        Case(
            "8,000 sets of tags",
            patch(array(8_000, |n| {
                add("/tags", &format!(r#"["a{n}","b","c"]"#))
            })),
            Ok("name 8, tags 3, properties 1"),
        ),
        Case(
            "10,000 operations, the last of which is wrong",
            patch(format!(
                "[{},{}]",
                list(10_000, |_| add("/name", r#""n""#)),
                add("/size", "1")
            )),
            Err(Code::ReadOnlyProperty),
        ),
        Case(
            "10,000 locations",
            patch(array(10_000, place)),
            Err(Code::InvalidLocation),
        ),
        Case(
            "10,000 visibilities",
            patch(array(10_000, |n| {
                add("/visibility", ["\"private\"", "\"community\""][n % 2])
            })),
            Ok("name 8, tags 1, properties 1"),
        ),
        Case(
            "a pointer of 1 MiB",
            patch(format!("[{}]", add(&far, r#""""#))),
            Err(Code::PropertyNameTooLong),
        ),
        Case(
            "a pointer of 500,000 parts",
            patch(format!("[{}]", add(&many[..1_000_000], r#""""#))),
            Err(Code::InvalidPointer),
        ),
        Case(
            "a pointer of escapes",
            patch(format!("[{}]", add(&escapes, r#""""#))),
            Err(Code::PropertyNameTooLong),
        ),
        Case(
            "a pointer with a wrong escape",
            patch(format!("[{}]", add("/a~2", r#""""#))),
            Err(Code::InvalidPointer),
        ),
        Case(
            "a property of deep arrays",
            patch(format!("[{}]", add("/k", &nested(120)))),
            Err(Code::SchemaViolation),
        ),
        Case(
            "an index beyond all numbers",
            patch(format!(
                r#"[{{"op":"remove","path":"/locations/{}"}}]"#,
                "9".repeat(900_000)
            )),
            Err(Code::Forbidden),
        ),
        Case(
            "the old language, 21,000 times",
            Input::Patch(
                Dialect::V2_0,
                array(21_000, |_| r#"{"replace":"/name","value":"n"}"#.into()).into_bytes(),
            ),
            Ok("name 1, tags 1, properties 1"),
        ),
    ]
}

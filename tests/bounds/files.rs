//! Files of policies and of property protections that would take an engine down.

use smalti::ErrorCode as Code;

use crate::{Case, Input};

fn policy(text: impl Into<String>) -> Input {
    Input::Policy(text.into())
}

/// The rest of a section: everybody may.
const OPEN: &str = "create = @\nread = @\nupdate = @\ndelete = @\n";

fn protections(expression: &str) -> Input {
    Input::Protections(format!("[{expression}]\n{OPEN}"))
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = rules();
    cases.extend(forms());
    cases.extend(expressions());
    cases
}

/// Rules that are too much in themselves or together.
fn rules() -> Vec<Case> {
    let (faulty, no) = (Err(Code::InvalidPolicy), Ok("Some(false)"));
    let t = |text: String| policy(format!("t: {text}"));
    let chain = |count: usize, each: fn(usize) -> String, first: &str| {
        let rules: String = (1..count)
            .map(|n| format!("r{n}: {}\n", each(n - 1)))
            .collect();
        policy(format!("{rules}r0: {first}\nt: rule:r{}\n", count - 1))
    };
    vec![
        Case(
            "not, 250,000 times",
            t("not ".repeat(250_000) + "@"),
            faulty,
        ),
        Case(
            "not, 16,000 times",
            t("not ".repeat(16_000) + "@"),
            Ok("Some(true)"),
        ),
        Case("parentheses", t("(".repeat(500_000)), faulty),
        Case(
            "parentheses in pairs",
            t("(".repeat(30_000) + "role:x" + &")".repeat(30_000)),
            Ok("Some(true)"),
        ),
        Case("closing parentheses", t(")".repeat(500_000)), faulty),
        Case("or, 6,500 times", t(vec!["role:y"; 6_500].join(" or ")), no),
        Case(
            "and, 5,900 times",
            t(vec!["role:x"; 5_900].join(" and ")),
            Ok("Some(true)"),
        ),
        Case("a circle of one", policy("t: rule:t"), faulty),
        Case("a circle of two", policy("t: rule:u\nu: rule:t"), faulty),
        Case(
            "a circle of 4,000",
            chain(4_000, |n| format!("rule:r{n}"), "rule:r3999"),
            faulty,
        ),
        Case(
            "a chain of 4,000",
            chain(4_000, |n| format!("rule:r{n}"), "role:y"),
            no,
        ),
        Case(
            "two to the 4,000",
            chain(4_000, |n| format!("rule:r{n} or rule:r{n}"), "role:y"),
            no,
        ),
        Case(
            "four to the 1,000",
            chain(
                1_000,
                |n| format!("not (rule:r{n} and not rule:r{n} or rule:r{n} and rule:r{n})"),
                "role:y",
            ),
            Ok("Some(true)"),
        ),
        Case(
            "a rule of 6,500 references",
            policy(format!(
                "a: role:y\nt: {}",
                vec!["rule:a"; 6_500].join(" or ")
            )),
            no,
        ),
        Case(
            "5,000 rules",
            policy(
                (0..5_000)
                    .map(|n| format!("r{n}: '@'\n"))
                    .collect::<String>(),
            ),
            faulty,
        ),
        Case("a reference to nothing", policy("t: rule:nothing"), faulty),
        Case(
            "a rule of 1 MiB",
            t(format!("role:{}", "x".repeat(1_000_000))),
            faulty,
        ),
        Case(
            "a name of 1 MiB",
            policy(format!("{}: '@'", "x".repeat(1_000_000))),
            Ok("None"),
        ),
    ]
}

/// Texts that are deep, long or nothing.
fn forms() -> Vec<Case> {
    let faulty = Err(Code::InvalidPolicy);
    vec![
        Case("an empty file", policy(""), Ok("None")),
        Case("blanks", policy(" ".repeat(1 << 20)), Ok("None")),
        Case("lines of blanks", policy(" \n".repeat(500_000)), Ok("None")),
        Case("comments", policy("#\n".repeat(500_000)), Ok("None")),
        Case(
            "deep lists",
            policy(format!("t: {}", "[".repeat(1_000_000))),
            faulty,
        ),
        Case(
            "deep lists by lines",
            policy(format!("t:\n{}", "- ".repeat(500_000))),
            faulty,
        ),
        Case(
            "deep lists by indents",
            policy(format!(
                "t:\n{}",
                (1..1_000)
                    .map(|n| " ".repeat(n) + "-\n")
                    .collect::<String>()
            )),
            faulty,
        ),
        Case("deep mappings", policy("{\"a\":".repeat(200_000)), faulty),
        Case(
            "a list of 200,000",
            policy(format!("t: [{}]", "a:b,".repeat(200_000))),
            faulty,
        ),
        Case(
            "a quote that is left open",
            policy(format!("t: \"{}", "x".repeat(1_000_000))),
            faulty,
        ),
        Case(
            "escapes",
            policy(format!("t: \"{}\"", "\\u0041".repeat(150_000))),
            faulty,
        ),
        Case("an escape of a surrogate", policy("t: \"\\ud800\""), faulty),
        Case("anchors", policy("a: &a ['@']\nt: *a"), faulty),
        Case("many documents", policy("---\n".repeat(250_000)), faulty),
        Case(
            "one name 150,000 times",
            policy("t: ''\n".repeat(150_000)),
            faulty,
        ),
        Case(
            "control characters",
            policy("\u{1}".repeat(1 << 20)),
            faulty,
        ),
        Case("no end of a line", policy("t".repeat(1 << 20)), faulty),
    ]
}

/// Protections, and bombs of expressions.
fn expressions() -> Vec<Case> {
    let faulty = Err(Code::InvalidPolicy);
    let names = (100..228).map(|n| format!(r#""{}{n}b":"v""#, "a".repeat(251)));
    let body = format!("{{{}}}", names.collect::<Vec<_>>().join(",")).into_bytes();
    let guarded = |expression: fn(usize) -> String| {
        let hard = (100..163).map(|n| format!("[{}]\n{OPEN}", expression(n)));
        Input::Protected(
            hard.collect::<String>() + &format!("[.]\n{OPEN}"),
            body.clone(),
        )
    };
    let all = Ok("name 0, tags 0, properties 128");
    vec![
        Case(
            "a group of repetitions",
            protections("(?:x{1000}){1000}"),
            faulty,
        ),
        Case(
            "repetitions of repetitions",
            protections("((a{100}){100}){100}"),
            faulty,
        ),
        Case("open groups", protections(&"(".repeat(1_000)), faulty),
        Case(
            "deep groups",
            protections(&("(".repeat(400) + &")".repeat(400))),
            faulty,
        ),
        Case(
            "a choice of 500",
            protections(&vec!["a"; 500].join("|")),
            Ok("taken"),
        ),
        Case(
            "classes of all characters",
            protections(&r"\w\W".repeat(250)),
            faulty,
        ),
        Case(
            "an expression of 1 MiB",
            protections(&"x".repeat(1_000_000)),
            faulty,
        ),
        Case(
            "20,000 sections",
            Input::Protections(
                (0..20_000)
                    .map(|n| format!("[x{n}]\n{OPEN}"))
                    .collect::<String>()[..1_000_000]
                    .to_owned(),
            ),
            faulty,
        ),
        Case(
            "a section of 50,000 keys",
            Input::Protections(format!(
                "[x]\n{}",
                (0..50_000).map(|n| format!("k{n}=\n")).collect::<String>()
            )),
            faulty,
        ),
        Case(
            "200,000 roles",
            Input::Protections(format!(
                "[x]\ncreate = {}\nread=@\nupdate=@\ndelete=@\n",
                "r,".repeat(200_000)
            )),
            faulty,
        ),
        Case(
            "one section 200,000 times",
            Input::Protections("[x]\n".repeat(200_000)),
            faulty,
        ),
        Case(
            "expressions that go back and forth",
            guarded(|n| format!("(a|a)*(aa|aa)*{n}$")),
            all,
        ),
        Case(
            "expressions of nested repetitions",
            guarded(|n| format!("^((a*)*|b)*[^a-z0-9]{n}")),
            all,
        ),
    ]
}

//! Rules and the files around them: parse, print and parse agree, evaluation ends, nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smalti::id::ProjectId;
use smalti::policy::{Caller, Policy, Rule, RuleText, Rules, Target};
use smalti::{ErrorCode, Result, Visibility};
use smalti_fuzz::policy::Input;

/// Puts a text in quotes, as JSON does.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out += &format!("\\u{:04x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out + "\""
}

fn callers() -> [Caller; 3] {
    [
        Caller::anonymous(),
        Caller::project("p1").with_user("u"),
        Caller::admin().with_service_role("service"),
    ]
}

/// Asks every rule for one caller and one target, which the input chooses; nothing panics and
/// nothing hangs.
fn ask(rules: &Rules, which: u8) {
    let owner = ProjectId::new("p1").ok();
    let (owner, visibility) = (owner.as_ref(), Visibility::Public);
    let targets = [
        Target::None,
        Target::List,
        Target::Create { owner, visibility },
    ];
    let (which, callers) = (usize::from(which), callers());
    let caller = &callers[which % callers.len()];
    let target = &targets[which / callers.len() % targets.len()];
    rules.holds("t", caller, target);
    for &rule in Rule::ALL {
        rules.allows(rule, caller, target);
    }
}

fn expect_policy(built: Result<Rules>) -> Option<Rules> {
    built
        .inspect_err(|error| assert_eq!(error.code(), ErrorCode::InvalidPolicy))
        .ok()
}

fuzz_target!(|input: Input| {
    let text = input.rule();
    let parsed = text.parse::<RuleText>();
    if let Ok(rule) = &parsed {
        let printed = rule.to_string();
        assert!(printed.len() <= text.len());
        assert_eq!(&printed.parse::<RuleText>().expect("it was printed"), rule);
        // A file means the same: what the host gives and what JSON and YAML hold is one text.
        let helper = "role:member or project_id:%(owner)s";
        let file = if input.which & 0x80 == 0 {
            format!(
                "{{\"helper\": {}, \"t\": {}}}",
                quoted(helper),
                quoted(&text)
            )
        } else {
            format!("helper: {helper}\nt: {}\n", quoted(&text))
        };
        let given = Rules::builder().rule("helper", helper).rule("t", &*text);
        let given = expect_policy(given.build());
        let read = expect_policy(Rules::builder().file("f", file).build());
        let texts = [&given, &read].map(|r| r.as_ref().map(|r| r.text("t").cloned()));
        assert_eq!(texts[0], texts[1]);
        given.iter().for_each(|rules| ask(rules, input.which));
    }
    for file in [&input.file, &input.made_file()] {
        if !file.is_empty() {
            expect_policy(Rules::builder().file("f", &**file).build())
                .iter()
                .for_each(|rules| ask(rules, input.which));
        }
    }
});

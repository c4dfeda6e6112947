//! Patches: what is read prints back, what is applied keeps its bounds, and flat patches do what
//! another crate says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use smalti::image::{Limits, Patch};
use smalti::patch::Dialect;
use smalti::testing::{apply_patch, check_record, image_with};
use smalti_fuzz::patch::Input;

fuzz_target!(|input: Input| {
    let limits = Limits {
        reject_4byte_unicode: !input.takes_all,
        ..Limits::default()
    };
    let dialect = if input.is_old {
        Dialect::V2_0
    } else {
        Dialect::V2_1
    };
    let other = input.other();
    let patch = match Patch::parse(dialect, &input.body(), &limits) {
        Ok(patch) => patch,
        Err(error) => {
            assert!(other.is_none(), "a legal patch is refused: {error}");
            return;
        }
    };
    let printed = patch.to_string();
    let again = Patch::parse(dialect, printed.as_bytes(), &limits).expect(&printed);
    assert_eq!(again, patch);
    let properties = input.properties();
    let Ok(image) = image_with(&properties, &limits) else {
        return;
    };
    let applied = apply_patch(&image, &patch, &limits);
    applied.iter().for_each(check_record);
    if let Some(other) = other {
        let mut document = serde_json::to_value(&properties).expect("texts");
        let theirs = json_patch::patch(&mut document, &other).map(|()| document);
        match (applied, theirs) {
            (Ok(ours), Ok(Value::Object(theirs))) => {
                let ours = serde_json::to_value(ours.properties()).expect("texts");
                assert_eq!(ours, Value::Object(theirs));
            }
            (Err(_), Err(_)) => {}
            (ours, theirs) => panic!("{ours:?} against {theirs:?}"),
        }
    }
});

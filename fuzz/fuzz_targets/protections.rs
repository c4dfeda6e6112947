//! Files of property protections: nothing panics, and what is wrong has the code of policy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smalti::ErrorCode;
use smalti::image::PropertyAction;
use smalti::policy::{Caller, Policy, ProtectionFormat, Rules};
use smalti_fuzz::policy::Input;

const ACTIONS: [PropertyAction; 4] = [
    PropertyAction::Create,
    PropertyAction::Read,
    PropertyAction::Update,
    PropertyAction::Delete,
];

fuzz_target!(|input: Input| {
    let callers = [Caller::anonymous(), Caller::project("p1"), Caller::admin()];
    for file in [&input.file, &input.made_file()] {
        for format in [ProtectionFormat::Roles, ProtectionFormat::Policies] {
            let built = Rules::builder().property_protections(&**file, format);
            match built.build() {
                Ok(rules) => callers.iter().for_each(|caller| {
                    for action in ACTIONS {
                        rules.allows_property(caller, "x_name", action);
                    }
                }),
                Err(error) => assert_eq!(error.code(), ErrorCode::InvalidPolicy),
            }
        }
    }
});

//! Requests for images: nothing panics, and what is made is a record that is read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smalti::image::{Limits, NewImage};
use smalti::testing::{check_record, make_image};
use smalti_fuzz::property::Input;

fuzz_target!(|input: Input| {
    let limits = Limits::default();
    let Ok(new) = NewImage::from_json(Some(&input.body()), &limits) else {
        return;
    };
    let Ok(image) = make_image(new, &limits) else {
        return;
    };
    check_record(&image);
    for (name, value) in image.properties() {
        assert!((1..=255).contains(&name.chars().count()) && value.len() <= 65_535);
        assert!(!name.starts_with("os_glance"));
    }
});

//! Records: nothing panics, and what is read is encoded to the bytes that it was read from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smalti_fuzz::record::Input;

fuzz_target!(|input: Input| {
    smalti::testing::decode_record(&input.record());
});

//! Packs: nothing panics, reading is bounded, both ways through a pack agree, and every segment
//! that is found is encoded to the bytes that it was read from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smalti_fuzz::pack::{Input, PACK};

fuzz_target!(|input: Input| {
    smalti::testing::check_pack(&input.pack(), PACK);
});

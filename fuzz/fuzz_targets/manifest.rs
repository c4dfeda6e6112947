//! Pages of manifests: nothing panics, what is read is encoded to the bytes that it was read from,
//! and a byte is found in the piece that counting finds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smalti_fuzz::manifest::Input;

fuzz_target!(|input: Input| {
    smalti::testing::decode_page(&input.page(), &input.offsets);
});

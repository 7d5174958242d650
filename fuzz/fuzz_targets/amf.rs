#![no_main]

use medialoom_fuzz::targets;

libfuzzer_sys::fuzz_target!(|input: &[u8]| targets::amf::run(input));

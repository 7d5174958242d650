#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use medialoom::codec::Codec;
use medialoom_fuzz::{pictures, script};

fuzz_target!(|data: &[u8]| pictures::play(Codec::Av1, data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    script::mutate(data, size, max_size, seed, fuzzer_mutate)
});

//! See `keyway_fuzz::component`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| keyway_fuzz::component::check(data));

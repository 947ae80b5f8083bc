//! See `keyway_fuzz::message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| keyway_fuzz::message::check(data));

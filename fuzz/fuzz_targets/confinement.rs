//! See `keyway_fuzz::confinement`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| keyway_fuzz::confinement::check(data));

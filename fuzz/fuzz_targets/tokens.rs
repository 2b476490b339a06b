#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| skew_server::fuzz::tokens(data));

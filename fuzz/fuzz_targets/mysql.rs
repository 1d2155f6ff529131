#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| perfuse_fuzz::group("mysql", data));

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lstm_core_fuzz::read("a.npz", bytes));

//! The answer to a fetch, banded and raw, fed with anything.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| suitesync_git::fuzzing::side_band(bytes));

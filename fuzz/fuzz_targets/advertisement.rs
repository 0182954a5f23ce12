//! Advertisements of every protocol version and listings of refs, fed with anything.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| suitesync_git::fuzzing::advertisement(bytes));

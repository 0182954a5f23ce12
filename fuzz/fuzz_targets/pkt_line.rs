//! The framing of Git's protocol, fed with anything.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| suitesync_git::fuzzing::pkt_line(bytes));

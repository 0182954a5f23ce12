//! What the operating system says against a connection: told in its own words, and whether it is about this host.

use std::io;

use rustix::io::Errno;
use suitesync_contract::{Failure, FailureClass};

use crate::place::Place;

/// The system's words for an error, as few errors have a kind that says more; without the number.
pub fn system_words(error: &io::Error) -> String {
    let Some(number) = error.raw_os_error() else { return error.kind().to_string() };
    let words = error.to_string();
    let words = words.strip_suffix(&format!(" (os error {number})")).unwrap_or(&words);
    let mut characters = words.chars();
    characters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(characters).collect()
}

/// The failure where this host is out of what a connection takes: then nothing is known of the server.
pub(crate) fn exhausted(place: &Place, verb: &str, error: &io::Error) -> Option<Failure> {
    let hint = match Errno::from_io_error(error)? {
        Errno::MFILE => "raise `LimitNOFILE=` of the service, or look at what holds so many files open",
        Errno::NFILE => "raise `fs.file-max` of this host, or look at what holds so many files open",
        Errno::NOMEM | Errno::NOBUFS => "look at the memory of this host",
        _ => return None,
    };
    Some(place.host_failure(FailureClass::Internal, verb, system_words(error)).with_hint(hint))
}

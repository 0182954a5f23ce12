//! From what went wrong on the wire to a [`Failure`], decided from types and codes alone.
//!
//! `tls` reads what rustls says, `answer` reads an HTTP status with its headers, `system` what the operating system says;
//! this file reads the chain of errors below a request.

pub(crate) mod answer;
pub(crate) mod challenge;
pub(crate) mod retry_after;
pub(crate) mod service_error;
pub(crate) mod system;
pub(crate) mod tls;

use std::error::Error;
use std::io;

use suitesync_contract::{Failure, FailureClass};

use crate::identity::Presented;
use crate::place::Place;
use crate::resolver::ResolveError;
pub use system::system_words;

/// How far an exchange had come when it broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// No connection yet.
    Connecting,
    /// The request may be with the server, the head of the answer is not here.
    Asking,
    /// In the middle of the answer's body.
    Receiving,
}

impl Phase {
    fn verb(self) -> &'static str {
        match self {
            Self::Connecting => "connect to",
            Self::Asking => "get an answer of",
            Self::Receiving => "read the answer of",
        }
    }
}

/// Classifies an error of the HTTP client by what it holds: enough in the middle of an answer. Before there is one,
/// [`crate::Client::explain`] knows more.
pub fn request(place: &Place, error: &reqwest::Error, phase: Phase) -> Failure {
    request_as(place, error, phase, Presented::Nothing)
}

pub(crate) fn request_as(place: &Place, error: &reqwest::Error, phase: Phase, presented: Presented) -> Failure {
    let phase = if error.is_connect() { Phase::Connecting } else { phase };
    if error.is_timeout() {
        return place.host_failure(FailureClass::Timeout, phase.verb(), "the time limit was reached");
    }
    transport(place, error, phase, presented)
}

/// Classifies any chain of errors below an exchange.
pub(crate) fn transport(place: &Place, error: &(dyn Error + 'static), phase: Phase, presented: Presented) -> Failure {
    if let Some(unresolved) = find::<ResolveError>(error) {
        return unresolvable(place, unresolved);
    }
    if let Some(refusal) = find::<rustls::Error>(error) {
        return tls::told(refusal, presented).at(place);
    }
    if let Some(broken) = find::<hyper::Error>(error).filter(|broken| broken.is_parse() || broken.is_parse_too_large())
    {
        return place.host_failure(
            FailureClass::Protocol,
            phase.verb(),
            format_args!("it does not speak HTTP: {broken}"),
        );
    }
    match system_errors(error).last() {
        Some(error) => socket(place, error, phase),
        None => closed(place, phase),
    }
}

/// Whether a kept connection had been closed by the server just as the request went out: the request was not looked
/// at, and the same one may be sent again.
pub fn closed_before_answer(error: &reqwest::Error) -> bool {
    let gone = |kind| matches!(kind, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe);
    let incomplete =
        find::<hyper::Error>(error).is_some_and(|error| error.is_incomplete_message() || error.is_canceled());
    !error.is_connect() && !error.is_timeout() && (incomplete || system_errors(error).map(io::Error::kind).any(gone))
}

pub(crate) fn unresolvable(place: &Place, error: &ResolveError) -> Failure {
    let exhausted = error.0.as_ref().and_then(|error| system::exhausted(place, "resolve", error));
    exhausted.unwrap_or_else(|| place.host_failure(FailureClass::Dns, "resolve", error.cause()))
}

fn socket(place: &Place, error: &io::Error, phase: Phase) -> Failure {
    if let Some(failure) = system::exhausted(place, phase.verb(), error) {
        return failure;
    }
    let words = system_words(error);
    match (error.kind(), phase) {
        (io::ErrorKind::TimedOut, _) => place.host_failure(FailureClass::Timeout, phase.verb(), words),
        (io::ErrorKind::UnexpectedEof, Phase::Connecting) => {
            let cause = "the connection was closed during the TLS handshake";
            place.host_failure(FailureClass::TlsOther, phase.verb(), cause)
        }
        (io::ErrorKind::UnexpectedEof, _) => closed(place, phase),
        _ => place.host_failure(FailureClass::Connect, phase.verb(), words),
    }
}

fn closed(place: &Place, phase: Phase) -> Failure {
    match phase {
        Phase::Connecting | Phase::Asking => {
            place.host_failure(FailureClass::Connect, phase.verb(), "the connection was closed before an answer came")
        }
        Phase::Receiving => place.protocol_failure("the answer ended in its middle"),
    }
}

pub(crate) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref())
}

fn system_errors<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a io::Error> {
    chain(error).filter_map(|error| error.downcast_ref())
}

/// The error and all below it. An `io::Error` made from another one hides it from `source`, so it is opened here.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inside.map_or_else(|| error.source(), |inside| Some(inside as &(dyn Error + 'static)))
    })
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;
    use suitesync_contract::{DelegateName, Provider, RepoUrl};

    use super::*;

    fn place() -> Place {
        let url = RepoUrl::parse("https://git.example.org/shop.git", Provider::Git).unwrap().repository;
        Place::new(&url, &"dc1".parse::<DelegateName>().unwrap())
    }

    fn check(error: io::Error, class: FailureClass, words: &str) {
        let failure = transport(&place(), &io::Error::other(error), Phase::Connecting, Presented::Nothing);
        let expect = format!("failed to connect to git.example.org:443 from delegate dc1: {words}");
        assert_eq!((failure.class, failure.message), (class, expect));
    }

    #[test]
    fn what_the_system_says_is_told_in_its_words() {
        check(Errno::CONNREFUSED.into(), FailureClass::Connect, "connection refused");
        check(Errno::PROTO.into(), FailureClass::Connect, "protocol error");
        check(Errno::AFNOSUPPORT.into(), FailureClass::Connect, "address family not supported by protocol");
        check(Errno::TIMEDOUT.into(), FailureClass::Timeout, "connection timed out");
        check(io::ErrorKind::ConnectionReset.into(), FailureClass::Connect, "connection reset");
    }

    #[test]
    fn a_host_that_is_out_of_something_is_no_word_against_the_server() {
        check(Errno::MFILE.into(), FailureClass::Internal, "too many open files");
        check(Errno::NFILE.into(), FailureClass::Internal, "too many open files in system");
        check(Errno::NOMEM.into(), FailureClass::Internal, "cannot allocate memory");
        let unresolved = unresolvable(&place(), &ResolveError(Some(Errno::MFILE.into())));
        assert_eq!(unresolved.class, FailureClass::Internal);
    }
}

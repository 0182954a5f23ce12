//! Each fault once, seen by a bare socket.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use suitesync_loopback::{Fault, GitServer};

use crate::support::{DEADLINE, REPOSITORY, SILENCE, Site, answer, ask};

const HEAD_END: &str = "\r\n\r\n";

#[test]
fn a_status_stands_in_for_the_answer_of_git() {
    let server = served_with(Fault::Status {
        code: 503,
        headers: vec![("Retry-After".to_owned(), "7".to_owned())],
        body: b"later".to_vec(),
    });

    let answered = answer(ask(&server)).unwrap();

    assert!(answered.starts_with("HTTP/1.1 503 Service Unavailable\r\nretry-after: 7\r\n"), "{answered}");
    assert!(answered.ends_with(&format!("{HEAD_END}later")), "{answered}");
}

#[test]
fn a_redirect_names_its_target() {
    let server = served_with(Fault::Redirect("https://elsewhere.example/".to_owned()));

    let answered = answer(ask(&server)).unwrap();

    assert!(answered.starts_with("HTTP/1.1 302 Found\r\nlocation: https://elsewhere.example/\r\n"), "{answered}");
}

#[test]
fn silence_after_accepting_leaves_tls_unanswered() {
    let site = Site::new();
    let server = GitServer::start(site.https()).unwrap();
    server.set_fault("", Fault::SilentAfterAccept);

    let mut stream = ask(&server);

    assert!(server.wait_for_connections(1, DEADLINE));
    assert_eq!(read_for(&mut stream, SILENCE), Err(ErrorKind::WouldBlock));
    assert_eq!(server.request_count(), 0);
}

#[test]
fn silence_after_a_request_answers_nothing() {
    let server = served_with(Fault::SilentAfterRequest);

    let mut stream = ask(&server);

    assert!(server.wait_for_requests(1, DEADLINE));
    assert_eq!(read_for(&mut stream, SILENCE), Err(ErrorKind::WouldBlock));
}

#[test]
fn a_drip_sends_the_body_a_byte_at_a_time() {
    let server = served_with(Fault::Drip { bytes_per_second: 1 });
    let mut stream = ask(&server);
    let mut seen = String::new();

    while !seen.ends_with("\r\n\r\n1\r\n0\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        seen.push(char::from(byte[0]));
    }

    assert!(seen.starts_with("HTTP/1.1 200 OK\r\n"), "{seen}");
    assert_eq!(read_for(&mut stream, SILENCE), Err(ErrorKind::WouldBlock), "the next byte is a second away");
}

#[test]
fn a_cut_ends_the_connection_after_as_many_bytes_of_the_body() {
    let server = served_with(Fault::CutAfter(10));

    let answered = answer(ask(&server)).unwrap();

    assert!(answered.ends_with(&format!("{HEAD_END}A\r\n001e# serv\r\n")), "{answered}");
    assert_eq!(server.bytes_sent(), 10);
}

#[test]
fn a_delay_holds_the_first_byte_back() {
    let delay = Duration::from_millis(200);
    let server = served_with(Fault::DelayFirstByte(delay));
    let asked = Instant::now();

    let answered = answer(ask(&server)).unwrap();

    assert!(answered.starts_with("HTTP/1.1 200 OK\r\n"), "{answered}");
    assert!(asked.elapsed() >= delay);
}

#[test]
fn a_reset_reaches_the_client_as_one() {
    let server = served_with(Fault::Reset);

    let answered = answer(ask(&server));

    assert_eq!(answered.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_fault_for_one_prefix_spares_the_others_and_goes_when_cleared() {
    let server = served_with_prefix("/fabrikam", Fault::status(500));
    assert!(answer(ask(&server)).unwrap().starts_with("HTTP/1.1 200 OK"));

    server.set_fault(REPOSITORY, Fault::status(429));
    assert!(answer(ask(&server)).unwrap().starts_with("HTTP/1.1 429"));
    server.clear_faults();
    assert!(answer(ask(&server)).unwrap().starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn a_fault_for_one_time_is_over_after_it() {
    let server = served_with_prefix("/fabrikam", Fault::Reset);
    server.set_fault_times("", Fault::status(502), 1);

    assert!(answer(ask(&server)).unwrap().starts_with("HTTP/1.1 502"));
    assert!(answer(ask(&server)).unwrap().starts_with("HTTP/1.1 200"));
}

fn served_with(fault: Fault) -> Served {
    served_with_prefix("", fault)
}

fn served_with_prefix(path_prefix: &str, fault: Fault) -> Served {
    let site = Site::new();
    let server = GitServer::start(site.plain()).unwrap();
    server.set_fault(path_prefix, fault);
    Served { server, _site: site }
}

/// A server together with the folders it serves.
struct Served {
    server: GitServer,
    _site: Site,
}

impl std::ops::Deref for Served {
    type Target = GitServer;

    fn deref(&self) -> &GitServer {
        &self.server
    }
}

/// What one read brings within a time: a count of bytes, or why there are none.
fn read_for(stream: &mut TcpStream, patience: Duration) -> Result<usize, ErrorKind> {
    stream.set_read_timeout(Some(patience)).unwrap();
    stream.read(&mut [0; 64]).map_err(|error| error.kind())
}

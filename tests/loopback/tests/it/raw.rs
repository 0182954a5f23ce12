//! Listeners that are no server of Git, seen by bare sockets and by the real clients.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use suitesync_loopback::{RawAnswer, RawServer};

use crate::support::{DEADLINE, SILENCE, Site, answer, stderr};

#[test]
fn silence_is_kept_whatever_the_client_says() {
    let (server, mut stream) = connected(RawAnswer::Silence);
    stream.write_all(b"hello").unwrap();

    stream.set_read_timeout(Some(SILENCE)).unwrap();

    assert_eq!(stream.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!((server.connections(), server.received()), (1, b"hello".to_vec()));
}

#[test]
fn a_banner_is_followed_by_nothing() {
    let (_server, mut stream) = connected(RawAnswer::ssh_banner());
    let mut banner = [0; 21];

    stream.read_exact(&mut banner).unwrap();

    assert_eq!(&banner, b"SSH-2.0-OpenSSH_9.2\r\n");
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    assert_eq!(stream.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_reply_comes_after_the_first_word_and_ends_the_connection() {
    let (_server, mut stream) = connected(RawAnswer::http());
    stream.write_all(b"SSH-2.0-client\r\n").unwrap();

    let answered = answer(stream).unwrap();

    assert!(answered.starts_with("HTTP/1.1 400 Bad Request\r\n") && answered.ends_with("\r\n\r\n<html>"), "{answered}");
}

#[test]
fn connections_are_closed_or_reset_at_once() {
    let (_server, stream) = connected(RawAnswer::Close);
    assert_eq!(answer(stream).unwrap(), "");

    let (_server, stream) = connected(RawAnswer::Reset);
    assert_eq!(answer(stream).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn git_is_told_that_its_versions_of_tls_are_refused() {
    let server = RawServer::start(RawAnswer::tls_version_refused()).unwrap();

    let listed = Site::new().git(&["ls-remote", &format!("https://{}/x", server.address())]);

    assert!(!listed.status.success());
    assert!(stderr(&listed).contains("version"), "{}", stderr(&listed));
}

fn connected(answer: RawAnswer) -> (RawServer, TcpStream) {
    let server = RawServer::start(answer).unwrap();
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    assert!(server.wait_for_connections(1, DEADLINE));
    (server, stream)
}

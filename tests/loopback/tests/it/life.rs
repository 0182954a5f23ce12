//! The server's own life: counters, large packs, and an end that leaves nothing behind.

use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::time::Instant;

use suitesync_loopback::{Change, Fault, GitServer};

use crate::support::{DEADLINE, REPOSITORY, Site, answer, ask, stderr};

/// Larger than all buffers on the way together, so that a child has to wait for its client.
const LARGE: usize = 12 << 20;

#[test]
fn a_large_pack_arrives_whole() {
    let site = Site::new();
    site.repository.commit("main", "Large", &[Change::write("noise", noise(LARGE))]).unwrap();
    let server = GitServer::start(site.https()).unwrap();

    let cloned = site.git(&["clone", "--quiet", &server.url(REPOSITORY), "clone"]);

    assert!(cloned.status.success(), "{}", stderr(&cloned));
    assert_eq!(std::fs::read(site.folder.path().join("clone/noise")).unwrap(), noise(LARGE));
    assert!(server.bytes_sent() > LARGE as u64);
}

#[test]
fn counters_start_again_when_reset() {
    let site = Site::new();
    let server = GitServer::start(site.plain()).unwrap();
    answer(ask(&server)).unwrap();
    let path = format!("{REPOSITORY}/info/refs");
    assert_eq!((server.request_count(), server.connections(), server.count("GET", &path)), (1, 1, 1));
    assert_eq!(server.requests()[0].query, "service=git-upload-pack");

    server.reset_counters();

    assert_eq!((server.request_count(), server.connections(), server.count("GET", &path)), (0, 0, 0));
    assert_eq!((server.bytes_sent(), server.requests().len()), (0, 0));
}

#[test]
fn stopping_ends_connections_and_children_that_are_under_way() {
    let site = Site::new();
    let server = GitServer::start(site.plain()).unwrap();
    server.set_fault("", Fault::Drip { bytes_per_second: 1 });
    let mut stream = ask(&server);
    stream.read_exact(&mut [0; 64]).unwrap();
    let address = server.address();

    server.stop();

    assert!(answer(stream).is_ok(), "the connection ends");
    assert!(TcpStream::connect(address).is_err(), "nobody listens");
    wait_for_no_process_serving(site.folder.path());
}

#[test]
fn a_client_that_goes_away_takes_its_child_along() {
    let site = Site::new();
    let server = GitServer::start(site.plain()).unwrap();
    server.set_fault("", Fault::Drip { bytes_per_second: 1 });
    let mut stream = ask(&server);
    stream.read_exact(&mut [0; 64]).unwrap();

    drop(stream);

    wait_for_no_process_serving(site.folder.path());
}

#[test]
fn a_second_server_on_a_port_that_is_taken_says_so() {
    let site = Site::new();
    let server = GitServer::start(site.plain()).unwrap();

    let refused = GitServer::start(site.plain().port(server.address().port())).unwrap_err();

    assert_eq!(refused.to_string(), format!("failed to listen on 127.0.0.1:{}", server.address().port()));
}

/// What a killed child had started may take a moment to be gone.
fn wait_for_no_process_serving(folder: &Path) {
    let started = Instant::now();
    while is_served_by_a_process(folder) {
        assert!(started.elapsed() < DEADLINE, "a process outlives its purpose");
        std::thread::yield_now();
    }
}

/// Whether this folder was handed to any process that is still there.
fn is_served_by_a_process(folder: &Path) -> bool {
    let mark = format!("GIT_PROJECT_ROOT={}", folder.display()).into_bytes();
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("environ")).ok())
        .any(|environment| environment.windows(mark.len()).any(|window| window == mark))
}

/// Bytes that do not compress (a linear congruential generator, the constants of Knuth's MMIX).
fn noise(length: usize) -> Vec<u8> {
    let mut state: u64 = 42;
    let step = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(step).collect()
}

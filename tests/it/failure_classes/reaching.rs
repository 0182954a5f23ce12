//! From the name of the server to a connection that says something.

use suitesync_contract::FailureClass;
use suitesync_loopback::{RawAnswer, RawServer};

use super::{Row, Scene};
use crate::support::Site;
use crate::support::connection::Connection;

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "unknown-name",
        class: FailureClass::Dns,
        step: "dns",
        says: &["failed to resolve git.invalid:443 from delegate local: "],
        hint: "check the host name in the URL and the resolver",
    },
    Row {
        name: "closed-port",
        class: FailureClass::Connect,
        step: "connect",
        says: &["failed to connect to 127.0.0.1:1 from delegate local: connection refused"],
        hint: "check that the server is up",
    },
    Row {
        name: "silent",
        class: FailureClass::Timeout,
        step: "tls",
        says: &["failed to speak TLS with {host} from delegate local: it took longer than 10 s"],
        hint: "check the load of the server and the network",
    },
];

#[test]
fn servers_that_cannot_be_reached_are_told_apart() {
    let mut scene = Scene::new(Site::new());
    let silent = RawServer::start(RawAnswer::Silence).unwrap();
    let urls = [
        ("unknown-name", "git.invalid".to_owned()),
        ("closed-port", "127.0.0.1:1".to_owned()),
        ("silent", silent.address().to_string()),
    ];
    for (name, host) in urls {
        scene.add(Connection::new(name, &format!("https://{host}/shop.git")).token("SITE_TOKEN"));
    }
    scene.check(ROWS);
    assert!(silent.received().starts_with(&[22, 3, 1]), "only the beginning of a handshake was sent");
}

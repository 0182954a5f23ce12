//! SSH: whose key the server shows, whose key we offer, and what the command says.

use std::path::{Path, PathBuf};

use suitesync_contract::FailureClass;
use suitesync_loopback::{
    RawAnswer, RawServer, SampleRepository, SshAlgorithms, SshKey, SshKeyFormat, SshKeyKind, SshOptions, SshServer,
};

use super::{Row, Scene};
use crate::support::Site;
use crate::support::connection::Connection;

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "closed-port",
        class: FailureClass::Connect,
        step: "connect",
        says: &["failed to connect to 127.0.0.1:1 from delegate local: connection refused"],
        hint: "check that the server is up",
    },
    Row {
        name: "closed-at-once",
        class: FailureClass::Connect,
        step: "host_key",
        says: &["failed to talk SSH with {host} from delegate local: the connection was closed"],
        hint: "check that the server is up",
    },
    Row {
        name: "silent",
        class: FailureClass::Timeout,
        step: "host_key",
        says: &["{host} from delegate local: no answer came within 10 s"],
        hint: "check the load of the server and the network",
    },
    Row {
        name: "hanging",
        class: FailureClass::Timeout,
        step: "host_key",
        says: &["{host} from delegate local: no answer came within 10 s"],
        hint: "check the load of the server and the network",
    },
    Row {
        name: "http-behind-ssh",
        class: FailureClass::Protocol,
        step: "host_key",
        says: &["failed to talk SSH with {host} from delegate local: what listens there does not speak SSH"],
        hint: "check the port in the URL",
    },
    Row {
        name: "retired-algorithms",
        class: FailureClass::SshAlgorithms,
        step: "host_key",
        says: &["failed to talk SSH with {host} from delegate local: it offers no algorithm that is still"],
        hint: "have it updated",
    },
    Row {
        name: "unknown-host",
        class: FailureClass::HostKeyUnknown,
        step: "host_key",
        says: &["failed to trust {host} from delegate local: its key is not known; it shows ED25519 {shown}"],
        hint: "host_keys = [\"{shown}\"]",
    },
    Row {
        name: "other-pin",
        class: FailureClass::HostKeyMismatch,
        step: "host_key",
        says: &["failed to trust {host} from delegate local: ", "it shows ", "{shown}", "expected was {expected}"],
        hint: "ask the server's owner whether the key was changed",
    },
    Row {
        name: "other-known-host",
        class: FailureClass::HostKeyMismatch,
        step: "host_key",
        says: &["failed to trust {host} from delegate local: ", "it shows ED25519 {shown}", "{expected}"],
        hint: "ask the server's owner whether the key was changed",
    },
    Row {
        name: "wrong-key",
        class: FailureClass::AuthRejected,
        step: "credentials",
        says: &["failed to sign in to {host} from delegate local: the key ED25519 {stranger} was rejected for login"],
        hint: "check that the server knows the public key",
    },
    Row {
        name: "no-passphrase",
        class: FailureClass::SecretUnavailable,
        step: "credentials",
        says: &["{host} from delegate local: the private key is encrypted and no passphrase is set"],
        hint: "check `passphrase` of the credentials",
    },
    Row {
        name: "wrong-passphrase",
        class: FailureClass::SecretUnavailable,
        step: "credentials",
        says: &["{host} from delegate local: the private key cannot be opened with the passphrase"],
        hint: "check `passphrase` of the credentials",
    },
    Row {
        name: "missing",
        class: FailureClass::RepositoryNotFound,
        step: "repository",
        says: &["failed to read {url} from delegate local: it is missing, disabled, or", "TF401019: "],
        hint: "check the repository in the URL, and that the key is known to the server",
    },
];

/// A listener that is no SSH server.
fn listening(scene: &mut Scene, (name, answer): (&str, RawAnswer), key: &Path) -> RawServer {
    let server = RawServer::start(answer).unwrap();
    let url = format!("ssh://git@{}/shop.git", server.address());
    scene.add(Connection::new(name, &url).key_in(key, &pinned(&[&any_fingerprint()])));
    server
}

fn pinned(fingerprints: &[&str]) -> String {
    format!("host_keys = {fingerprints:?}")
}

/// What no server shows.
fn any_fingerprint() -> String {
    format!("SHA256:{}", "A".repeat(43))
}

fn key(passphrase: Option<&str>) -> SshKey {
    SshKey::generate(SshKeyKind::Ed25519, SshKeyFormat::OpenSsh, passphrase).unwrap()
}

fn key_file(site: &Site, name: &str, key: &SshKey) -> PathBuf {
    site.secret_file(name, key.private_text())
}

/// Servers that have nothing to say, or not in SSH.
fn add_strangers(scene: &mut Scene, key: &Path) -> Vec<RawServer> {
    let closed = Connection::new("closed-port", "ssh://git@127.0.0.1:1/shop.git");
    scene.add(closed.key_in(key, &pinned(&[&any_fingerprint()])));
    let answers = [
        ("closed-at-once", RawAnswer::Close),
        ("silent", RawAnswer::Silence),
        ("hanging", RawAnswer::ssh_banner()),
        ("http-behind-ssh", RawAnswer::http()),
    ];
    answers.into_iter().map(|answer| listening(scene, answer, key)).collect()
}

#[test]
fn what_goes_wrong_over_ssh_is_told_apart() {
    let mut scene = Scene::new(Site::new());
    let root = scene.site.path("repositories");
    SampleRepository::create(root.join("shop.git")).unwrap();
    let (ours, locked) = (key(None), key(Some("open-sesame")));
    let server = SshServer::start(SshOptions::new(&root).authorize(&ours).authorize(&locked)).unwrap();
    let retired = SshOptions::new(&root).authorize(&ours).host_keys([SshKeyKind::Rsa]);
    let retired = SshServer::start(retired.algorithms(SshAlgorithms::RetiredOnly)).unwrap();
    let key_path = key_file(&scene.site, "key", &ours);
    let _strangers = add_strangers(&mut scene, &key_path);
    add_sessions(&mut scene, [&server, &retired], &key_path, &locked);
    scene.check(ROWS);
}

/// Connections to servers of SSH.
fn add_sessions(scene: &mut Scene, [server, retired]: [&SshServer; 2], key_path: &Path, locked: &SshKey) {
    let known = scene.site.secret_file("known_hosts", &server.known_hosts("127.0.0.1"));
    let (stranger, foreign) = (key(None), key(None));
    let foreign_words = foreign.public_line().rsplit_once(' ').unwrap().0.to_owned();
    let other = format!("[127.0.0.1]:{} {foreign_words}\n", server.address().port());
    let other = scene.site.secret_file("other_known_hosts", &other);
    scene.name("{shown}", shown(server));
    scene.name("{expected}", foreign.fingerprint());
    scene.name("{stranger}", stranger.fingerprint());
    let [known, other] = [known, other].map(|path| format!("known_hosts = {path:?}"));
    let stranger = key_file(&scene.site, "stranger", &stranger);
    let locked = key_file(&scene.site, "locked", locked);
    let wrong = format!("{known}, passphrase = {{ env = \"WRONG_TOKEN\" }}");
    let rows: [(&str, &SshServer, &Path, String); 8] = [
        ("retired-algorithms", retired, key_path, pinned(&[&any_fingerprint()])),
        ("unknown-host", server, key_path, String::new()),
        ("other-pin", server, key_path, pinned(&[&foreign.fingerprint()])),
        ("other-known-host", server, key_path, other),
        ("wrong-key", server, &stranger, known.clone()),
        ("no-passphrase", server, &locked, known.clone()),
        ("wrong-passphrase", server, &locked, wrong),
        ("missing", server, key_path, known),
    ];
    for (name, server, key, others) in rows {
        let path = if name == "missing" { "/nowhere.git" } else { "/shop.git" };
        scene.add(Connection::new(name, &server.url(path)).key_in(key, &others));
    }
}

/// The fingerprint that is shown to who has no preference.
fn shown(server: &SshServer) -> String {
    let fingerprints = server.host_key_fingerprints();
    fingerprints.into_iter().find(|(kind, _)| *kind == SshKeyKind::Ed25519).unwrap().1
}

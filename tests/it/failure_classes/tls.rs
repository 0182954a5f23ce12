//! TLS with the server: whom it is trusted by, how long, under which name, in which version, and who we are to it.

use std::path::Path;

use suitesync_contract::FailureClass;
use suitesync_loopback::{
    Authority, GitServer, IssueOptions, RawAnswer, RawServer, ServerIdentity, ServerOptions, TlsVersions,
};

use super::{Row, Scene};
use crate::support::Site;
use crate::support::connection::Connection;

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "foreign-authority",
        class: FailureClass::TlsUntrusted,
        step: "tls",
        says: &["failed to trust {host} from delegate local: ", "the issuer `Foreign Authority` of its certificate"],
        hint: "put the certificate of `Foreign Authority` into `additional_certs_path`",
    },
    Row {
        name: "no-intermediate",
        class: FailureClass::TlsUntrusted,
        step: "tls",
        says: &["failed to trust {host} from delegate local: ", "the issuer `Intermediate Authority`"],
        hint: "put the certificate of `Intermediate Authority` into `additional_certs_path`",
    },
    Row {
        name: "run-out",
        class: FailureClass::TlsExpired,
        step: "tls",
        says: &["failed to trust {host} from delegate local: ", "ran out on 20"],
        hint: "renew the server's certificate, or check the clock",
    },
    Row {
        name: "other-name",
        class: FailureClass::TlsHostname,
        step: "tls",
        says: &["failed to trust {host} from delegate local: ", "issued for other names: git.example.org"],
        hint: "use the name that the certificate was issued for",
    },
    Row {
        name: "plain-http",
        class: FailureClass::TlsOther,
        step: "tls",
        says: &["failed to speak TLS with {host} from delegate local: what it sends is not TLS"],
        hint: "check the port of the URL",
    },
    Row {
        name: "ssh-banner",
        class: FailureClass::TlsOther,
        step: "tls",
        says: &["failed to speak TLS with {host} from delegate local: what it sends is not TLS"],
        hint: "check the port of the URL",
    },
    Row {
        name: "old-version",
        class: FailureClass::TlsOther,
        step: "tls",
        says: &["failed to speak TLS with {host} from delegate local: it refuses both TLS 1.2 and 1.3"],
        hint: "have TLS 1.2 or 1.3 enabled on the server",
    },
    Row {
        name: "closed-in-handshake",
        class: FailureClass::TlsOther,
        step: "tls",
        says: &["from delegate local: the connection was closed during the TLS handshake"],
        hint: "TLS 1.2 or 1.3 is needed",
    },
    Row {
        name: "no-client-certificate",
        class: FailureClass::AuthMissing,
        step: "tls",
        says: &["failed to sign in to {host} from delegate local: it asks for a client certificate and none is set"],
        hint: "set `client_certificate` and `client_key` under `[connection.tls]`",
    },
    Row {
        name: "wrong-client-certificate",
        class: FailureClass::AuthRejected,
        step: "tls",
        says: &["failed to sign in to {host} from delegate local: it rejected the client certificate"],
        hint: "that the server trusts its issuer",
    },
    Row {
        name: "wrong-client-certificate-tls-1-2",
        class: FailureClass::AuthRejected,
        step: "tls",
        says: &["failed to sign in to {host} from delegate local: it rejected the client certificate"],
        hint: "that the server trusts its issuer",
    },
];

/// Connects to a server with this certificate.
fn identified(scene: &mut Scene, name: &str, identity: ServerIdentity) -> GitServer {
    let root = scene.site.path("repositories");
    let server = GitServer::start(ServerOptions::new(root).identity(identity)).unwrap();
    scene.add(trusting(scene, name, &server.url("/shop.git")));
    server
}

fn listening(scene: &mut Scene, name: &str, answer: RawAnswer) -> RawServer {
    let server = RawServer::start(answer).unwrap();
    scene.add(trusting(scene, name, &format!("https://{}/shop.git", server.address())));
    server
}

/// A server that lets those in whom an authority has certified.
fn asking(scene: &Scene, versions: TlsVersions, authority: &Authority) -> GitServer {
    let identity = authority.issue(&IssueOptions::default()).unwrap();
    let options = ServerOptions::new(scene.site.path("repositories")).identity(identity);
    GitServer::start(options.tls_versions(versions).client_authority(authority.clone())).unwrap()
}

fn trusting(scene: &Scene, name: &str, url: &str) -> Connection {
    Connection::new(name, url).trusting(&scene.site.path("Own-Authority.pem"))
}

fn certified(connection: Connection, site: &Site, by: &Authority) -> Connection {
    let client = by.issue_client("suitesync").unwrap();
    let chain = site.secret_file("client.pem", client.certificate_pem());
    let key: &Path = &site.secret_file("client.key", client.key_pem());
    connection.with(format!("tls = {{ client_certificate = {chain:?}, client_key = {key:?} }}"))
}

#[test]
fn servers_that_cannot_be_trusted_are_told_apart() {
    let mut scene = Scene::new(Site::new());
    let (own, _) = scene.site.authority("Own Authority");
    let foreign = Authority::new("Foreign Authority").unwrap();
    let intermediate = own.intermediate("Intermediate Authority").unwrap();
    let issued = |authority: &Authority, options: IssueOptions| authority.issue(&options).unwrap();
    let _servers = [
        ("foreign-authority", issued(&foreign, IssueOptions::default())),
        ("no-intermediate", issued(&intermediate, IssueOptions::default()).without_chain()),
        ("run-out", issued(&own, IssueOptions::expired())),
        ("other-name", issued(&own, IssueOptions::for_names(["git.example.org"]))),
    ]
    .map(|(name, identity)| identified(&mut scene, name, identity));
    let plain = GitServer::start(ServerOptions::new(scene.site.path("repositories"))).unwrap();
    scene.add(trusting(&scene, "plain-http", &plain.url("/shop.git").replace("http://", "https://")));
    let _listeners = [
        ("ssh-banner", RawAnswer::ssh_banner()),
        ("old-version", RawAnswer::tls_version_refused()),
        ("closed-in-handshake", RawAnswer::Reply(Vec::new())),
    ]
    .map(|(name, answer)| listening(&mut scene, name, answer));
    let [today, yesterday] = [TlsVersions::Only13, TlsVersions::Only12].map(|versions| asking(&scene, versions, &own));
    scene.add(trusting(&scene, "no-client-certificate", &today.url("/shop.git")));
    for (name, server) in [("wrong-client-certificate", &today), ("wrong-client-certificate-tls-1-2", &yesterday)] {
        scene.add(certified(trusting(&scene, name, &server.url("/shop.git")), &scene.site, &foreign));
    }
    scene.check(ROWS);
}

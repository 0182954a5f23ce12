//! What Git sees of TLS: versions, chains, certificates of clients.

use std::fs;

use suitesync_loopback::{Authority, GitServer, TlsVersions};

use crate::support::{REPOSITORY, Site, stderr};

#[test]
fn versions_are_met_by_clients_that_speak_them() {
    let site = Site::new();
    let check = |offered: TlsVersions, spoken: &str, met: bool| {
        let server = GitServer::start(site.https().tls_versions(offered)).unwrap();
        let version = format!("http.sslVersion={spoken}");
        let listed = site.git(&["-c", &version, "ls-remote", &server.url(REPOSITORY)]);
        assert_eq!(listed.status.success(), met, "{offered:?} {spoken}: {}", stderr(&listed));
    };

    check(TlsVersions::Both, "tlsv1.2", true);
    check(TlsVersions::Both, "tlsv1.3", true);
    check(TlsVersions::Only12, "tlsv1.2", true);
    check(TlsVersions::Only12, "tlsv1.3", false);
    check(TlsVersions::Only13, "tlsv1.3", true);
}

#[test]
fn an_intermediate_is_trusted_when_it_is_sent_along() {
    let site = Site::new();
    let intermediate = site.authority.intermediate("Loopback Intermediate").unwrap();
    let identity = intermediate.intermediate("Loopback Issuing").unwrap().issue(&Default::default()).unwrap();
    assert_eq!(identity.certificate_pem().matches("BEGIN CERTIFICATE").count(), 3);

    let server = GitServer::start(site.plain().identity(identity.clone())).unwrap();
    assert!(site.git(&["ls-remote", &server.url(REPOSITORY)]).status.success());
    server.set_identity(&identity.without_chain()).unwrap();

    assert!(!site.git(&["ls-remote", &server.url(REPOSITORY)]).status.success());
}

#[test]
fn clients_show_a_certificate_of_the_authority_that_is_asked_for() {
    let site = Site::new();
    let (clients, others) = (Authority::new("Clients").unwrap(), Authority::new("Others").unwrap());
    let server = GitServer::start(site.https().client_authority(clients.clone())).unwrap();
    let list = |authority: &Authority| {
        let client = authority.issue_client("build-host").unwrap();
        let (certificate, key) = (site.folder.path().join("client.pem"), site.folder.path().join("client.key"));
        fs::write(&certificate, client.certificate_pem()).unwrap();
        fs::write(&key, client.key_pem()).unwrap();
        let shown = [format!("http.sslCert={}", certificate.display()), format!("http.sslKey={}", key.display())];
        site.git(&["-c", &shown[0], "-c", &shown[1], "ls-remote", &server.url(REPOSITORY)]).status.success()
    };

    assert!(list(&clients));
    assert!(!list(&others));
    assert!(!site.git(&["ls-remote", &server.url(REPOSITORY)]).status.success());
    assert_eq!(server.client_names(), ["build-host"]);
}

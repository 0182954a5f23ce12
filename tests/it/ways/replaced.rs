//! Certificates and host keys that are replaced on disk while the agent runs: nothing is restarted or reloaded by hand.

use std::time::Duration;

use suitesync_loopback::{
    Authority, AzureOptions, AzureScope, AzureServer, IssueOptions, SampleRepository, ServerIdentity, SshKey,
    SshKeyFormat, SshKeyKind, SshOptions, SshServer,
};

use super::site_with_shop;
use crate::support::connection::Connection;
use crate::support::katalon::{case, small_project};
use crate::support::{Site, wait_for, wait_within};

/// How long it may take until what a link has met counts for its connection.
const SOON: Duration = Duration::from_secs(10);

fn issued(authority: &Authority) -> ServerIdentity {
    authority.issue(&IssueOptions::default()).unwrap()
}

/// Waits until the last failure of a connection's test is of a class; every look is a test by hand.
fn wait_for_class(site: &Site, class: Option<&str>) {
    wait_for(&format!("a test that ends with {class:?}"), || {
        let test = site.json(&["connection", "test", "way"]);
        (test["failure"]["class"].as_str() == class).then_some(())
    });
}

#[test]
fn a_replaced_certificate_authority_counts_at_once_for_git_and_the_api() {
    let site = Site::new();
    let repository = SampleRepository::create(site.path("azure/contoso/payments/_git/checkout")).unwrap();
    let first = repository.commit("main", "first", &small_project()).unwrap();
    let [old, new] = ["Old Authority", "New Authority"].map(|name| Authority::new(name).unwrap());
    let azure = AzureServer::start(AzureOptions::new(site.path("azure")).identity(issued(&old))).unwrap();
    azure.set_token("a-token", &[AzureScope::CodeRead]);
    let (ca, token) = (site.secret_file("replaced.pem", old.pem()), site.secret_file("token", "a-token"));
    let connection = Connection::new("way", &azure.url("/contoso/payments/_git/checkout")).azure().trusting(&ca);
    let connection = connection.token_in(&token).api_token_in(&token);
    site.configure(&format!("{connection}{}", connection.link("shop")));
    let _agent = site.agent();
    site.wait_for_commit("shop", &first);
    site.secret_file("replaced.pem", new.pem());
    // The connection that polls keep alive was made with the old chain, and is not used any more.
    let refused = site.wait_for_link("shop", "error");
    assert_eq!(refused["failure"]["class"], "tls_untrusted", "{refused}");
    assert!(refused["failure"]["message"].as_str().unwrap().contains("Old Authority"), "{refused}");
    wait_for_class(&site, Some("tls_untrusted"));
    azure.server().set_identity(&issued(&new)).unwrap();
    let second = repository.commit("main", "second", &[case("Test Cases/New", "9")]).unwrap();
    site.wait_for_commit("shop", &second);
    wait_for_class(&site, None);
}

#[test]
fn a_server_with_a_new_chain_is_accepted_once_its_authority_is_in_the_file() {
    let site = Site::new();
    let repository = SampleRepository::create(site.path("azure/contoso/payments/_git/checkout")).unwrap();
    repository.commit("main", "first", &small_project()).unwrap();
    let [old, new] = ["Old Authority", "New Authority"].map(|name| Authority::new(name).unwrap());
    let azure = AzureServer::start(AzureOptions::new(site.path("azure")).identity(issued(&new))).unwrap();
    azure.set_token("a-token", &[AzureScope::CodeRead]);
    let (ca, token) = (site.secret_file("replaced.pem", old.pem()), site.secret_file("token", "a-token"));
    let connection = Connection::new("way", &azure.url("/contoso/payments/_git/checkout")).azure().trusting(&ca);
    site.configure(&connection.token_in(&token).api_token_in(&token).to_string());
    let _agent = site.agent();
    wait_for_class(&site, Some("tls_untrusted"));
    site.secret_file("replaced.pem", &format!("{}{}", old.pem(), new.pem()));
    wait_for_class(&site, None);
}

/// A repository behind SSH, and a link to it.
struct Reached {
    site: Site,
    server: SshServer,
    commit: String,
}

impl Reached {
    fn new() -> Self {
        let (site, commit) = site_with_shop();
        let ours = SshKey::generate(SshKeyKind::Ed25519, SshKeyFormat::OpenSsh, None).unwrap();
        let options = SshOptions::new(site.path("repositories")).authorize(&ours).host_keys([SshKeyKind::Rsa]);
        let server = SshServer::start(options).unwrap();
        let known = site.secret_file("known_hosts", &server.known_hosts("127.0.0.1"));
        let key = site.secret_file("key", ours.private_text());
        let connection = Connection::new("way", &server.url("/shop.git"));
        let connection = connection.key_in(&key, &format!("known_hosts = {known:?}"));
        site.configure(&format!("{connection}{}", connection.link("shop")));
        Self { site, server, commit }
    }

    /// Gives the server another key, and waits until the link has met it.
    fn change_host_key(&self) {
        self.site.wait_for_commit("shop", &self.commit);
        let next = SshKey::generate(SshKeyKind::Rsa, SshKeyFormat::OpenSsh, None).unwrap();
        self.server.set_host_key(&next).unwrap();
        self.server.close_connections();
        let refused = self.site.wait_for_link("shop", "error");
        assert_eq!(refused["failure"]["class"], "host_key_mismatch", "{refused}");
    }
}

#[test]
fn a_replaced_known_hosts_file_counts_at_once() {
    let reached = Reached::new();
    let _agent = reached.site.agent();
    reached.change_host_key();
    reached.site.secret_file("known_hosts", &reached.server.known_hosts("127.0.0.1"));
    reached.site.wait_for_commit("shop", &reached.commit);
    assert_eq!(reached.site.connection_view("way")["status"], "active");
}

#[test]
fn a_host_key_that_changes_under_a_link_holds_its_connection() {
    let reached = Reached::new();
    let _agent = reached.site.agent();
    reached.change_host_key();
    let is_held = || reached.site.connection_view("way")["held"].as_bool().filter(|held| *held);
    wait_within(SOON, "the connection to be held", is_held);
}

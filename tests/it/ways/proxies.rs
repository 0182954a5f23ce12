//! Through proxies of HTTP and HTTPS, for Git over HTTPS and SSH; and past them where `no_proxy` says so.

use suitesync_loopback::{
    Authority, GitServer, IssueOptions, ProxyOptions, ProxyServer, ServerOptions, SshKey, SshKeyFormat, SshKeyKind,
    SshOptions, SshServer,
};

use super::{check_synced, site_with_shop, way_to};
use crate::support::Site;
use crate::support::connection::Connection;

/// A name that leads nowhere but through the proxy.
const HOST: &str = "git.example.org";

/// A server that is called `git.example.org`.
fn named_server(site: &Site) -> (GitServer, Authority) {
    let (authority, _) = site.authority("Own Authority");
    let identity = authority.issue(&IssueOptions::for_names([HOST])).unwrap();
    (GitServer::start(ServerOptions::new(site.path("repositories")).identity(identity)).unwrap(), authority)
}

/// The delegate behind a proxy that wants a password.
fn delegate(site: &Site, proxy: &ProxyServer, others: &str) -> String {
    let password = site.secret_file("proxy-password", "proxy sesame");
    format!(
        "[[delegate]]\nname = \"local\"\nadditional_certs_path = {:?}\n{others}\n\
         proxy = {{ url = {:?}, username = \"svc\", password = {{ file = {password:?} }} }}\n\n",
        site.path("Own-Authority.pem"),
        proxy.url()
    )
}

fn asking() -> ProxyOptions {
    ProxyOptions::new().user("svc", "proxy sesame")
}

#[test]
fn through_a_proxy_that_wants_a_password() {
    let (site, commit) = site_with_shop();
    let (server, _) = named_server(&site);
    let proxy = ProxyServer::start(asking().map(HOST, server.address())).unwrap();
    let connection = way_to(&site, &format!("https://{HOST}/shop.git"));
    check_synced(&site, &delegate(&site, &proxy, ""), &connection, &commit);
    let tunnels = proxy.tunnels();
    assert!(!tunnels.is_empty() && tunnels.iter().all(|tunnel| *tunnel == format!("{HOST}:443")), "{tunnels:?}");
}

#[test]
fn through_a_proxy_that_is_reached_over_tls() {
    let (site, commit) = site_with_shop();
    let (server, authority) = named_server(&site);
    let identity = authority.issue(&IssueOptions::default()).unwrap();
    let proxy = ProxyServer::start(asking().map(HOST, server.address()).identity(identity)).unwrap();
    assert!(proxy.url().starts_with("https://"));
    let connection = way_to(&site, &format!("https://{HOST}/shop.git"));
    check_synced(&site, &delegate(&site, &proxy, ""), &connection, &commit);
    assert!(proxy.tunnels().iter().all(|tunnel| *tunnel == format!("{HOST}:443")));
}

#[test]
fn past_the_proxy_where_no_proxy_names_the_host() {
    let (site, commit) = site_with_shop();
    let server = super::server(&site, |options, _| options);
    let proxy = ProxyServer::start(asking()).unwrap();
    let exempt = delegate(&site, &proxy, "no_proxy = [\".example.org\", \"127.0.0.0/8\"]");
    check_synced(&site, &exempt, &way_to(&site, &server.url("/shop.git")), &commit);
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn ssh_through_both_kinds_of_proxy() {
    for over_tls in [false, true] {
        let (site, commit) = site_with_shop();
        let (authority, _) = site.authority("Own Authority");
        let key = SshKey::generate(SshKeyKind::Ed25519, SshKeyFormat::OpenSsh, None).unwrap();
        let server = SshServer::start(SshOptions::new(site.path("repositories")).authorize(&key)).unwrap();
        let options = asking().map(HOST, server.address());
        let identity = authority.issue(&IssueOptions::default()).unwrap();
        let options = if over_tls { options.identity(identity) } else { options };
        let proxy = ProxyServer::start(options).unwrap();
        let words = server.known_hosts(HOST).replace(&format!("[{HOST}]:{}", server.address().port()), HOST);
        let known = site.secret_file("known_hosts", &words);
        let url = format!("ssh://{}@{HOST}/shop.git", server.user());
        let file = site.secret_file("key", key.private_text());
        let connection = Connection::new("way", &url).key_in(&file, &format!("known_hosts = {known:?}"));
        check_synced(&site, &delegate(&site, &proxy, ""), &connection, &commit);
        assert!(proxy.tunnels().iter().all(|tunnel| *tunnel == format!("{HOST}:22")));
    }
}

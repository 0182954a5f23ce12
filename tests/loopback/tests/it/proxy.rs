//! What `curl` and Git see of the proxy.

use std::net::SocketAddr;
use std::process::Output;

use suitesync_loopback::{GitServer, IssueOptions, Login, ProxyFault, ProxyOptions, ProxyServer};

use crate::curl::{curl, curl_command};
use crate::support::{DEADLINE, REPOSITORY, Site, stderr, stdout};

const CREDENTIALS: &str = "Basic c3ZjOnNlc2FtZQ=="; // "svc:sesame"
const TIMED_OUT: i32 = 28;

#[test]
fn git_tunnels_to_a_name_that_only_the_proxy_knows() {
    let site = Site::new();
    let identity = site.authority.issue(&IssueOptions::for_names(["git.example.org"])).unwrap();
    let server = GitServer::start(site.plain().identity(identity)).unwrap();
    let proxy = ProxyServer::start(ProxyOptions::new().map("git.example.org", server.address())).unwrap();

    let setting = format!("http.proxy={}", proxy.url());
    let listed = site.git(&["-c", &setting, "ls-remote", &format!("https://git.example.org{REPOSITORY}"), "HEAD"]);

    assert_eq!(stdout(&listed), format!("{}\tHEAD\n", site.commit), "{}", stderr(&listed));
    assert_eq!(proxy.tunnels(), ["git.example.org:443"]);
    assert_eq!(server.connections(), 1);
}

#[test]
fn requests_in_absolute_form_are_passed_on() {
    let site = Site::new();
    let server = GitServer::start(site.plain()).unwrap();
    let proxy = ProxyServer::start(ProxyOptions::new().user("svc", "sesame")).unwrap();
    let url = server.url(&format!("{REPOSITORY}/HEAD"));

    let answered = curl(&["--proxy", &proxy.url(), "--proxy-user", "svc:sesame", &url]);

    assert_eq!(stdout(&answered), "ref: refs/heads/main\n");
    let (asked, passed_on) = (&proxy.requests()[0], &server.requests()[0]);
    assert_eq!((asked.path.as_str(), asked.header("proxy-authorization")), (url.as_str(), Some(CREDENTIALS)));
    assert_eq!((passed_on.header("proxy-authorization"), passed_on.header("proxy-connection")), (None, None));
    assert!(proxy.tunnels().is_empty());
}

#[test]
fn a_proxy_over_tls_shows_its_own_certificate() {
    let site = Site::new();
    let server = GitServer::start(site.https()).unwrap();
    let identity = site.authority.issue(&IssueOptions::for_names(["localhost"])).unwrap();
    let proxy = ProxyServer::start(ProxyOptions::new().identity(identity)).unwrap();
    let trusted = site.folder.path().join("ca.pem").display().to_string();
    let url = server.url(&format!("{REPOSITORY}/HEAD"));

    let ask = |proxy: &str| curl(&["--cacert", &trusted, "--proxy-cacert", &trusted, "--proxy", proxy, &url]);

    assert_eq!(stdout(&ask(&proxy.url_at("localhost"))), "ref: refs/heads/main\n");
    assert_eq!(proxy.tunnels(), [server.address().to_string()]);
    assert!(!ask(&proxy.url()).status.success(), "the certificate is not for 127.0.0.1");
}

#[test]
fn a_login_that_is_missing_or_wrong_is_answered_with_407() {
    let server = GitServer::start(Site::new().plain()).unwrap();
    let proxy = ProxyServer::start(ProxyOptions::new().user("svc", "sesame")).unwrap();
    let check = |login: &[&str], status: &str| {
        let answered = through(&proxy, server.address(), login);
        assert_eq!(stdout(&answered), status, "{}", stderr(&answered));
    };

    check(&[], "407");
    check(&["--proxy-user", "svc:wrong"], "407");
    check(&["--proxy-user", "svc:sesame"], "200");
    proxy.set_login(Login::Open);
    check(&[], "200");
    assert_eq!(proxy.tunnels().len(), 2);
}

#[test]
fn faults_of_the_proxy_are_met_before_any_tunnel() {
    let server = GitServer::start(Site::new().plain()).unwrap();
    let proxy = ProxyServer::start(ProxyOptions::new()).unwrap();
    let check = |fault: ProxyFault, status: &str, code: i32| {
        proxy.set_fault(fault);
        let answered = through(&proxy, server.address(), &["--max-time", "1"]);
        assert_eq!((stdout(&answered).as_str(), answered.status.code()), (status, Some(code)), "{fault:?}");
    };

    check(ProxyFault::Status(403), "403", 56);
    check(ProxyFault::Status(502), "502", 56);
    check(ProxyFault::SilentAfterRequest, "000", TIMED_OUT);
    check(ProxyFault::Reset, "000", 56);
    check(ProxyFault::CloseAtOnce, "000", 56);
    assert!(proxy.tunnels().is_empty());
    check(ProxyFault::SilentTunnel, "200", TIMED_OUT);
    proxy.clear_fault();
    assert_eq!(stdout(&through(&proxy, server.address(), &[])), "200");
}

#[test]
fn a_host_that_is_neither_mapped_nor_here_is_not_reached() {
    let proxy = ProxyServer::start(ProxyOptions::new()).unwrap();

    let answered = through(&proxy, "192.0.2.1:443".parse().unwrap(), &[]);

    assert_eq!(stdout(&answered), "502");
    assert!(proxy.tunnels().is_empty());
}

#[test]
fn stopping_ends_the_tunnels() {
    let server = GitServer::start(Site::new().plain()).unwrap();
    let proxy = ProxyServer::start(ProxyOptions::new()).unwrap();
    proxy.set_fault(ProxyFault::SilentTunnel);
    let url = format!("http://{}/", server.address());
    let mut asking = curl_command(&["--proxytunnel", "--proxy", &proxy.url(), &url]).spawn().unwrap();
    assert!(proxy.wait_for_requests(1, DEADLINE));

    proxy.stop();

    assert!(!asking.wait().unwrap().success());
}

/// What the proxy answered to CONNECT, as a status, when asked for a tunnel to this address.
fn through(proxy: &ProxyServer, address: SocketAddr, options: &[&str]) -> Output {
    let (proxy, url) = (proxy.url(), format!("http://{address}/"));
    let fixed = ["--proxytunnel", "--output", "/dev/null", "--write-out", "%{http_connect}", "--proxy", &proxy, &url];
    curl(&[options, &fixed].concat())
}

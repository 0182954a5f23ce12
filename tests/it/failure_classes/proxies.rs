//! Proxies that are down, refuse, or want to know who asks. A delegate has one, so each is an agent of its own.

use suitesync_contract::FailureClass;
use suitesync_loopback::{Authority, IssueOptions, Login, ProxyFault, ProxyOptions, ProxyServer, RawAnswer, RawServer};

use super::{Row, Scene};
use crate::support::Site;
use crate::support::connection::Connection;

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "closed-proxy",
        class: FailureClass::Proxy,
        step: "connect",
        says: &["failed to reach {host} from delegate local through proxy 127.0.0.1:1: the proxy cannot be reached: "],
        hint: "check the proxy's address",
    },
    Row {
        name: "unknown-proxy",
        class: FailureClass::Proxy,
        step: "dns",
        says: &["through proxy proxy.invalid:3128: the name of the proxy cannot be resolved: "],
        hint: "check the proxy's host name and the resolver",
    },
    Row {
        name: "forbidding-proxy",
        class: FailureClass::Proxy,
        step: "connect",
        says: &["from delegate local through proxy {proxy}: the proxy refused the tunnel with http 403"],
        hint: "have the proxy allow CONNECT to {host}, or name the host in `no_proxy`",
    },
    Row {
        name: "failing-proxy",
        class: FailureClass::Proxy,
        step: "connect",
        says: &["from delegate local through proxy {proxy}: the proxy cannot reach the server behind it, http 502"],
        hint: "check that {host} is up and that the proxy knows its name",
    },
    Row {
        name: "no-http-proxy",
        class: FailureClass::Proxy,
        step: "connect",
        says: &["from delegate local through proxy {proxy}: the proxy does not answer in HTTP"],
        hint: "check the proxy's port",
    },
    Row {
        name: "untrusted-proxy",
        class: FailureClass::Proxy,
        step: "connect",
        says: &["from delegate local through proxy {proxy}: the proxy's TLS is not accepted: ", "`Proxy Authority`"],
        hint: "put the certificate of `Proxy Authority` into `additional_certs_path`",
    },
    Row {
        name: "silent-proxy",
        class: FailureClass::Timeout,
        step: "connect",
        says: &["from delegate local through proxy {proxy}: the proxy stayed silent for 10 s"],
        hint: "check the load of the proxy",
    },
    Row {
        name: "asking-proxy",
        class: FailureClass::ProxyAuth,
        step: "connect",
        says: &["from delegate local through proxy {proxy}: the proxy asks for credentials and none are set, http 407"],
        hint: "set `username` and `password` of the delegate's `proxy`",
    },
    Row {
        name: "rejecting-proxy",
        class: FailureClass::ProxyAuth,
        step: "connect",
        says: &["from delegate local through proxy {proxy}: the proxy rejected the credentials that were sent"],
        hint: "check the user and password of the proxy",
    },
    Row {
        name: "foreign-proxy",
        class: FailureClass::ProxyAuth,
        step: "connect",
        says: &["through proxy {proxy}: the proxy takes none of our ways to sign in, only Negotiate, NTLM, http 407"],
        hint: "have the proxy take Basic",
    },
];

/// Tests a connection through a proxy; `value` is what the delegate's `proxy` is.
fn check_through(name: &str, value: &str) {
    let mut scene = Scene::new(Site::new());
    scene.preface = format!("[[delegate]]\nname = \"local\"\nproxy = {value}\n\n");
    let address = value.split("://").nth(1).unwrap().split('"').next().unwrap();
    scene.name("{proxy}", address);
    let connection = Connection::new(name, &scene.site.server.url("/shop.git"));
    scene.add(connection.trusting(&scene.site.path("ca.pem")).token("SITE_TOKEN"));
    let row = ROWS.iter().position(|row| row.name == name).unwrap();
    scene.check(&ROWS[row..=row]);
    assert_eq!(scene.site.server.connections(), 0, "{name}: nothing reached the server");
}

fn check_faulty(name: &str, fault: ProxyFault) {
    let proxy = ProxyServer::start(ProxyOptions::new()).unwrap();
    proxy.set_fault(fault);
    check_through(name, &format!("{:?}", proxy.url()));
}

#[test]
fn a_proxy_that_is_not_there_is_told() {
    check_through("closed-proxy", "\"http://127.0.0.1:1\"");
    check_through("unknown-proxy", "\"http://proxy.invalid:3128\"");
}

#[test]
fn a_proxy_that_refuses_is_told_with_its_answer() {
    check_faulty("forbidding-proxy", ProxyFault::Status(403));
    check_faulty("failing-proxy", ProxyFault::Status(502));
}

#[test]
fn a_proxy_that_speaks_something_else_is_told() {
    let other = RawServer::start(RawAnswer::ssh_banner()).unwrap();
    check_through("no-http-proxy", &format!("\"http://{}\"", other.address()));
    let authority = Authority::new("Proxy Authority").unwrap();
    let identity = authority.issue(&IssueOptions::default()).unwrap();
    let secure = ProxyServer::start(ProxyOptions::new().identity(identity)).unwrap();
    check_through("untrusted-proxy", &format!("{:?}", secure.url()));
}

#[test]
fn a_proxy_that_takes_no_credentials_of_ours_is_told_with_what_it_takes() {
    let answer = b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n";
    let windows = RawServer::start(RawAnswer::Reply(answer.to_vec())).unwrap();
    let value = format!(
        "{{ url = \"http://{}\", username = \"svc\", password = {{ env = \"WRONG_TOKEN\" }} }}",
        windows.address()
    );
    check_through("foreign-proxy", &value);
}

#[test]
fn a_proxy_that_stays_silent_costs_its_time_limit() {
    check_faulty("silent-proxy", ProxyFault::SilentAfterRequest);
}

#[test]
fn a_proxy_that_wants_to_know_who_asks_is_told() {
    let proxy = ProxyServer::start(ProxyOptions::new()).unwrap();
    proxy.set_login(Login::User { name: "svc".to_owned(), password: "something-else".to_owned() });
    check_through("asking-proxy", &format!("{:?}", proxy.url()));
    let value = format!("{{ url = {:?}, username = \"svc\", password = {{ env = \"WRONG_TOKEN\" }} }}", proxy.url());
    check_through("rejecting-proxy", &value);
    assert!(proxy.tunnels().is_empty());
}

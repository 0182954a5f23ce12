//! `proxy` and `no_proxy` of the delegate.

use insta::assert_snapshot;
use suitesync_contract::SecretRef;

use super::{check_errors, config, load_with, problems};
use crate::config::{DelegateConfig, ProxyLogin, ProxySetting, Secrets};

/// A delegate with these lines.
fn with(lines: &str) -> String {
    format!("[[delegate]]\nname = \"here\"\n{lines}\n")
}

fn delegate(lines: &str) -> DelegateConfig {
    config(&with(lines)).delegates.remove(0)
}

/// The delegate that goes out as these variables say.
fn by_environment(variables: &[(&str, &str)]) -> DelegateConfig {
    let loaded = load_with(&with("proxy = \"environment\"\nno_proxy = [\"localhost\"]"), variables.iter().copied());
    loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics)).delegates.remove(0)
}

#[test]
fn a_proxy_is_a_url_or_a_table() {
    let plain = delegate("proxy = \"http://proxy.dc1:3128/\"\nno_proxy = [\"10.0.0.0/8\", \".corp:8443\"]");
    assert_eq!(plain.proxy, Some(ProxySetting { url: "http://proxy.dc1:3128".to_owned(), login: None }));
    assert_eq!(plain.no_proxy, ["10.0.0.0/8", ".corp:8443"]);
    let table = "proxy = { url = \"https://proxy.dc1\", username = \"svc\", password = { env = \"PAT\" } }";
    let password = SecretRef::Env("PAT".to_owned());
    let login = Some(ProxyLogin::Written { username: "svc".to_owned(), password });
    assert_eq!(delegate(table).proxy, Some(ProxySetting { url: "https://proxy.dc1:443".to_owned(), login }));
    assert_eq!((delegate("").proxy, delegate("").no_proxy), (None, Vec::new()));
}

#[test]
fn proxies_that_cannot_be_used_are_refused_with_what_to_write() {
    let check = |value: &str, message: &str| check_errors(&with(&format!("proxy = {value}")), &[message]);
    check("\"socks5://proxy.dc1:1080\"", "`proxy` is not usable: a SOCKS proxy is not supported");
    check("\"ftp://proxy.dc1\"", "`proxy` is not usable: the URL's scheme is neither http nor https");
    check("\"http://proxy.dc1/pac\"", "`proxy` is not usable: the URL goes on behind the proxy's host and port");
    check("{ url = \"http://svc@p:1\" }", "`url` is not usable: the URL holds a user or a password");
    check("{ username = \"svc\", password = { env = \"PAT\" } }", "`proxy` lacks `url`");
    check("{ url = \"http://p:1\", username = \"svc\" }", "`proxy` lacks `password`");
    check("{ url = \"http://p:1\", password = { env = \"PAT\" } }", "`proxy` lacks `username`");
    check("1", "`proxy` is a text in quotes, not a number");
    assert_snapshot!(problems(&with("proxy = \"proxy.dc1:3128\"")), @r#"error 3:9 `proxy` is not usable: the URL has no scheme [did you mean "http://proxy.dc1:3128"?]"#);
}

#[test]
fn a_password_in_a_proxys_url_is_refused_and_not_shown() {
    for url in ["http://svc:hunter2@proxy.dc1:3128", "svc:hunter2@proxy.dc1:3128", "http://svc:hunter2/x@proxy.dc1"] {
        for text in [with(&format!("proxy = \"{url}\"")), with(&format!("proxy = \"{url}"))] {
            let loaded = load_with(&text, []);
            assert!(loaded.config.is_none(), "{text}");
            let shown: String = loaded.diagnostics.iter().map(|d| format!("{d:?}\n{}\n", d.render())).collect();
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}

#[test]
fn exceptions_are_checked() {
    let check = |rule: &str| {
        let found = problems(&with(&format!("proxy = \"http://p:1\"\nno_proxy = [\"{rule}\"]")));
        assert!(found.starts_with("error 4:13 `no_proxy` is not usable: "), "{found}");
    };
    ["", "10.0.0.0/33", "https://git.corp", "*.*.corp", "git.corp:0"].into_iter().for_each(check);
    let alone = problems(&with("no_proxy = [\"localhost\"]"));
    assert!(alone.starts_with("warning 3:1 `no_proxy` says nothing where there is no `proxy`"), "{alone}");
}

#[test]
fn the_environment_names_a_proxy_and_its_exceptions() {
    let url = |variables: &[(&str, &str)]| by_environment(variables).proxy.map(|proxy| proxy.url);
    assert_eq!(url(&[]), None);
    assert_eq!(url(&[("HTTPS_PROXY", "http://a:1"), ("https_proxy", "http://b:1")]).unwrap(), "http://a:1");
    assert_eq!(url(&[("https_proxy", "b"), ("HTTP_PROXY", "http://c:1")]).unwrap(), "http://b:80");
    assert_eq!(url(&[("HTTP_PROXY", "http://c:1"), ("ALL_PROXY", "socks5://d:1")]).unwrap(), "http://c:1");
    assert_eq!(url(&[("HTTPS_PROXY", ""), ("all_proxy", "https://e")]).unwrap(), "https://e:443");
    let exempt = by_environment(&[("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", "git.corp, 10.0.0.0/8,,")]).no_proxy;
    assert_eq!(exempt, ["localhost", "git.corp", "10.0.0.0/8"]);
}

#[test]
fn faults_of_the_environment_are_told_where_it_is_asked_for() {
    let loaded = load_with(&with("proxy = \"environment\""), [("ALL_PROXY", "socks5://me:hunter2@d:1")]);
    assert_snapshot!(loaded.diagnostics[0].message, @"the environment variable ALL_PROXY is not usable: a SOCKS proxy is not supported");
    let loaded =
        load_with(&with("proxy = \"environment\""), [("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", "a,192.168.*")]);
    assert!(loaded.diagnostics[0].message.starts_with("NO_PROXY holds a rule that is left out: "));
    assert_eq!(loaded.config.unwrap().delegates[0].no_proxy, ["a"]);
}

#[test]
fn user_and_password_of_the_environment_are_kept_nowhere_but_where_they_are() {
    let variables = [("HTTPS_PROXY", "http://svc:p%40hunter2@proxy.dc1:3128")];
    let proxy = by_environment(&variables).proxy.unwrap();
    assert_eq!(
        (proxy.url.as_str(), &proxy.login),
        ("http://proxy.dc1:3128", &Some(ProxyLogin::InVariable("HTTPS_PROXY".to_owned())))
    );
    assert!(!format!("{proxy:?}").contains("hunter2"));
    let secrets = Secrets::new([].into(), crate::config::Environment::of(variables));
    let (username, password) = secrets.resolve_proxy_login(proxy.login.as_ref().unwrap()).unwrap();
    assert_eq!((username.as_str(), password.expose()), ("svc", "p@hunter2"));
    assert_eq!(format!("{password:?}"), "[secret env:HTTPS_PROXY]");
}

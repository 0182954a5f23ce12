//! What a delegate refuses, and why.

use suitesync_contract::{
    ClientCertificate, Credentials, HostKeys, LinkView, ObjectId, ProbeTask, Provider, RefSpec, RepoUrl, RunId,
    SyncTask, TaskId,
};

use super::*;

fn secret(name: &str) -> SecretRef {
    SecretRef::Secret(name.parse().unwrap())
}

fn guard() -> Guard {
    let permission =
        |hosts: &[&str], runs| Permission { hosts: hosts.iter().map(|h| h.parse().unwrap()).collect(), runs };
    let secrets = [
        ("git", permission(&["git.example.org", "plain.example.org:80"], false)),
        ("api", permission(&["api.example.org"], false)),
        ("license", permission(&[], true)),
    ];
    let secrets = secrets.into_iter().map(|(name, permission)| (name.parse().unwrap(), permission));
    Guard { secrets: secrets.collect(), executes_runs: true }
}

fn access(url: &str, password: Option<SecretRef>) -> Access {
    Access {
        connection: "contoso".parse().unwrap(),
        url: RepoUrl::parse(url, Provider::Git).unwrap().repository,
        credentials: password.map(|password| Credentials::Basic { username: String::new(), password }),
        host_keys: HostKeys::default(),
        client_certificate: None,
        additional_certs: None,
        allow_plain_http: true,
        api: None,
    }
}

fn task(access: Access, work: Work) -> Task {
    Task { id: TaskId(1), time_limit_ms: 1000, access, work }
}

fn probe(access: Access) -> Task {
    task(access, Work::Probe(ProbeTask { revision: 1 }))
}

fn run(change: impl FnOnce(&mut RunTask)) -> Task {
    let mut work = RunTask {
        run: RunId(1),
        fence: 1,
        link: "shop".parse().unwrap(),
        commit: "1234567890123456789012345678901234567890".parse::<ObjectId>().unwrap(),
        root: "projects/shop".to_owned(),
        suite: "Test Suites/Smoke".to_owned(),
        command: vec!["katalonc".to_owned()],
        environment: [("LICENSE".to_owned(), EnvironmentValue::Secret(secret("license")))].into(),
        results: vec!["Reports/**/*.xml".to_owned()],
        timeout_ms: 1000,
    };
    change(&mut work);
    task(access(GIT, None), Work::Run(work))
}

const GIT: &str = "https://git.example.org/shop.git";

fn check(task: &Task, expect: Option<&str>) {
    let refusal = guard().check(task).err();
    assert_eq!(refusal.as_ref().map(|failure| failure.message.as_str()), expect);
    if let Some(failure) = refusal {
        assert_eq!(failure.class, FailureClass::SecretUnavailable);
    }
}

#[test]
fn a_secret_goes_to_its_hosts_and_nowhere_else() {
    check(&probe(access(GIT, None)), None);
    check(&probe(access(GIT, Some(secret("git")))), None);
    check(&probe(access("https://GIT.example.org:8443/shop.git", Some(secret("git")))), None);
    let elsewhere = probe(access("https://evil.example.org/shop.git", Some(secret("git"))));
    check(&elsewhere, Some("[secret git] may not be sent to evil.example.org:443"));
    check(&probe(access(GIT, Some(secret("api")))), Some("[secret api] may not be sent to git.example.org:443"));
    check(&probe(access(GIT, Some(secret("other")))), Some("[secret other] is not known here"));
}

#[test]
fn without_tls_a_secret_goes_only_where_the_port_is_named() {
    check(&probe(access("http://plain.example.org/shop.git", Some(secret("git")))), None);
    let plain = probe(access("http://git.example.org/shop.git", Some(secret("git"))));
    check(&plain, Some("[secret git] may not be sent to git.example.org:80 without TLS"));
}

#[test]
fn no_reference_but_a_name_is_looked_at() {
    for reference in [
        SecretRef::Env("HOME".to_owned()),
        SecretRef::File("/etc/shadow".to_owned()),
        SecretRef::Credential("nats".to_owned()),
        SecretRef::Command(vec!["cat".to_owned(), "/etc/shadow".to_owned()]),
    ] {
        let expect = format!("{reference} may not be named by an agent: it would be read on the delegate's host");
        check(&probe(access(GIT, Some(reference))), Some(&expect));
    }
}

#[test]
fn every_secret_of_an_access_is_looked_at() {
    let mut with_certificate = access(GIT, None);
    with_certificate.client_certificate = Some(ClientCertificate { chain: String::new(), key: secret("other") });
    check(&probe(with_certificate), Some("[secret other] is not known here"));
    let mut with_passphrase = access("ssh://git@git.example.org/shop.git", None);
    with_passphrase.credentials =
        Some(Credentials::PrivateKey { private_key: secret("git"), passphrase: Some(secret("other")) });
    check(&probe(with_passphrase), Some("[secret other] is not known here"));
}

#[test]
fn the_token_of_the_api_goes_to_the_api() {
    let with_api = |url: &str, token| {
        let mut with_api = access(GIT, None);
        with_api.api = Some(ApiAccess { url: url.to_owned(), token: secret(token) });
        probe(with_api)
    };
    check(&with_api("https://api.example.org/contoso", "api"), None);
    let expect = "[secret git] may not be sent to api.example.org:443";
    check(&with_api("https://api.example.org/contoso", "git"), Some(expect));
    let misleading = "https://api.example.org@evil.example.org/contoso";
    check(&with_api(misleading, "api"), Some("[secret api] may not be sent to evil.example.org:443"));
    check(&with_api("nonsense", "api"), Some("the address of the provider's API cannot be read"));
}

#[test]
fn a_run_has_only_secrets_that_are_meant_for_runs() {
    check(&run(|_| {}), None);
    let environment = |name| [("TOKEN".to_owned(), EnvironmentValue::Secret(secret(name)))].into();
    check(&run(|run| run.environment = environment("git")), Some("runs may not have [secret git] here"));
    let none = Guard { executes_runs: false, ..guard() };
    assert_eq!(none.check(&run(|_| {})).unwrap_err().class, FailureClass::NoEligibleDelegate);
}

#[test]
fn no_path_leads_out_of_the_repository() {
    let expect = Some("the task names a path out of the repository");
    for path in ["/etc", "..", "a/../../b", "\\windows", "a\\..\\b"] {
        check(&run(|run| run.root = path.to_owned()), expect);
        check(&run(|run| run.results = vec![path.to_owned()]), expect);
        let link = LinkView {
            link: "shop".parse().unwrap(),
            revision: 1,
            reference: RefSpec::Default,
            directory: path.to_owned(),
            known: None,
        };
        check(&task(access(GIT, None), Work::Sync(SyncTask { links: vec![link] })), expect);
    }
}

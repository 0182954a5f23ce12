//! Whole syncs over every way to a repository: logins, certificates, keys, proxies, Azure; and trust that is replaced
//! while the agent runs.

mod proxies;
mod replaced;
mod ssh;

use serde_json::{Value, json};
use suitesync_loopback::{
    Authority, AzureOptions, AzureScope, AzureServer, GitServer, IssueOptions, Login, SampleRepository, ServerOptions,
};

use crate::support::Site;
use crate::support::connection::Connection;
use crate::support::katalon::small_project;

/// A site with a repository `shop.git` of three cases; and its commit.
fn site_with_shop() -> (Site, String) {
    let site = Site::new();
    let commit = site.repository("shop.git").commit("main", "first", &small_project()).unwrap();
    (site, commit)
}

/// A server of the site's repositories behind its own authority, whose certificate is in `Own-Authority.pem`.
fn server(site: &Site, options: impl FnOnce(ServerOptions, &Authority) -> ServerOptions) -> GitServer {
    let (authority, _) = site.authority("Own Authority");
    let identity = authority.issue(&IssueOptions::default()).unwrap();
    let whole = ServerOptions::new(site.path("repositories")).identity(identity);
    GitServer::start(options(whole, &authority)).unwrap()
}

/// A connection `way` that trusts that authority.
fn way_to(site: &Site, url: &str) -> Connection {
    Connection::new("way", url).trusting(&site.path("Own-Authority.pem"))
}

/// Starts an agent on one connection with one link, tests and syncs it, and returns the test.
fn check_synced(site: &Site, preface: &str, connection: &Connection, commit: &str) -> Value {
    site.configure(&format!("{preface}{connection}{}", connection.link("shop")));
    let _agent = site.agent();
    let test = site.json(&["connection", "test", "way"]);
    assert_eq!((&test["status"], &test["failure"]), (&json!("active"), &Value::Null), "{test:#}");
    let synced = site.json(&["link", "sync", "shop", "--wait"]);
    assert_eq!((&synced["to"], &synced["failure"]), (&json!(commit), &Value::Null), "{synced:#}");
    assert_eq!(site.wait_for_commit("shop", commit)["counts"]["cases"], 3);
    test
}

#[test]
fn user_and_password_over_https() {
    let (site, commit) = site_with_shop();
    let login = Login::User { name: "qa-bot".to_owned(), password: "open sesame".to_owned() };
    let server = server(&site, |options, _| options.login(login));
    let file = site.secret_file("password", "open sesame\n");
    let credentials = format!("credentials = {{ username = \"qa-bot\", password = {{ file = {file:?} }} }}");
    check_synced(&site, "", &way_to(&site, &server.url("/shop.git")).with(credentials), &commit);
}

#[test]
fn a_bearer_token_over_https() {
    let (site, commit) = site_with_shop();
    let server = server(&site, |options, _| options.login(Login::Bearer("a-bearer-token".to_owned())));
    let file = site.secret_file("bearer", "a-bearer-token");
    let credentials = format!("credentials = {{ bearer = {{ file = {file:?} }} }}");
    check_synced(&site, "", &way_to(&site, &server.url("/shop.git")).with(credentials), &commit);
}

#[test]
fn a_client_certificate_over_https() {
    let (site, commit) = site_with_shop();
    let mut names = None;
    let server = server(&site, |options, authority| {
        names = Some(authority.issue_client("build-host-7").unwrap());
        options.client_authority(authority.clone())
    });
    let client = names.unwrap();
    let chain = site.secret_file("client.pem", client.certificate_pem());
    let key = site.secret_file("client.key", client.key_pem());
    let tls = format!("tls = {{ client_certificate = {chain:?}, client_key = {key:?} }}");
    check_synced(&site, "", &way_to(&site, &server.url("/shop.git")).with(tls), &commit);
    assert!(server.client_names().iter().all(|name| name == "build-host-7"), "{:?}", server.client_names());
}

#[test]
fn azure_with_its_api() {
    let site = Site::new();
    let repository = SampleRepository::create(site.path("azure/contoso/payments/_git/checkout")).unwrap();
    let commit = repository.commit("main", "first", &small_project()).unwrap();
    let (authority, _) = site.authority("Own Authority");
    let identity = authority.issue(&IssueOptions::default()).unwrap();
    let azure = AzureServer::start(AzureOptions::new(site.path("azure")).identity(identity)).unwrap();
    azure.set_token("a-token", &[AzureScope::CodeRead]);
    let token = site.secret_file("token", "a-token");
    let connection = way_to(&site, &azure.url("/contoso/payments/_git/checkout")).azure();
    let test = check_synced(&site, "", &connection.token_in(&token).api_token_in(&token), &commit);
    let last = test["steps"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["step"], &last["outcome"]), (&json!("api"), &json!("ok")), "{test:#}");
}

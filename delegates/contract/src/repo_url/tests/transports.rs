//! Links whose URL is of another transport or form than their connection's: one repository has one identity.

use crate::{ConnectionUrl, LinkUrl, Provider, RefSpec, RepoUrl, UrlType};

/// A repository of Services in every form that people paste.
const FORMS: [&str; 16] = [
    "https://dev.azure.com/contoso/My%20Pay/_git/checkout",
    "https://contoso@DEV.azure.com:443/Contoso/my pay/_git/Checkout/",
    "https://dev.azure.com/contoso/My%20Pay/_git/_full/checkout",
    "https://dev.azure.com/contoso/My%20Pay/_git/_optimized/checkout",
    "https://contoso.visualstudio.com/My%20Pay/_git/checkout",
    "https://contoso.visualstudio.com/DefaultCollection/My%20Pay/_git/checkout",
    "https://contoso.visualstudio.com/defaultcollection/My%20Pay/qa/_git/_optimized/checkout",
    "git@ssh.dev.azure.com:v3/contoso/My%20Pay/checkout",
    "git@ssh.dev.azure.com:/v3/contoso/My%20Pay/checkout",
    "ssh://git@ssh.dev.azure.com/v3/contoso/My%20Pay/checkout",
    "ssh://git@SSH.dev.azure.com:22/v3/CONTOSO/My%20Pay/checkout/",
    "me@vs-ssh.visualstudio.com:v3/contoso/My%20Pay/checkout",
    "ssh://me@vs-ssh.visualstudio.com:22/v3/contoso/My%20Pay/qa/_full/checkout",
    "ssh://contoso@vs-ssh.visualstudio.com/My%20Pay/_ssh/checkout",
    "ssh://contoso@vs-ssh.visualstudio.com:22/DefaultCollection/My%20Pay/qa/_ssh/_optimized/checkout",
    "contoso@vs-ssh.visualstudio.com:DefaultCollection/My%20Pay/_ssh/checkout",
];

fn connection(text: &str, url_type: UrlType) -> ConnectionUrl {
    ConnectionUrl::parse(text, Provider::implied_by(text), url_type).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn link(connection: &ConnectionUrl, text: &str) -> LinkUrl {
    connection.link(text).unwrap_or_else(|error| panic!("{text:?} under {connection}: {error}"))
}

#[test]
fn every_form_of_a_repository_on_services_is_one_under_every_connection() {
    for (url, url_type) in [
        ("https://dev.azure.com/contoso", UrlType::Organization),
        ("https://contoso.visualstudio.com/My%20Pay", UrlType::Project),
        ("git@ssh.dev.azure.com:v3/contoso/My%20Pay", UrlType::Project),
        ("contoso@vs-ssh.visualstudio.com:v3/contoso", UrlType::Organization),
        ("git@ssh.dev.azure.com:v3/contoso/My%20Pay/checkout", UrlType::Repository),
        ("https://dev.azure.com/contoso/My%20Pay/_git/checkout", UrlType::Repository),
    ] {
        let connection = connection(url, url_type);
        for form in FORMS {
            let repository = link(&connection, form).repository;
            assert_eq!(repository.identity().as_str(), "dev.azure.com/contoso/my pay/_git/checkout", "{form:?}");
            assert_eq!((repository.origin(), repository.user()), (connection.origin(), connection.user()), "{form:?}");
            let json = serde_json::to_string(&repository).unwrap();
            assert_eq!(serde_json::from_str::<RepoUrl>(&json).unwrap(), repository, "{form:?}");
        }
    }
}

#[test]
fn a_web_url_keeps_its_view_under_an_ssh_connection() {
    let check = |connection: &ConnectionUrl, text: &str| {
        let LinkUrl { repository, directory, reference } = link(connection, text);
        assert_eq!(repository.to_string(), "ssh://ssh.dev.azure.com/v3/contoso/payments/checkout", "{text:?}");
        assert_eq!((repository.user(), directory.as_deref()), (Some("git"), Some("tests")), "{text:?}");
        assert_eq!(reference, Some(RefSpec::Branch("main".to_owned())), "{text:?}");
    };
    let view = "?path=%2Ftests&version=GBmain";
    let project = connection("git@ssh.dev.azure.com:v3/contoso/payments", UrlType::Project);
    check(&project, &format!("https://dev.azure.com/contoso/payments/_git/checkout{view}"));
    check(&project, &format!("https://contoso.visualstudio.com/payments/_git/checkout{view}"));
    check(&project, &format!("checkout{view}"));
    let one = connection("git@ssh.dev.azure.com:v3/contoso/payments/checkout", UrlType::Repository);
    check(&one, &format!("https://dev.azure.com/contoso/payments/_git/checkout{view}"));
    check(&one, view);
}

#[test]
fn an_ssh_url_under_an_https_connection_has_no_login() {
    let https = connection("https://dev.azure.com/contoso/payments", UrlType::Project);
    let repository = link(&https, "git@ssh.dev.azure.com:v3/contoso/payments/checkout").repository;
    assert_eq!(repository.to_string(), "https://dev.azure.com/contoso/payments/_git/checkout");
    assert_eq!(repository.user(), None);
}

#[test]
fn both_forms_of_ssh_name_one_repository_and_the_connections_form_is_asked_for() {
    let check = |url: &str, form: &str, expect: &str| {
        let repository = link(&connection(url, UrlType::Organization), form).repository;
        assert_eq!(repository.identity().as_str(), "ssh://git.example.org/qa/shop.git", "{form:?} under {url}");
        assert_eq!(repository.ssh_path(), expect, "{form:?} under {url}");
    };
    for form in ["git@git.example.org:qa/shop.git", "ssh://git@git.example.org:22/qa/shop.git", "shop.git"] {
        check("git@git.example.org:qa", form, "qa/shop.git");
        check("ssh://git@git.example.org/~/qa", form, "qa/shop.git");
        check("ssh://git@git.example.org/qa", form, "/qa/shop.git");
        check("git@git.example.org:/qa/", form, "/qa/shop.git");
    }
    check("ssh://git@git.example.org", "git@git.example.org:qa/shop.git", "qa/shop.git");
    check("ssh://git@git.example.org", "ssh://git@git.example.org/qa/shop.git", "/qa/shop.git");
}

#[test]
fn what_an_ssh_server_is_asked_for_is_what_git_would_ask_for() {
    let check = |text: &str, expect: &str| {
        let link = RepoUrl::parse(text, Provider::implied_by(text)).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(link.repository.ssh_path(), expect, "{text:?}");
    };
    check("ssh://git@git.example.org/qa/My%20Shop.git", "/qa/My Shop.git");
    check("git@git.example.org:my%20shop.git", "my%20shop.git");
    check("git@[git.example.org:2222]:/srv/shop.git", "/srv/shop.git");
    check("git@git.example.org:~qa/shop.git", "~qa/shop.git");
    check("ssh://git@git.example.org/~qa/shop.git", "~qa/shop.git");
    check("git@ssh.dev.azure.com:v3/contoso/My%20Pay/checkout", "v3/contoso/My%20Pay/checkout");
    check("ssh://contoso@vs-ssh.visualstudio.com/My%20Pay/_ssh/checkout", "v3/contoso/My%20Pay/checkout");
    assert!(RepoUrl::parse("git@git.example.org:--upload-pack=x", Provider::Git).is_err());
}

#[test]
fn the_provider_is_told_from_the_host_alone() {
    let check = |text: &str, expect| assert_eq!(Provider::implied_by(text), expect, "{text:?}");
    check("https://contoso@dev.azure.com/contoso", Provider::AzureRepos);
    check("https://contoso.visualstudio.com", Provider::AzureRepos);
    check("git@ssh.dev.azure.com:v3/contoso/payments", Provider::AzureRepos);
    check("ssh://contoso@vs-ssh.visualstudio.com/payments/_ssh/checkout", Provider::AzureRepos);
    check("https://dev.azure.com.example.org/contoso", Provider::Git);
    check("git@git.example.org:dev.azure.com", Provider::Git);
    check("nothing", Provider::Git);
}

#[test]
fn an_address_of_unknown_kind_is_azures_where_host_or_path_may_be() {
    let check = |text: &str, expect| assert_eq!(Provider::suggested_by(text), expect, "{text:?}");
    check("git@ssh.dev.azure.com:v3/contoso/My%20Pay/checkout", Provider::AzureRepos);
    check("https://dev.azure.com/contoso/_apis/projects", Provider::AzureRepos);
    check("https://dev.azure.com.example.org/contoso", Provider::AzureRepos);
    check("http://dev.azure.com:8080/contoso", Provider::AzureRepos);
    check("https://ado.example.org/tfs/contoso/_git/checkout", Provider::AzureRepos);
    check("https://git.example.org/qa/_git", Provider::Git);
    check("git@git.example.org:qa/dev.azure.com.git", Provider::Git);
    check("/srv/contoso/payments/_git/checkout", Provider::Git);
    check("nothing", Provider::Git);
}

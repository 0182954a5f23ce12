//! Azure DevOps Servers: `server_url`, the API's address, and one Server by several schemes.

use crate::{ConnectionUrl, Provider, ServerUrl, UrlError, UrlType};

fn on_server(text: &str, url_type: UrlType, server: &str) -> Result<ConnectionUrl, UrlError> {
    ConnectionUrl::on_server(text, url_type, ServerUrl::parse(server)?)
}

fn sound(text: &str, url_type: UrlType, server: &str) -> ConnectionUrl {
    on_server(text, url_type, server).unwrap_or_else(|error| panic!("{text:?} on {server}: {error}"))
}

fn azure(text: &str, url_type: UrlType) -> ConnectionUrl {
    ConnectionUrl::parse(text, Provider::AzureRepos, url_type).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[test]
fn a_servers_url_settles_where_its_folders_end() {
    let check = |text: &str, server: &str, collection: &str, project: &str| {
        let repository = sound(text, UrlType::Repository, server).test_repository(None).unwrap();
        let names = repository.azure().unwrap();
        assert_eq!((names.account.name(), names.project.as_str()), (collection, project), "{text:?} on {server}");
    };
    let url = "https://ado.example.org/tfs/qa/contoso/_git/checkout";
    check(url, "https://ado.example.org", "tfs", "qa");
    check(url, "https://ado.example.org/tfs", "qa", "contoso");
    check(url, "https://ADO.example.org:443/TFS/qa/", "contoso", "checkout");
    check("https://ado.example.org/tfs/_git/checkout", "https://ado.example.org", "tfs", "checkout");
    check("ssh://ado.example.org:2222/tfs/qa/contoso/_ssh/checkout", "https://ado.example.org/tfs", "qa", "contoso");
}

#[test]
fn a_url_that_does_not_fit_its_server_is_refused() {
    for (text, url_type, server) in [
        ("https://ado.example.org/other/qa", UrlType::Organization, "https://ado.example.org/tfs"),
        ("https://ado.example.org/tfs", UrlType::Organization, "https://ado.example.org/tfs"),
        ("https://ado.example.org/tfs/qa", UrlType::Project, "https://ado.example.org/tfs"),
        ("https://ado.example.org/tfs/qa/contoso/team", UrlType::Project, "https://ado.example.org/tfs"),
        ("https://ado.example.org/tfs/qa/contoso", UrlType::Organization, "https://ado.example.org/tfs"),
        ("https://ado.example.org/tfs/qa", UrlType::Organization, "https://other.example.org/tfs"),
        ("http://ado.example.org/tfs/qa", UrlType::Organization, "https://ado.example.org/tfs"),
        ("https://dev.azure.com/contoso", UrlType::Organization, "https://ado.example.org"),
        ("https://ado.example.org/tfs/qa", UrlType::Organization, "ssh://ado.example.org/tfs"),
        ("https://ado.example.org/tfs/qa", UrlType::Organization, "https://dev.azure.com"),
        ("https://ado.example.org/tfs/qa", UrlType::Organization, "https://ado.example.org/tfs?a=b"),
    ] {
        assert!(on_server(text, url_type, server).is_err(), "{text:?} on {server}");
    }
}

#[test]
fn the_api_is_below_the_organization_or_the_collection() {
    let check = |text: &str, url_type, expect: &str| assert_eq!(azure(text, url_type).api_url().unwrap(), expect);
    check("https://dev.azure.com/contoso/payments", UrlType::Project, "https://dev.azure.com/contoso");
    check("https://contoso.visualstudio.com", UrlType::Organization, "https://dev.azure.com/contoso");
    check("git@ssh.dev.azure.com:v3/contoso/payments/checkout", UrlType::Repository, "https://dev.azure.com/contoso");
    check("contoso@vs-ssh.visualstudio.com:v3/contoso", UrlType::Organization, "https://dev.azure.com/contoso");
    check(
        "http://ado.example.org:8080/tfs/My Coll/payments",
        UrlType::Project,
        "http://ado.example.org:8080/tfs/My%20Coll",
    );
}

#[test]
fn the_api_of_a_server_reached_by_ssh_is_where_its_url_says() {
    let text = "ssh://git@ado.example.org:2222/tfs/qa/payments";
    assert!(azure(text, UrlType::Project).api_url().is_err());
    let known = sound(text, UrlType::Project, "https://ado.example.org:8443/tfs");
    assert_eq!(known.api_url().unwrap(), "https://ado.example.org:8443/tfs/qa");
    assert!(
        ConnectionUrl::parse("https://git.example.org/a", Provider::Git, UrlType::Repository)
            .unwrap()
            .api_url()
            .is_err()
    );
}

#[test]
fn a_server_has_one_identity_over_both_transports_by_their_usual_ports() {
    let forms = [
        "https://ado.example.org/tfs/qa/payments/_git/checkout?path=%2Ftests",
        "https://ado.example.org:443/TFS/qa/Payments/team/_git/_full/checkout?path=%2Ftests",
        "http://ado.example.org/tfs/qa/payments/_git/checkout?path=/tests",
        "ssh://me@ADO.example.org:22/tfs/qa/payments/_git/checkout?path=/tests",
        "me@ado.example.org:tfs/qa/payments/_ssh/checkout?path=/tests",
    ];
    for url in ["https://ado.example.org/tfs/qa/payments", "ssh://git@ado.example.org/tfs/qa/payments"] {
        let connection = azure(url, UrlType::Project);
        for form in forms {
            let link = connection.link(form).unwrap_or_else(|error| panic!("{form:?} under {url}: {error}"));
            assert_eq!(link.repository.identity().as_str(), "ado.example.org/tfs/qa/payments/_git/checkout");
            assert_eq!((link.repository.origin(), link.directory.as_deref()), (connection.origin(), Some("tests")));
        }
    }
}

#[test]
fn a_link_by_the_servers_own_url_is_one_of_its_ssh_connection() {
    let known =
        sound("ssh://git@ssh.example.org:2222/tfs/qa", UrlType::Organization, "https://ado.example.org:8443/tfs");
    let link = known.link("https://ado.example.org:8443/tfs/qa/payments/_git/checkout?version=GTv1").unwrap();
    assert_eq!(link.repository.to_string(), "ssh://ssh.example.org:2222/tfs/qa/payments/_git/checkout");
    assert!(known.link("https://ado.example.org/tfs/qa/payments/_git/checkout").is_err());
    assert!(known.link("https://ssh.example.org:2222/tfs/qa/payments/_git/checkout").is_err());
}

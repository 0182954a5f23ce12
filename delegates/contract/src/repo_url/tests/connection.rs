//! What a connection's URL makes of names and of links' URLs.

use crate::{ConnectionUrl, LinkUrl, Provider, RefSpec, UrlError, UrlType};

fn connection(text: &str, provider: Provider, url_type: UrlType) -> ConnectionUrl {
    ConnectionUrl::parse(text, provider, url_type).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn project(text: &str) -> ConnectionUrl {
    connection(text, Provider::AzureRepos, UrlType::Project)
}

fn organization(text: &str) -> ConnectionUrl {
    connection(text, Provider::AzureRepos, UrlType::Organization)
}

fn git(text: &str) -> ConnectionUrl {
    connection(text, Provider::Git, UrlType::Organization)
}

fn link(connection: &ConnectionUrl, text: &str) -> LinkUrl {
    connection.link(text).unwrap_or_else(|error| panic!("{text:?} under {connection}: {error}"))
}

fn check_link(connection: &ConnectionUrl, text: &str, expect: &str) {
    assert_eq!(link(connection, text).repository.to_string(), expect, "{text:?}");
}

fn check_refused(connection: &ConnectionUrl, text: &str) -> UrlError {
    match connection.link(text) {
        Ok(link) => panic!("{text:?} under {connection} was read as {}", link.repository),
        Err(error) => error,
    }
}

fn check_test_repository(connection: &ConnectionUrl, name: &str, expect: &str) {
    assert_eq!(connection.test_repository(Some(name)).unwrap().to_string(), expect, "{name:?} under {connection}");
}

#[test]
fn the_test_repository_is_named_below_an_azure_url() {
    let payments = project("https://contoso@dev.azure.com/contoso/payments/");
    check_test_repository(&payments, "My Shop", "https://dev.azure.com/contoso/payments/_git/My%20Shop");
    check_test_repository(&payments, "C#", "https://dev.azure.com/contoso/payments/_git/C%23");
    let contoso = organization("https://contoso.visualstudio.com/DefaultCollection");
    check_test_repository(&contoso, "payments/checkout", "https://contoso.visualstudio.com/payments/_git/checkout");
    let over_ssh = project("git@ssh.dev.azure.com:v3/contoso/payments");
    check_test_repository(&over_ssh, "checkout", "ssh://ssh.dev.azure.com/v3/contoso/payments/checkout");
    let server = organization("http://ado.example.org:8080/tfs/qa/contoso");
    check_test_repository(
        &server,
        "payments/checkout",
        "http://ado.example.org:8080/tfs/qa/contoso/payments/_git/checkout",
    );
}

#[test]
fn the_test_repository_is_a_path_below_a_git_url() {
    check_test_repository(
        &git("https://git.example.org"),
        "qa/My Shop.git",
        "https://git.example.org/qa/My%20Shop.git",
    );
    check_test_repository(&git("https://git.example.org/qa/"), "shop", "https://git.example.org/qa/shop");
    check_test_repository(&git("git@git.example.org:qa"), "shop", "ssh://git.example.org/qa/shop");
}

#[test]
fn a_connection_to_one_repository_tests_that_one() {
    let one = connection("https://git.example.org/qa/shop.git", Provider::Git, UrlType::Repository);
    assert_eq!(one.test_repository(None).unwrap().to_string(), "https://git.example.org/qa/shop.git");
    assert!(one.test_repository(Some("shop.git")).is_err());
}

#[test]
fn a_test_repository_that_is_missing_or_does_not_fit_is_refused() {
    assert!(project("https://dev.azure.com/contoso/payments").test_repository(None).is_err());
    for name in ["", "..", "other/checkout", "a//b"] {
        assert!(project("https://dev.azure.com/contoso/payments").test_repository(Some(name)).is_err(), "{name:?}");
    }
    assert!(organization("https://dev.azure.com/contoso").test_repository(Some("checkout")).is_err());
    assert!(git("https://git.example.org").test_repository(Some("")).is_err());
}

#[test]
fn a_url_that_names_more_than_its_type_says_is_refused_with_what_was_meant() {
    for (text, url_type, expect) in [
        (
            "https://dev.azure.com/contoso/payments/_git/checkout",
            UrlType::Project,
            "https://dev.azure.com/contoso/payments",
        ),
        ("https://dev.azure.com/contoso/_git/checkout", UrlType::Project, "https://dev.azure.com/contoso/checkout"),
        (
            "https://contoso@dev.azure.com/contoso/payments/_build?a=1",
            UrlType::Project,
            "https://dev.azure.com/contoso/payments",
        ),
        ("https://dev.azure.com/contoso/payments", UrlType::Organization, "https://dev.azure.com/contoso"),
        (
            "https://contoso.visualstudio.com/payments/_git/checkout",
            UrlType::Organization,
            "https://contoso.visualstudio.com",
        ),
        (
            "git@ssh.dev.azure.com:v3/contoso/payments/checkout",
            UrlType::Project,
            "ssh://git@ssh.dev.azure.com/v3/contoso/payments",
        ),
        (
            "https://127.0.0.1:8443/contoso/payments/_git/checkout",
            UrlType::Project,
            "https://127.0.0.1:8443/contoso/payments",
        ),
        (
            "https://dev.azure.com/contoso/p/_git/r?version=GBmain",
            UrlType::Repository,
            "https://dev.azure.com/contoso/p/_git/r",
        ),
    ] {
        let error = ConnectionUrl::parse(text, Provider::AzureRepos, url_type).unwrap_err();
        assert_eq!(error.corrected.as_deref(), Some(expect), "{text:?}: {error}");
        assert!(error.message.contains(expect), "{error}");
    }
}

#[test]
fn a_url_that_names_less_than_its_type_says_is_refused() {
    for (text, url_type) in [
        ("https://dev.azure.com/contoso", UrlType::Project),
        ("https://dev.azure.com", UrlType::Organization),
        ("https://contoso.visualstudio.com/DefaultCollection", UrlType::Project),
        ("https://ado.example.org/payments", UrlType::Project),
        ("https://ado.example.org", UrlType::Organization),
        ("ssh://git@ssh.dev.azure.com/contoso/payments", UrlType::Project),
        ("https://dev.azure.com/contoso/payments", UrlType::Repository),
        ("https://dev.azure.com.example.org/contoso/payments", UrlType::Project),
    ] {
        assert!(ConnectionUrl::parse(text, Provider::AzureRepos, url_type).is_err(), "{text:?}");
    }
}

#[test]
fn a_link_on_any_of_azures_hosts_is_brought_to_the_connections_own() {
    let expect = "https://dev.azure.com/contoso/Payments/_git/checkout";
    let payments = project("https://dev.azure.com/contoso/payments");
    check_link(&payments, expect, expect);
    check_link(&payments, "https://contoso.visualstudio.com/DefaultCollection/Payments/_git/checkout?path=/a", expect);
    let over_ssh = project("ssh://git@ssh.dev.azure.com/v3/contoso/payments");
    let repository = link(&over_ssh, "ssh://contoso@vs-ssh.visualstudio.com/payments/_ssh/checkout").repository;
    assert_eq!(repository.to_string(), "ssh://ssh.dev.azure.com/v3/contoso/payments/checkout");
    assert_eq!(repository.user(), Some("git"));
}

#[test]
fn a_link_may_be_a_path_below_the_connection() {
    let link_url = link(&project("https://dev.azure.com/contoso/payments"), "checkout?path=%2Ftests&version=GBmain");
    assert_eq!(link_url.repository.path(), "/contoso/payments/_git/checkout");
    assert_eq!(link_url.directory.as_deref(), Some("tests"));
    assert_eq!(link_url.reference, Some(RefSpec::Branch("main".to_owned())));
    let expect = "https://dev.azure.com/contoso/payments/_git/checkout";
    check_link(&organization("https://dev.azure.com/contoso"), "payments/checkout", expect);
    check_link(&organization("https://dev.azure.com/contoso"), "payments/_git/checkout", expect);
    check_link(&git("https://git.example.org/qa"), "web/shop.git", "https://git.example.org/qa/web/shop.git");
}

#[test]
fn a_connections_url_settles_where_a_servers_collection_ends() {
    let nested = project("https://ado.example.org/tfs/folder/contoso/payments");
    let url = link(&nested, "https://ado.example.org/TFS/folder/contoso/payments/qa/_git/checkout").repository;
    let names = url.azure().unwrap();
    assert_eq!(names.account.segments(), ["tfs", "folder", "contoso"]);
    assert_eq!((names.project.as_str(), names.repository.as_str()), ("payments", "checkout"));
    let short = project("https://ado.example.org/tfs/payments");
    let url = link(&short, "https://ado.example.org/tfs/payments/_git/checkout").repository;
    assert_eq!((url.azure().unwrap().account.name(), url.path()), ("tfs", "/tfs/payments/_git/checkout"));
    check_link(
        &short,
        "https://ado.example.org/tfs/_git/payments",
        "https://ado.example.org/tfs/payments/_git/payments",
    );
}

#[test]
fn a_link_elsewhere_is_refused_with_both_named() {
    let azure = project("https://dev.azure.com/contoso/payments");
    let server = project("https://ado.example.org:8443/contoso/payments");
    let plain = git("https://git.example.org/qa");
    for (connection, text) in [
        (&azure, "https://dev.azure.com/contoso/payments2/_git/checkout"),
        (&azure, "https://dev.azure.com/fabrikam/payments/_git/checkout"),
        (&azure, "https://ado.example.org/contoso/payments/_git/checkout"),
        (&server, "https://ado.example.org/contoso/payments/_git/checkout"),
        (&server, "http://ado.example.org:8443/contoso/payments/_git/checkout"),
        (&server, "https://ado.example.org:8443/contoso/other/_git/checkout"),
        (&server, "https://dev.azure.com/contoso/payments/_git/checkout"),
        (&plain, "https://git.example.org/qa2/shop"),
        (&plain, "https://git.example.org/qa"),
        (&plain, "https://git.example.org/QA/shop"),
        (&plain, "http://git.example.org/qa/shop"),
        (&plain, "https://git.example.org.example.com/qa/shop"),
    ] {
        let error = check_refused(connection, text);
        assert!(error.message.contains(text) && error.message.contains(&connection.to_string()), "{error}");
    }
}

#[test]
fn a_link_over_another_transport_is_refused_with_the_reason_on_plain_git_hosts() {
    let error = check_refused(&git("git@git.example.org:qa"), "https://git.example.org/qa/shop");
    assert!(error.message.contains("is over ssh, but https://git.example.org/"), "{error}");
    check_refused(&git("https://git.example.org"), "/srv/git/shop");
}

#[test]
fn a_host_without_its_scheme_is_not_taken_for_a_path() {
    let error = check_refused(&git("https://git.example.org"), "git.example.org/qa/shop");
    assert_eq!(error.corrected.as_deref(), Some("https://git.example.org/qa/shop"));
}

#[test]
fn a_connection_to_one_repository_takes_links_to_that_one_alone() {
    let one =
        connection("https://ado.example.org/a/b/c/payments/_git/checkout", Provider::AzureRepos, UrlType::Repository);
    let view = link(&one, "https://ado.example.org/a/b/c/Payments/_git/checkout?path=/tests");
    assert_eq!((view.repository, view.directory.as_deref()), (one.test_repository(None).unwrap(), Some("tests")));
    assert_eq!(link(&one, "?path=/tests").directory.as_deref(), Some("tests"));
    check_refused(&one, "https://ado.example.org/a/b/c/payments/_git/basket");
    check_refused(&one, "basket");
    let plain = connection("https://git.example.org/shop", Provider::Git, UrlType::Repository);
    check_link(&plain, "https://git.example.org/shop/", "https://git.example.org/shop");
    check_refused(&plain, "https://git.example.org/shop.git");
}

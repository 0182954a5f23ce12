//! Addresses of Azure Repos, on Azure's own hosts and on Servers.

use super::{check_corrected, refusal};
use crate::{LinkUrl, Provider, RefSpec, RepoUrl};

const COMMIT: &str = "3f9a1c07d2b84e5f60718293a4b5c6d7e8f90a1b";

fn parse(text: &str) -> LinkUrl {
    RepoUrl::parse(text, Provider::AzureRepos).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn check(text: &str, shown: &str, identity: &str) {
    let url = parse(text).repository;
    assert_eq!((url.to_string().as_str(), url.identity().as_str()), (shown, identity), "{text:?}");
}

fn check_view(tail: &str, directory: Option<&str>, reference: Option<RefSpec>) {
    let link = parse(&format!("https://dev.azure.com/contoso/payments/_git/checkout{tail}"));
    assert_eq!((link.directory.as_deref(), link.reference), (directory, reference), "{tail:?}");
    assert_eq!(link.repository.path(), "/contoso/payments/_git/checkout");
}

fn branch(name: &str) -> Option<RefSpec> {
    Some(RefSpec::Branch(name.to_owned()))
}

#[test]
fn every_address_of_a_repository_on_services_has_one_identity() {
    for (text, shown) in [
        (
            "https://dev.azure.com/Contoso/Payments/_git/Checkout",
            "https://dev.azure.com/Contoso/Payments/_git/Checkout",
        ),
        (
            "https://contoso@DEV.azure.com/contoso/payments/_git/_full/checkout/",
            "https://dev.azure.com/contoso/payments/_git/checkout",
        ),
        (
            "https://contoso.visualstudio.com/defaultCollection/payments/qa/_git/checkout",
            "https://contoso.visualstudio.com/payments/_git/checkout",
        ),
        ("git@ssh.dev.azure.com:v3/contoso/payments/checkout", "ssh://ssh.dev.azure.com/v3/contoso/payments/checkout"),
        (
            "ssh://git@ssh.dev.azure.com:22/v3/contoso/payments/checkout",
            "ssh://ssh.dev.azure.com/v3/contoso/payments/checkout",
        ),
        (
            "me@vs-ssh.visualstudio.com:v3/contoso/payments/qa/_optimized/checkout",
            "ssh://vs-ssh.visualstudio.com/v3/contoso/payments/checkout",
        ),
        (
            "ssh://contoso@vs-ssh.visualstudio.com/DefaultCollection/payments/_ssh/checkout",
            "ssh://vs-ssh.visualstudio.com/v3/contoso/payments/checkout",
        ),
    ] {
        check(text, shown, "dev.azure.com/contoso/payments/_git/checkout");
    }
}

#[test]
fn a_project_that_is_left_out_is_called_like_its_repository() {
    let identity = "dev.azure.com/contoso/checkout/_git/checkout";
    check(
        "https://dev.azure.com/contoso/_git/checkout",
        "https://dev.azure.com/contoso/checkout/_git/checkout",
        identity,
    );
    check(
        "https://contoso.visualstudio.com/_git/checkout",
        "https://contoso.visualstudio.com/checkout/_git/checkout",
        identity,
    );
    check(
        "contoso@vs-ssh.visualstudio.com:_ssh/checkout",
        "ssh://vs-ssh.visualstudio.com/v3/contoso/checkout/checkout",
        identity,
    );
}

#[test]
fn names_are_encoded_once() {
    check(
        "https://dev.azure.com/contoso/Größe & Co/_git/C%23 100%25",
        "https://dev.azure.com/contoso/Gr%C3%B6%C3%9Fe%20%26%20Co/_git/C%23%20100%25",
        "dev.azure.com/contoso/größe & co/_git/c# 100%",
    );
    assert_eq!(parse("https://dev.azure.com/contoso/p/_git/My%20Shop").repository.short_name(), "My Shop");
}

#[test]
fn a_dot_git_is_part_of_the_name() {
    let plain = parse("https://dev.azure.com/contoso/payments/_git/checkout").repository;
    let other = parse("https://dev.azure.com/contoso/payments/_git/checkout.git").repository;
    assert_ne!(plain.identity(), other.identity());
}

#[test]
fn any_other_host_is_a_server() {
    for (text, folders, collection, project) in [
        ("https://127.0.0.1:8443/contoso/payments/_git/checkout", "", "contoso", "payments"),
        ("https://ado.example.org/contoso/_git/checkout", "", "contoso", "checkout"),
        ("https://ado.example.org/tfs/contoso/_git/checkout", "tfs", "contoso", "checkout"),
        ("https://ado.example.org/tfs/contoso/payments/qa/_git/checkout", "tfs", "contoso", "payments"),
        (
            "https://ado.example.org/a/b/DefaultCollection/payments/qa/_git/checkout",
            "a/b",
            "DefaultCollection",
            "payments",
        ),
        ("https://ado.example.org/a/b/contoso/payments/_git/checkout", "a/b", "contoso", "payments"),
        ("ssh://ado.example.org:22/tfs/contoso/payments/_ssh/checkout", "tfs", "contoso", "payments"),
    ] {
        let url = parse(text).repository;
        let names = url.azure().unwrap();
        let expect: Vec<&str> = folders.split('/').filter(|folder| !folder.is_empty()).chain([collection]).collect();
        assert_eq!(names.account.segments(), expect, "{text:?}");
        assert_eq!((names.account.name(), names.project.as_str()), (collection, project), "{text:?}");
        assert_eq!(names.repository, "checkout");
    }
}

#[test]
fn a_servers_path_stays_as_it_was_given() {
    check(
        "https://127.0.0.1:8443/contoso/Payments/_git/checkout?path=%2Ftests&version=GBmain",
        "https://127.0.0.1:8443/contoso/Payments/_git/checkout",
        "127.0.0.1:8443/contoso/payments/_git/checkout",
    );
}

#[test]
fn a_web_url_names_directory_and_reference() {
    let commit = Some(RefSpec::Commit(COMMIT.parse().unwrap()));
    check_view("?path=%2Ftests&version=GBmain", Some("tests"), branch("main"));
    check_view("?version=GBfix%2Fa%20b&_a=contents&path=/a/b%20c/", Some("a/b c"), branch("fix/a b"));
    check_view("?version=GTv1.2&path=%2F", None, Some(RefSpec::Tag("v1.2".to_owned())));
    check_view(&format!("?version=GC{COMMIT}&line=5"), None, commit.clone());
    check_view(&format!("/commit/{COMMIT}?refName=refs%2Fheads%2Fmain"), None, commit);
    check_view("/#version=GBmain&path=%2Ftests", Some("tests"), branch("main"));
    check_view("/pullrequest/17?_a=files", None, None);
    check_view("/branches", None, None);
    check_view("?path=&version=", None, None);
}

#[test]
fn a_view_that_cannot_be_read_is_refused_with_the_repository_alone() {
    for tail in [
        "?version=GCabc",
        "?version=main",
        "?version=GB",
        "/commit/abc",
        "/info/refs",
        "?path=/a/../b",
        "?path=/a//b",
        "?path=%00",
    ] {
        let text = format!("https://contoso@dev.azure.com/contoso/payments/_git/checkout{tail}");
        check_corrected(&text, Provider::AzureRepos, "https://dev.azure.com/contoso/payments/_git/checkout");
    }
}

#[test]
fn what_was_probably_meant_is_offered() {
    for (text, expect) in [
        (
            "ssh://git@ssh.dev.azure.com:v3/contoso/payments/checkout",
            "ssh://git@ssh.dev.azure.com/v3/contoso/payments/checkout",
        ),
        (
            "https://dev.azure.com/contoso%2Fpayments/_git/checkout",
            "https://dev.azure.com/contoso/payments/_git/checkout",
        ),
        ("dev.azure.com/contoso/payments/_git/checkout", "https://dev.azure.com/contoso/payments/_git/checkout"),
        ("https://x:hunter2@dev.azure.com/contoso/p/_git/r", "https://dev.azure.com/contoso/p/_git/r"),
    ] {
        check_corrected(text, Provider::AzureRepos, expect);
    }
}

#[test]
fn a_host_that_only_looks_like_azures_is_refused() {
    for host in [
        "visualstudio.com",
        "notvisualstudio.com",
        "a.b.visualstudio.com",
        "contoso.visualstudio.com.example.org",
        "dev.azure.com.example.org",
        "my.dev.azure.com",
        "mydev.azure.com",
        "dev.azure.com:444",
    ] {
        refusal(&format!("https://{host}/contoso/payments/_git/checkout"), Provider::AzureRepos);
    }
}

#[test]
fn what_names_no_repository_is_refused() {
    for text in [
        "https://dev.azure.com/contoso/payments",
        "https://dev.azure.com/contoso/payments/_git",
        "https://dev.azure.com/contoso/payments/_git/_full",
        "https://dev.azure.com/contoso/payments/_GIT/checkout",
        "https://dev.azure.com/contoso/payments/qa/_git/checkout",
        "https://dev.azure.com/contoso/payments/_wiki/wikis/1",
        "https://dev.azure.com/e/contoso/_git/checkout",
        "https://dev.azure.com/_git/checkout",
        "http://dev.azure.com/contoso/payments/_git/checkout",
        "https://ssh.dev.azure.com/v3/contoso/payments/checkout",
        "ssh://git@dev.azure.com/contoso/payments/_git/checkout",
        "git@ssh.dev.azure.com:v3/contoso/checkout",
        "git@ssh.dev.azure.com:v3/contoso/payments/qa/checkout",
        "ssh://vs-ssh.visualstudio.com/payments/_ssh/checkout",
        "https://ado.example.org/_git/checkout",
        "/srv/contoso/payments/_git/checkout",
    ] {
        refusal(text, Provider::AzureRepos);
    }
}

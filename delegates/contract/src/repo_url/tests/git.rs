//! Plain Git addresses.

use super::{check_corrected, refusal};
use crate::{Provider, RepoUrl, Scheme};

fn parse(text: &str) -> RepoUrl {
    RepoUrl::parse(text, Provider::Git).unwrap_or_else(|error| panic!("{text:?}: {error}")).repository
}

fn check(text: &str, shown: &str, identity: &str) {
    let url = parse(text);
    assert_eq!((url.to_string().as_str(), url.identity().as_str()), (shown, identity), "{text:?}");
}

#[test]
fn every_form_of_a_git_url_is_read() {
    for (text, shown, identity) in [
        ("https://git.example.org/qa/shop.git", "https://git.example.org/qa/shop.git", "git.example.org/qa/shop.git"),
        ("  HTTPS://Git.Example.ORG:443/QA/shop/ ", "https://git.example.org/QA/shop", "git.example.org/QA/shop"),
        ("http://git.example.org:8080/a", "http://git.example.org:8080/a", "git.example.org:8080/a"),
        ("https://[::1]:8443/my repo", "https://[::1]:8443/my%20repo", "[::1]:8443/my repo"),
        ("https://git.example.org./a%2Bb", "https://git.example.org/a%2Bb", "git.example.org/a+b"),
        (
            "ssh://git@git.example.org:2222/a.git",
            "ssh://git.example.org:2222/a.git",
            "ssh://git.example.org:2222/a.git",
        ),
        ("git@git.example.org:qa/shop.git", "ssh://git.example.org/qa/shop.git", "ssh://git.example.org/qa/shop.git"),
        ("git@[git.example.org:2222]:a", "ssh://git.example.org:2222/a", "ssh://git.example.org:2222/a"),
        ("git@git.example.org:my%20a%2Fb", "ssh://git.example.org/my%2520a%252Fb", "ssh://git.example.org/my%20a%2Fb"),
        ("git@[::1]:/srv/a.git", "ssh://[::1]/srv/a.git", "ssh://[::1]/srv/a.git"),
        ("file:///srv/git/a%20b", "file:///srv/git/a%20b", "file:///srv/git/a b"),
        ("/srv/git/a%20b", "file:///srv/git/a%2520b", "file:///srv/git/a%20b"),
    ] {
        check(text, shown, identity);
    }
}

#[test]
fn the_same_repository_has_one_identity() {
    let expect = parse("https://git.example.org/qa/shop");
    for text in [
        "http://git.example.org/qa/shop/",
        "https://qa-bot@GIT.example.org:443/qa/shop",
        "https://git.example.org/%71a/shop",
    ] {
        assert_eq!(parse(text).identity(), expect.identity(), "{text:?}");
    }
}

#[test]
fn another_repository_has_another_identity() {
    let expect = parse("https://git.example.org/qa/shop");
    for text in [
        "https://git.example.org/qa/Shop",
        "https://git.example.org/qa/shop.git",
        "https://git.example.org:8443/qa/shop",
        "ssh://git@git.example.org/qa/shop",
    ] {
        assert_ne!(parse(text).identity(), expect.identity(), "{text:?}");
    }
}

#[test]
fn a_user_is_kept_for_ssh_alone() {
    assert_eq!(parse("https://qa-bot@git.example.org/a").user(), None);
    assert_eq!(parse("ssh://qa-bot@git.example.org/a").user(), Some("qa-bot"));
    assert_eq!(parse("qa-bot@git.example.org:a").user(), Some("qa-bot"));
    assert_eq!(parse("git.example.org:a").user(), None);
}

#[test]
fn requests_go_to_the_origin_and_path() {
    let url = parse("https://qa-bot@127.0.0.1:8443/group/shop.git");
    assert_eq!(url.request_url(), "https://127.0.0.1:8443/group/shop.git");
    assert_eq!((url.origin().scheme, url.origin().to_string().as_str()), (Scheme::Https, "127.0.0.1:8443"));
    assert_eq!((url.path(), url.short_name(), url.azure()), ("/group/shop.git", "shop.git", None));
}

#[test]
fn a_password_is_refused_and_never_repeated() {
    for text in [
        "https://qa:hunter2@git.example.org/a",
        "https://qa:hunter2@x@git.example.org/a",
        "https://qa:hunter2/x@git.example.org/a",
        "https://qa:hunter2#x@git.example.org/a",
        "ssh://qa:hunter2@git.example.org/a",
        "ssh://qa:hunter2/x@git.example.org/a",
        "qa:hunter2@git.example.org:a",
        "https:/qa:hunter2@git.example.org/a",
        "https:qa:hunter2/x@git.example.org/a",
        "ssh:/qa:hunter2@git.example.org/a",
        "git:/qa:hunter2@git.example.org/a",
    ] {
        let error = refusal(text, Provider::Git);
        assert!(!format!("{error:?}").contains("hunter2"), "{text:?}: {error:?}");
    }
}

#[test]
fn what_was_probably_meant_is_offered() {
    for (text, expect) in [
        ("https://qa:hunter2@git.example.org/a?b#c", "https://git.example.org/a"),
        ("https://git.example.org/qa/shop?ref=main", "https://git.example.org/qa/shop"),
        ("https://git.example.org/qa/shop#readme", "https://git.example.org/qa/shop"),
        ("https://qa-bot@git.example.org/qa%2Fshop", "https://git.example.org/qa/shop"),
        ("ssh://git@git.example.org:qa/shop", "ssh://git@git.example.org/qa/shop"),
        ("git.example.org/qa/shop", "https://git.example.org/qa/shop"),
        ("https:/git.example.org/qa/shop?token=x", "https://git.example.org/qa/shop"),
        ("HTTPS:qa-bot:hunter2@git.example.org/a", "https://git.example.org/a"),
        ("ssh:/git@git.example.org:2222/a", "ssh://git@git.example.org:2222/a"),
    ] {
        check_corrected(text, Provider::Git, expect);
    }
}

#[test]
fn what_names_no_repository_or_misleads_is_refused() {
    for text in [
        "",
        "shop",
        "git.example.org:",
        "https://git.example.org",
        "https:///a",
        "ftp://git.example.org/a",
        "https://git.example.org:0/a",
        "https://git.example.org:+8/a",
        "https://git.example.org:65536/a",
        "https://git.example.org/a//b",
        "https://git.example.org/a/%2e%2e/b",
        "https://git.example.org/a\\b",
        "https://git.example.org/a\nb",
        "https://git.example.org/a%00",
        "https://git example.org/a",
        "ssh://-oProxyCommand=touch/a",
        "ssh://-l@git.example.org/a",
        "file://elsewhere/a",
        "file:/srv/git/a",
        "git@[git.example.org:0]:a",
    ] {
        refusal(text, Provider::Git);
    }
}

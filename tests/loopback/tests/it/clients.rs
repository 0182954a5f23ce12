//! What the real Git sees as a client: trust, logins, protocols, odd names.

use suitesync_loopback::{Change, GitServer, IssueOptions, Login, Protocol, SampleRepository};

use crate::support::{REPOSITORY, Site, stderr, stdout};

const TOKEN: &str = "canary-token";

#[test]
fn git_clones_over_https_with_the_authority_of_the_site() {
    let site = Site::new();
    let server = GitServer::start(site.https()).unwrap();

    let cloned = site.git(&["clone", "--quiet", &server.url(REPOSITORY), "clone"]);

    assert!(cloned.status.success(), "{}", stderr(&cloned));
    let readme = std::fs::read_to_string(site.folder.path().join("clone/README")).unwrap();
    assert_eq!(readme, "hello\n");
    assert_eq!(server.connections(), 1, "keep-alive serves all requests on one connection");
    assert!(server.bytes_sent() > 0 && server.bytes_received() > 0);
}

#[test]
fn git_pushes_to_whoever_has_logged_in() {
    let site = Site::new();
    let server = GitServer::start(site.https().login(Login::Bearer(TOKEN.to_owned()))).unwrap();
    let (url, login) = (server.url(REPOSITORY), format!("http.extraHeader=Authorization: Bearer {TOKEN}"));
    let source = site.repository.folder().to_str().unwrap();

    let pushed = site.git(&["-C", source, "-c", &login, "push", "--quiet", &url, "main:refs/heads/pushed"]);

    assert!(pushed.status.success(), "{}", stderr(&pushed));
    assert_eq!(site.repository.resolve("refs/heads/pushed").unwrap(), site.commit);
}

#[test]
fn a_request_without_the_token_is_answered_with_a_challenge() {
    let site = Site::new();
    let server = GitServer::start(site.https().login(Login::Token(TOKEN.to_owned()))).unwrap();

    let refused = site.git(&["-c", "credential.helper=", "ls-remote", &server.url(REPOSITORY)]);

    assert!(!refused.status.success());
    assert!(stderr(&refused).contains("could not read Username"), "{}", stderr(&refused));
    assert_eq!(server.bytes_sent(), 0);
}

#[test]
fn logins_admit_exactly_their_own_header() {
    let site = Site::new();
    let server = GitServer::start(site.https()).unwrap();
    let user = |name: &str| Login::User { name: name.to_owned(), password: TOKEN.to_owned() };
    let check = |login: Login, header: &str, admitted: bool| {
        server.set_login(login);
        let extra = format!("http.extraHeader=Authorization: {header}");
        let listed = site.git(&["-c", &extra, "ls-remote", &server.url(REPOSITORY)]);
        assert_eq!(listed.status.success(), admitted, "{header}: {}", stderr(&listed));
        assert_eq!(server.requests().last().unwrap().header("authorization"), Some(header));
    };

    check(Login::Token(TOKEN.to_owned()), "Basic OmNhbmFyeS10b2tlbg==", true); // ":canary-token"
    check(Login::Token(TOKEN.to_owned()), "Basic YWRhOmNhbmFyeS10b2tlbg==", false); // "ada:canary-token"
    check(user("ada"), "Basic YWRhOmNhbmFyeS10b2tlbg==", true);
    check(user("ada"), "Basic OmNhbmFyeS10b2tlbg==", false);
    check(Login::Bearer(TOKEN.to_owned()), "Bearer canary-token", true);
    check(Login::Bearer(TOKEN.to_owned()), "Basic OmNhbmFyeS10b2tlbg==", false);
}

#[test]
fn git_refuses_certificates_that_are_expired_or_another_hosts() {
    let site = Site::new();
    let server = GitServer::start(site.https()).unwrap();
    let check = |options: IssueOptions, said: &str| {
        server.set_identity(&site.authority.issue(&options).unwrap()).unwrap();
        let refused = site.git(&["ls-remote", &server.url_at("localhost", REPOSITORY)]);
        assert!(stderr(&refused).contains(said), "{}", stderr(&refused));
    };

    check(IssueOptions::expired(), "certificate");
    check(IssueOptions::for_names(["git.example.org"]), "certificate");
    server.set_identity(&site.authority.issue(&IssueOptions::default()).unwrap()).unwrap();
    assert!(site.git(&["ls-remote", &server.url_at("localhost", REPOSITORY)]).status.success());
}

#[test]
fn a_server_of_protocol_0_ignores_the_wish_for_2() {
    let site = Site::new();
    let check = |protocol: Protocol, speaks_version_2: bool| {
        let server = GitServer::start(site.https().protocol(protocol)).unwrap();
        let packets = packets_of_listing(&site, &server.url(REPOSITORY));
        assert_eq!(packets.contains("< version 2"), speaks_version_2, "{packets}");
    };

    check(Protocol::V2, true);
    check(Protocol::V0, false);
}

#[test]
fn repositories_with_spaces_and_letters_of_any_language_are_found() {
    let site = Site::new();
    let path = "/contoso/Prüfung Süd/_git/日本 tests";
    let other = SampleRepository::create(site.folder.path().join("served").join(&path[1..])).unwrap();
    let tip = other.commit("main", "First", &[Change::write("a", "b")]).unwrap();
    let server = GitServer::start(site.https()).unwrap();

    let listed = site.git(&["ls-remote", &server.url(path), "HEAD"]);

    assert_eq!(stdout(&listed), format!("{tip}\tHEAD\n"), "{}", stderr(&listed));
    assert_eq!(server.count("GET", &format!("{path}/info/refs")), 1);
}

#[test]
fn a_repository_that_is_not_there_is_not_found() {
    let site = Site::new();
    let server = GitServer::start(site.https()).unwrap();

    let listed = site.git(&["ls-remote", &server.url("/contoso/payments/_git/missing")]);

    assert!(stderr(&listed).contains("not found"), "{}", stderr(&listed));
}

/// The packets of a Git that asks for protocol 2.
fn packets_of_listing(site: &Site, url: &str) -> String {
    let mut listing = site.git_command(&["-c", "protocol.version=2", "ls-remote", url]);
    stderr(&listing.env("GIT_TRACE_PACKET", "1").output().unwrap())
}

//! Logins, paths, protocols and faults.

use suitesync_loopback::{Change, Protocol, SampleRepository, SshFault, SshKey, SshKeyFormat, SshKeyKind, SshServer};

use crate::ssh::site::SshSite;
use crate::support::{DEADLINE, REPOSITORY, stderr, stdout};

#[test]
fn git_clones_over_ssh_with_a_key_that_is_authorized() {
    let site = SshSite::new();
    let server = SshServer::start(site.options()).unwrap();

    let cloned = site.git_command(&server, &["clone", "--quiet", &server.url(REPOSITORY), "clone"]).output().unwrap();

    assert!(cloned.status.success(), "{}{}", stderr(&cloned), server.log());
    assert_eq!(std::fs::read_to_string(site.site.folder.path().join("clone/README")).unwrap(), "hello\n");
    assert_eq!(server.commands(), [format!("git-upload-pack '{REPOSITORY}'")]);
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_key_that_is_not_authorized_is_refused_until_it_is() {
    let site = SshSite::new();
    let server = SshServer::start(site.options()).unwrap();
    server.set_authorized_keys(&[]).unwrap();
    let refused = site.list(&server, REPOSITORY);
    assert!(stderr(&refused).contains("Permission denied (publickey)"), "{}", stderr(&refused));
    assert!(server.commands().is_empty());

    server.authorize(&site.key).unwrap();

    assert_eq!(stdout(&site.list(&server, REPOSITORY)), format!("{}\tHEAD\n", site.site.commit));
}

#[test]
fn repositories_are_found_by_every_form_of_their_path() {
    let site = SshSite::new();
    let other = SampleRepository::create(site.site.folder.path().join("served/contoso/it's Süd!/_git/my tests.git"));
    let tip = other.unwrap().commit("main", "First", &[Change::write("a", "b")]).unwrap();
    let server = SshServer::start(site.options()).unwrap();
    let check = |path: &str, expect: &str| {
        let listed = site.list(&server, path);
        assert_eq!(stdout(&listed), format!("{expect}\tHEAD\n"), "{path}: {}", stderr(&listed));
    };

    check(REPOSITORY, &site.site.commit);
    check("v3/contoso/payments/checkout", &site.site.commit);
    check("/v3/contoso/it's%20S%C3%BCd!/my%20tests", &tip);
    check("/contoso/it's%20S%C3%BCd!/_git/my%20tests.git", &tip);
}

#[test]
fn a_path_that_is_sent_encoded_is_decoded() {
    let site = SshSite::new();
    let server = SshServer::start(site.options()).unwrap();

    let answered = site.ssh(&server, &[], &["git-upload-pack '/v3/contoso/pay%6dents/checkout'"]);

    assert!(stdout(&answered).contains(&site.site.commit), "{}", stderr(&answered));
}

#[test]
fn what_is_not_a_repository_below_the_root_is_refused_as_azure_does() {
    let site = SshSite::new();
    SampleRepository::create(site.site.folder.path().join("outside")).unwrap();
    let server = SshServer::start(site.options()).unwrap();
    let check = |command: &[&str], said: &str| {
        let refused = site.ssh(&server, &[], command);
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr(&refused).starts_with(said), "{}", stderr(&refused));
    };

    check(
        &["git-upload-pack '/v3/contoso/payments/missing'"],
        "remote: TF401019: The Git repository with name or identifier missing does not exist",
    );
    check(&["git-upload-pack '/../outside'"], "remote: The path is not supported");
    check(&["git-upload-pack '/%2e%2e/outside'"], "remote: The path is not supported");
    check(&["git-upload-pack '/'"], "remote: TF401019");
    check(&["touch /tmp/nothing"], "remote: The command is not supported");
    check(&[], "remote: Shell access is not supported.");
}

#[test]
fn a_server_of_protocol_0_ignores_the_wish_for_2() {
    let site = SshSite::new();
    let check = |protocol: Protocol, speaks_version_2: bool| {
        let server = SshServer::start(site.options().protocol(protocol)).unwrap();
        std::fs::write(site.site.folder.path().join("known_hosts"), server.known_hosts("127.0.0.1")).unwrap();
        let mut listing =
            site.git_command(&server, &["-c", "protocol.version=2", "ls-remote", &server.url(REPOSITORY)]);
        let packets = stderr(&listing.env("GIT_TRACE_PACKET", "1").output().unwrap());
        assert_eq!(packets.contains("< version 2"), speaks_version_2, "{packets}");
    };

    check(Protocol::V2, true);
    check(Protocol::V0, false);
}

#[test]
fn faults_end_commands_and_go_when_cleared() {
    let site = SshSite::new();
    let server = SshServer::start(site.options()).unwrap();
    let list = || site.list(&server, REPOSITORY);
    server.set_fault(&SshFault::Refuse("You're using ssh-rsa".to_owned())).unwrap();
    assert!(stderr(&list()).starts_with("remote: You're using ssh-rsa\n"));
    server.set_fault(&SshFault::CutAfter(10)).unwrap();
    let cut = list();
    assert!(!cut.status.success() && stdout(&cut).is_empty(), "{}", stderr(&cut));

    server.clear_fault();

    assert!(list().status.success());
}

#[test]
fn a_silent_command_ends_with_its_connection() {
    let site = SshSite::new();
    let server = SshServer::start(site.options()).unwrap();
    server.set_fault(&SshFault::Silent).unwrap();
    let mut listing = site.git_command(&server, &["ls-remote", &server.url(REPOSITORY)]).spawn().unwrap();
    assert!(server.wait_for_commands(1, DEADLINE));
    assert!(listing.try_wait().unwrap().is_none());

    server.close_connections();

    assert!(!listing.wait().unwrap().success());
    server.clear_fault();
    assert!(site.list(&server, REPOSITORY).status.success(), "new connections are welcome");
}

#[test]
fn stopping_ends_the_connections_and_the_port() {
    let site = SshSite::new();
    let server = SshServer::start(site.options()).unwrap();
    server.set_fault(&SshFault::Silent).unwrap();
    let mut listing = site.git_command(&server, &["ls-remote", &server.url(REPOSITORY)]).spawn().unwrap();
    assert!(server.wait_for_commands(1, DEADLINE));
    let address = server.address();

    server.stop();

    assert!(!listing.wait().unwrap().success());
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens");
}

#[test]
fn sessions_are_as_many_as_allowed() {
    let site = SshSite::new();
    let server = SshServer::start(site.options().max_sessions(0)).unwrap();

    let refused = site.list(&server, REPOSITORY);

    assert!(!refused.status.success());
    assert!(server.commands().is_empty() && server.log().contains("Accepted publickey"), "{}", server.log());
}

#[test]
fn a_key_of_a_kind_that_azure_does_not_take_is_refused() {
    let site = SshSite::new();
    let options = site.options().host_keys([SshKeyKind::Rsa]).algorithms(suitesync_loopback::SshAlgorithms::Azure);
    let rsa = SshKey::generate(SshKeyKind::Rsa, SshKeyFormat::OpenSsh, None).unwrap();
    let server = SshServer::start(options.authorize(&rsa)).unwrap();
    assert!(!site.list(&server, REPOSITORY).status.success());

    let site = SshSite { key: rsa, ..site };

    assert!(site.list(&server, REPOSITORY).status.success(), "{}", server.log());
}

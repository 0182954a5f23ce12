//! What refs point to, and what asking costs.

use suitesync_contract::FailureClass;
use suitesync_git::Tip;
use suitesync_loopback::{Protocol, SampleRepository, SshFault};
use suitesync_reach::TimeLimits;

use super::world::{PATH, SshWorld};

#[tokio::test]
async fn a_poll_of_a_known_remote_is_one_command_on_the_kept_session() {
    let world = SshWorld::new();
    let first = world.main(&world.remote()).await.unwrap();
    let next = world.commit("Test Cases/logout.tc", b"<logout/>");
    let remote = world.remote();
    assert_ne!(world.main(&remote).await.unwrap(), first);
    assert_eq!(world.main(&remote).await.unwrap(), Tip::Commit(next));
    assert_eq!(remote.transfer().requests, 2);
    assert_eq!(world.server.connections(), 1);
    assert_eq!(world.server.commands(), vec![format!("git-upload-pack '{PATH}'"); 4]);
}

#[tokio::test]
async fn a_server_that_lets_no_version_be_set_is_polled_with_version_0() {
    let world = SshWorld::with(|options| options.protocol(Protocol::V0), TimeLimits::default());
    let remote = world.remote();
    let tip = world.commit("Test Cases/logout.tc", b"<logout/>");
    assert_eq!(world.main(&remote).await.unwrap(), Tip::Commit(tip));
    assert_eq!(world.main(&remote).await.unwrap(), Tip::Commit(tip));
    assert_eq!(remote.transfer().requests, 2);
}

#[tokio::test]
async fn fifty_repositories_are_polled_on_one_session() {
    let world = SshWorld::new();
    let paths: Vec<_> = (0..50).map(|number| format!("/many/repository-{number}")).collect();
    for path in &paths {
        SampleRepository::create(format!("{}{path}", world.folder.path().join("served").display())).unwrap();
    }
    let remotes: Vec<_> = paths.iter().map(|path| world.remote_to(path)).collect();
    let polls = remotes.into_iter().map(|remote| {
        let cancel = world.cancel.clone();
        tokio::spawn(async move { super::world::main_of(&remote, &cancel).await })
    });
    for poll in polls.collect::<Vec<_>>() {
        assert_eq!(poll.await.unwrap().unwrap(), Tip::Empty);
    }
    assert_eq!(world.server.connections(), 1);
}

#[tokio::test]
async fn a_path_with_a_space_and_a_quote_is_found() {
    let world = SshWorld::new();
    let path = "/My Project/it's a test";
    SampleRepository::create(format!("{}{path}", world.folder.path().join("served").display())).unwrap();
    let remote = world.remote_to("/My%20Project/it's%20a%20test");
    assert_eq!(world.main(&remote).await.unwrap(), Tip::Empty);
}

#[tokio::test]
async fn a_missing_repository_is_told_with_the_servers_words() {
    let world = SshWorld::new();
    let failure = world.main(&world.remote_to("/contoso/payments/gone")).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::RepositoryNotFound);
    assert!(failure.message.contains("exit status 1: TF401019: The Git repository"), "{failure}");
}

#[tokio::test]
async fn a_code_of_the_provider_refines_what_a_refusal_means() {
    let world = SshWorld::new();
    let check = async |line: &str, expect| {
        world.server.set_fault(&SshFault::Refuse(line.to_owned())).unwrap();
        let failure = world.main(&world.remote()).await.unwrap_err();
        assert_eq!(failure.class, expect, "{failure}");
        assert!(failure.message.ends_with(line), "{failure}");
    };
    check("TF401027: You need the Git 'GenericRead' permission", FailureClass::Forbidden).await;
    check("ERROR: Repository not found.", FailureClass::RepositoryNotFound).await;
    check("You're using ssh-rsa that is about to be deprecated", FailureClass::RepositoryNotFound).await;
}

#[tokio::test]
async fn an_answer_that_is_cut_is_told_and_the_session_stays() {
    let world = SshWorld::new();
    world.server.set_fault(&SshFault::CutAfter(30)).unwrap();
    let failure = world.main(&world.remote()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Protocol, "{failure}");
    world.server.clear_fault();
    assert!(world.main(&world.remote()).await.is_ok());
    assert_eq!(world.server.connections(), 1);
}

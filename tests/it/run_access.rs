//! What a run may ask of the agent, whose user it has: nothing.

use crate::support::{Site, wait_for};

#[test]
fn a_run_is_refused_at_the_socket_however_it_leaves_its_parent() {
    let (site, _repository, commit) = Site::with_shop();
    let (program, socket) = (env!("CARGO_BIN_EXE_suitesync"), site.path("agent.sock"));
    let ask = |act: &str| format!("{program} --socket {} {act}", socket.display());
    let (archive, look) = (ask("link archive shop --yes"), ask("status"));
    let script = format!(
        "{archive}; echo \"child $?\"; (setsid sh -c '{look}; echo \"orphan $?\" >orphan' &); until [ -s orphan ]; do \
         sleep 0.1; done; cat orphan"
    );
    let shop = site.connection("server", "shop.git") + &site.link("shop", "server", "shop.git", "");
    site.configure(&(shop + &site.schedule("curious", "Test Suites/Smoke", &script, "")));
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    let id = site.start("curious")[0];
    site.wait_for_run(id, "passed");
    let log = site.log_of(id);
    assert!(log.contains("child 4\n") && log.contains("orphan 4\n"), "{log}");
    assert!(log.contains("whoever executes runs may not speak with the agent"), "{log}");
    assert_eq!(site.link_view("shop")["status"], "active");
    wait_for("whoever is outside to be heard", || site.run(&["status"]).status.success().then_some(()));
}

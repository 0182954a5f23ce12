//! What the agent removes from its disk, and what it leaves.

use std::fs::{File, FileTimes};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::support::katalon::small_project;
use crate::support::{Site, wait_for};

/// Longer than mirrors are kept without a word in the configuration.
const LONG: Duration = Duration::from_secs(8 * 86_400);

/// What lies in the folder of mirrors for a repository.
fn files_of(site: &Site, repository: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(site.path("state/delegate/mirrors")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_str().unwrap().contains(repository)).collect()
}

/// Makes a mirror look unused.
fn age(site: &Site, repository: &str) {
    let lock = files_of(site, repository).into_iter().find(|path| path.extension().is_some_and(|end| end == "lock"));
    let lock = File::options().write(true).open(lock.unwrap()).unwrap();
    lock.set_times(FileTimes::new().set_modified(SystemTime::now() - LONG)).unwrap();
}

#[test]
fn the_log_of_a_run_that_was_forgotten_goes_with_the_next_start() {
    let site = Site::new();
    let (log, other) = (site.path("state/runs/77.log"), site.path("state/runs/notes.txt"));
    std::fs::create_dir_all(log.parent().unwrap()).unwrap();
    std::fs::write(&log, "left by a kill").unwrap();
    std::fs::write(&other, "not ours").unwrap();
    site.configure("");
    let _agent = site.agent();
    wait_for("the log to be removed", || (!log.exists()).then_some(()));
    assert!(other.exists());
}

#[test]
fn the_mirror_of_a_repository_without_links_goes_after_a_while_and_the_others_stay() {
    let site = Site::new();
    let [shop, gone] = ["shop", "gone"].map(|name| site.repository(&format!("{name}.git")));
    let commits = [&shop, &gone].map(|repository| repository.commit("main", "first", &small_project()).unwrap());
    site.configure(&(site.connection("server", "shop.git") + &site.link("shop", "server", "shop.git", "")));
    site.drop_in("gone.toml", &site.link("gone", "server", "gone.git", ""));
    let agent = site.agent();
    site.wait_for_commit("shop", &commits[0]);
    site.wait_for_commit("gone", &commits[1]);
    agent.stop();
    std::fs::remove_file(site.path("etc/conf.d/gone.toml")).unwrap();
    age(&site, "shop");
    age(&site, "gone");
    let _agent = site.agent();
    let removed = wait_for("the mirror to be removed", || site.events("mirror.removed").pop());
    assert_eq!((&removed["reason"], &removed["delegate"]), (&"unused".into(), &"local".into()));
    assert!(removed["mirror"].as_str().unwrap().contains("gone") && removed["bytes"].as_u64().unwrap() > 0);
    assert_eq!((files_of(&site, "gone").len(), files_of(&site, "shop").len()), (0, 2));
    assert_eq!(site.events("mirror.removed").len(), 1);
}

//! Changes of files are noticed, however they are made.

use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use super::{CONNECTION, folder, load_from, write};
use crate::config::{Config, Watcher};

/// Less than the regular look, so that only a hint can be what was noticed.
const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for a change that leaves `count` connections.
async fn wait_for(watcher: &mut Watcher, folder: &Path, count: usize) {
    wait_until(watcher, folder, |config| config.connections.len() == count).await;
}

/// Waits for a change that leaves a configuration that is as wanted, whatever else is noticed on the way.
async fn wait_until(watcher: &mut Watcher, folder: &Path, is_wanted: impl Fn(&Config) -> bool) {
    let noticed = async {
        loop {
            watcher.changed().await;
            let loaded = load_from(folder);
            watcher.watch(&loaded.watched);
            if loaded.config.as_ref().is_some_and(&is_wanted) {
                return;
            }
        }
    };
    timeout(DEADLINE, noticed).await.expect("the change is noticed before the deadline");
}

fn watcher(folder: &Path) -> Watcher {
    Watcher::new(&load_from(folder).watched)
}

fn another(name: &str) -> String {
    CONNECTION.replace("contoso\"\nprovider", &format!("{name}\"\nprovider"))
}

#[tokio::test]
async fn a_file_that_is_written_in_place_is_noticed() {
    let folder = folder(&[("suitesync.toml", "")]);
    let mut watcher = watcher(folder.path());
    write(folder.path(), "suitesync.toml", CONNECTION);
    wait_for(&mut watcher, folder.path(), 1).await;
}

#[tokio::test]
async fn a_file_that_is_renamed_over_is_noticed_every_time() {
    let folder = folder(&[("suitesync.toml", "")]);
    let mut watcher = watcher(folder.path());
    for (text, count) in [(CONNECTION, 1), ("", 0), (CONNECTION, 1)] {
        write(folder.path(), "new", text);
        std::fs::rename(folder.path().join("new"), folder.path().join("suitesync.toml")).unwrap();
        wait_for(&mut watcher, folder.path(), count).await;
    }
}

#[tokio::test]
async fn a_drop_in_that_is_added_is_noticed_even_with_its_folder() {
    let folder = folder(&[("suitesync.toml", CONNECTION)]);
    let mut watcher = watcher(folder.path());
    write(folder.path(), "conf.d/a.toml", &another("two"));
    wait_for(&mut watcher, folder.path(), 2).await;
    write(folder.path(), "conf.d/b.toml", &another("three"));
    wait_for(&mut watcher, folder.path(), 3).await;
}

#[tokio::test]
async fn a_plugin_that_is_added_or_changed_is_noticed() {
    let folder = folder(&[("suitesync.toml", "")]);
    let mut watcher = watcher(folder.path());
    for (name, capacity) in [("a", 2), ("b", 3), ("b", 4)] {
        let text = format!("command = [\"/bin/sh\"]\ncapacity = {capacity}\n");
        write(folder.path(), &format!("delegates.d/{name}/plugin.toml"), &text);
        let is_there = |config: &Config| config.delegates.iter().any(|delegate| delegate.capacity == capacity);
        wait_until(&mut watcher, folder.path(), is_there).await;
    }
}

#[tokio::test]
async fn a_folder_that_is_made_again_is_noticed_and_watched_on() {
    let folder = folder(&[("etc/suitesync.toml", "")]);
    let etc = folder.path().join("etc");
    let mut watcher = watcher(&etc);
    std::fs::remove_dir_all(&etc).unwrap();
    write(&etc, "suitesync.toml", CONNECTION);
    wait_for(&mut watcher, &etc, 1).await;
    write(&etc, "suitesync.toml", "");
    wait_for(&mut watcher, &etc, 0).await;
}

#[tokio::test]
async fn the_swap_of_a_linked_folder_is_noticed_every_time() {
    let folder = folder(&[("v1/suitesync.toml", ""), ("v2/suitesync.toml", CONNECTION), ("etc/keep", "")]);
    let etc = folder.path().join("etc");
    let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, etc.join(name)).unwrap();
    link("../v1", "..data");
    link("..data/suitesync.toml", "suitesync.toml");
    let mut watcher = watcher(&etc);
    for (target, count) in [("../v2", 1), ("../v1", 0)] {
        link(target, "..new");
        std::fs::rename(etc.join("..new"), etc.join("..data")).unwrap();
        wait_for(&mut watcher, &etc, count).await;
    }
}

#[tokio::test]
async fn the_target_of_a_linked_drop_in_is_watched() {
    let folder = folder(&[("suitesync.toml", ""), ("elsewhere/a.toml", ""), ("conf.d/README", "")]);
    std::os::unix::fs::symlink("../elsewhere/a.toml", folder.path().join("conf.d/a.toml")).unwrap();
    let mut watcher = watcher(folder.path());
    write(folder.path(), "elsewhere/a.toml", CONNECTION);
    wait_for(&mut watcher, folder.path(), 1).await;
}

#[tokio::test]
async fn reading_is_no_change() {
    let folder = folder(&[("suitesync.toml", CONNECTION)]);
    let mut watcher = watcher(folder.path());
    load_from(folder.path());
    assert!(timeout(Duration::from_millis(600), watcher.changed()).await.is_err());
}

#[tokio::test]
async fn a_poke_is_as_good_as_a_change() {
    let folder = folder(&[("suitesync.toml", "")]);
    let mut watcher = watcher(folder.path());
    let poke = watcher.poke();
    poke();
    timeout(DEADLINE, watcher.changed()).await.expect("a poke is noticed");
}

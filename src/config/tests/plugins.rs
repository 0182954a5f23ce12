//! `delegates.d/NAME/plugin.toml`: delegates that bring their own file.

use tempfile::TempDir;

use super::{CONNECTION, LINK, folder, line, load_from, write};
use crate::config::{Config, DelegateKind};

fn config(folder: &TempDir) -> Config {
    let loaded = load_from(folder.path());
    loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

fn names(folder: &TempDir) -> Vec<String> {
    config(folder).delegates.iter().map(|delegate| delegate.name.to_string()).collect()
}

/// All that is wrong with a plug-in in the folder `run`.
fn problems(plugin: &str) -> String {
    let folder = folder(&[("suitesync.toml", ""), ("delegates.d/run/plugin.toml", plugin)]);
    load_from(folder.path()).diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_plugin_is_a_process_with_the_name_of_its_folder() {
    let plugin = "command = [\"bin/run\", \"bin/x\"]\ntags = [\"katalon\"]\ncapacity = 2\n";
    let folder = folder(&[("suitesync.toml", ""), ("delegates.d/run/plugin.toml", plugin)]);
    let delegate = config(&folder).delegates.remove(0);
    let program = folder.path().join("delegates.d/run/bin/run").display().to_string();
    assert_eq!(delegate.kind, DelegateKind::Command(vec![program, "bin/x".to_owned()]));
    assert_eq!((delegate.name.as_str(), delegate.tags.to_string().as_str()), ("run", "katalon"));
    assert_eq!((delegate.capacity, delegate.runs), (2, true));
}

#[test]
fn a_plugin_comes_beside_the_delegate_that_is_there_without_a_word() {
    let plugin = ("delegates.d/run/plugin.toml", "command = [\"/bin/sh\"]\n");
    assert_eq!(names(&folder(&[("suitesync.toml", ""), plugin])), ["run", "local"]);
    let written = ("suitesync.toml", "[[delegate]]\nname = \"here\"\n");
    assert_eq!(names(&folder(&[written, plugin])), ["here", "run"]);
    let named_local = ("delegates.d/local/plugin.toml", "command = [\"/bin/sh\"]\n");
    assert_eq!(names(&folder(&[("suitesync.toml", ""), named_local])), ["local"]);
}

#[test]
fn tags_of_plugins_count() {
    let text = format!("{CONNECTION}delegate_tags = [\"run\", \"local\"]\n{LINK}");
    let folder = folder(&[("suitesync.toml", &text), ("delegates.d/run/plugin.toml", "command = [\"/bin/sh\"]")]);
    assert_eq!(load_from(folder.path()).diagnostics, []);
}

#[test]
fn faults_of_a_plugin_are_found_as_any_other() {
    let check = |plugin: &str, expect: &str| {
        let found = problems(plugin);
        assert!(found.contains(expect), "{found}");
    };
    check("", "error 1:1 a delegate of kind process has no `command` and no `socket`");
    check("command = [\"/bin/sh\"]\ntgas = []", "error 2:1 unknown key `tgas` in plugin.toml [did you mean `tags`?]");
    check("command = [\"/bin/sh\"]\nkind = \"local\"", "error 2:8 `local` is not allowed for `kind`");
    check("command = [\"/bin/sh\"]\nkind = \"remote\"", "`remote` is not allowed for `kind`");
    check("command = [\"/bin/sh\"]\nname = \"a b\"", "error 2:8 `name` is not usable");
    check("command = [\"bin/none\"]", "warning 1:11 the delegate's command is no program that can be started here");
    check("command = [", "error 1:12 not TOML");
    check("[[connection]]", "error 1:3 unknown key `connection` in plugin.toml");
}

#[test]
fn a_folder_whose_name_is_no_delegates_needs_a_name() {
    let folder = folder(&[("suitesync.toml", ""), ("delegates.d/a b/plugin.toml", "command = [\"/bin/sh\"]\n")]);
    let found = load_from(folder.path()).diagnostics;
    assert!(found[0].message.starts_with("the folder's name is no delegate's: "), "{found:?}");
    write(folder.path(), "delegates.d/a b/plugin.toml", "name = \"a-b\"\ncommand = [\"/bin/sh\"]\n");
    assert_eq!(names(&folder), ["a-b", "local"]);
}

#[test]
fn a_name_used_twice_shows_both_places() {
    let table = "[[delegate]]\nname = \"run\"\n";
    let folder = folder(&[("suitesync.toml", table), ("delegates.d/run/plugin.toml", "command = [\"/bin/sh\"]\n")]);
    let found = load_from(folder.path()).diagnostics;
    assert_eq!(found.len(), 1);
    assert!(found[0].file.ends_with("delegates.d/run/plugin.toml"), "{found:?}");
    assert!(found[0].message.starts_with("the name `run` is used twice (first used at "), "{found:?}");
}

#[test]
fn what_is_no_plugin_is_passed_over_and_watched() {
    let files = [("suitesync.toml", ""), ("delegates.d/README", "x"), ("delegates.d/.run/plugin.toml", "x")];
    let folder = folder(&files);
    std::fs::create_dir_all(folder.path().join("delegates.d/half")).unwrap();
    let loaded = load_from(folder.path());
    assert_eq!(loaded.diagnostics, []);
    for name in ["delegates.d", "delegates.d/half", "delegates.d/half/plugin.toml"] {
        assert!(loaded.watched.contains(&folder.path().join(name)), "{name} in {:?}", loaded.watched);
    }
}

#[test]
fn the_hash_follows_the_plugins() {
    let folder = folder(&[("suitesync.toml", ""), ("delegates.d/run/plugin.toml", "command = [\"/bin/sh\"]\n")]);
    let before = load_from(folder.path()).content_hash;
    write(folder.path(), "delegates.d/run/plugin.toml", "command = [\"/bin/sh\"]\ncapacity = 9\n");
    assert_ne!(load_from(folder.path()).content_hash, before);
}

//! `[agent]`, `[log]`, `[[delegate]]`, and keys at the top.

use std::path::Path;

use super::{CONNECTION, LINK, check_errors, config, folder, problems};
use crate::config::{Environment, Location, LogFormat, LogLevel, SettingOrigin, load};

#[test]
fn an_empty_configuration_is_valid() {
    let config = config("");
    assert_eq!((config.agent.attempts, config.agent.per_host), (3, 4));
    assert_eq!((config.log.format, config.log.level), (LogFormat::Auto, LogLevel::Info));
    assert_eq!((config.retention.mirrors_keep.as_secs(), config.retention.disk), (7 * 86_400, 20 << 30));
    assert_eq!(
        (config.delegates.len(), config.delegates[0].name.as_str(), config.delegates[0].capacity),
        (1, "local", 4)
    );
    assert_eq!(problems(""), "");
}

#[test]
fn folders_come_from_systemd_else_from_the_users_own() {
    let check = |variables: &[(&str, &str)], state_dir: &str, socket: &str| {
        let folder = folder(&[("suitesync.toml", "")]);
        let environment = Environment::of(variables.iter().copied());
        let agent = load(&Location::new(folder.path().join("suitesync.toml")), &environment).config.unwrap().agent;
        assert_eq!((agent.state_dir.as_path(), agent.socket.as_path()), (Path::new(state_dir), Path::new(socket)));
        assert_eq!(agent.socket_origin, SettingOrigin::Default);
    };
    let systemd = [("STATE_DIRECTORY", "/var/lib/a:/var/lib/b"), ("RUNTIME_DIRECTORY", "/run/a"), ("HOME", "/home/me")];
    check(&systemd, "/var/lib/a", "/run/a/agent.sock");
    let desktop = [("XDG_STATE_HOME", "/s"), ("XDG_RUNTIME_DIR", "/run/user/1"), ("STATE_DIRECTORY", "")];
    check(&desktop, "/s/suitesync", "/run/user/1/suitesync/agent.sock");
    check(&[("HOME", "/home/me")], "/home/me/.local/state/suitesync", "/run/suitesync/agent.sock");
}

#[test]
fn an_agent_without_a_state_folder_is_told_what_to_set() {
    let folder = folder(&[("suitesync.toml", "")]);
    let loaded = load(&Location::new(folder.path().join("suitesync.toml")), &Environment::of([("", "")]));
    assert!(loaded.config.is_none());
    assert!(loaded.diagnostics[0].help.as_ref().unwrap().contains("set `state_dir` in [agent]"));
}

#[test]
fn what_is_written_counts() {
    let text = "[agent]\nname = \"h7\"\nstate_dir = \"/s\"\nsocket = \"run/a.sock\"\nattempts = 1\nper_host = 9\n\
                [retention]\nmirrors_keep = \"12h\"\ndisk = \"512MiB\"\nevents = \"1d\"\nruns = \"2d\"\nresults = \"3d\"\n\
                [log]\nformat = \"json\"\nlevel = \"debug\"\n\
                [[delegate]]\nname = \"here\"\nkind = \"local\"\ntags = [\"DC-1\"]\ncapacity = 8\n";
    let config = config(text);
    assert_eq!((config.agent.name.as_str(), config.agent.attempts, config.agent.per_host), ("h7", 1, 9));
    assert!(config.agent.socket.is_absolute() && config.agent.socket.ends_with("run/a.sock"));
    assert_eq!(config.agent.socket_origin, SettingOrigin::Written);
    assert_eq!((config.retention.mirrors_keep.as_secs(), config.retention.disk), (43_200, 512 << 20));
    let kept = [config.retention.events, config.retention.runs, config.retention.results];
    assert_eq!(kept.map(|duration| duration.as_secs() / 86_400), [1, 2, 3]);
    assert_eq!((config.log.format, config.log.level), (LogFormat::Json, LogLevel::Debug));
    assert_eq!((config.delegates[0].tags.to_string(), config.delegates[0].capacity), ("dc-1".to_owned(), 8));
}

#[test]
fn values_that_cannot_be_used_are_refused() {
    let check = |text: &str, message: &str| check_errors(text, &[message]);
    check("agent = 1", "[agent] is a table, not a number");
    check("[agent]\nname = \" \"", "`name` is empty");
    check("[agent]\nattempts = 0", "`attempts` is out of range");
    check("[agent]\nattempts = 1.5", "`attempts` is a whole number, not a number");
    check("[agent]\nper_host = -1", "`per_host` is out of range");
    check("[agent]\nstate_dir = \"\"", "`state_dir` is no path");
    check("[retention]\nmirrors_keep = \"0s\"", "`mirrors_keep` is not usable: an interval is at least 1s");
    check("[retention]\nmirrors_keep = 7", "`mirrors_keep` is a text in quotes, not a number");
    check("[retention]\nresults = \"2y\"", "`results` is not usable: \"2y\" is no interval");
    check("[retention]\nevents = \"366d\"", "`events` is not usable: an interval is at most 365d");
    check("[retention]\ndisk = \"20\"", "`disk` is no size");
    check("[retention]\ndisk = \"1MiB\"", "`disk` is less than the least, 64MiB");
    check("[log]\nlevel = \"verbose\"", "`verbose` is not allowed for `level`");
    check(
        "[[delegate]]\nname = \"a b\"",
        "`name` is not usable: a name may not hold ' ': letters, digits, `.`, `_` and `-` only",
    );
    check("[[delegate]]\nname = \"a\"\ncapacity = 0", "`capacity` is out of range");
    check("[[delegate]]\nname = \"a\"\ntags = [\" \"]", "a tag is empty");
    check("link = [1]", "`link` is a list of tables, not of a number");
    check("[delegate]\nname = \"a\"\nagent = \"b\"", "`delegate` is a list of tables, not a table");
}

#[test]
fn keys_and_words_of_later_versions_are_refused_by_name() {
    let check = |text: &str, what: &str| check_errors(text, &[&format!("{what} is not supported by this version")]);
    check("[[delegate]]\nname = \"a\"\nurl = \"x\"", "`url` in [[delegate]]");
    check("[agent]\nlisten = \"x\"", "`listen` in [agent]");
    check("[agent]\npublic_url = \"x\"", "`public_url` in [agent]");
    check("[secrets.x]\nhosts = [\"x\"]", "`hosts` in [secrets.NAME]");
}

#[test]
fn unknown_keys_are_refused_at_every_depth_with_the_nearest_named() {
    let check = |text: &str, expect: &str| assert_eq!(problems(text), expect);
    check("[conection]", "error 1:2 unknown key `conection` in the configuration [did you mean `connection`?]");
    check("[agent]\nsokcet = \"x\"", "error 2:1 unknown key `sokcet` in [agent] [did you mean `socket`?]");
    check("[log]\nx = 1", "error 2:1 unknown key `x` in [log] [known keys: `format`, `level`]");
    let deep = format!("{CONNECTION}credentials = {{ password = {{ evn = \"PAT\" }} }}\n{LINK}");
    check(&deep, "error 8:30 unknown key `evn` in a secret's source [did you mean `env`?]");
}

#[test]
fn a_tag_that_no_delegate_carries_is_a_warning() {
    let delegate = "[[delegate]]\nname = \"here\"\ntags = [\"dc-1\"]\n";
    let check = |tags: &str, expect: &str| {
        assert_eq!(problems(&format!("{CONNECTION}delegate_tags = {tags}\n{LINK}{delegate}")), expect);
    };
    check("[\"DC-1\", \"here\"]", "");
    check("[\"dc-2\"]", "warning 8:18 no delegate carries the tag `dc-2` [did you mean `dc-1`?]");
}

#[test]
fn a_connection_without_link_is_a_warning() {
    let expect = "warning 3:8 connection `contoso` has no link [add a [[link]] with `connection = \"contoso\"`]";
    assert_eq!(problems(CONNECTION), expect);
}

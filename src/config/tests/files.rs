//! Which files are read, and what is said of those that cannot be.

use super::{CONNECTION, LINK, folder, line, load_from, write};
use crate::config::keys::{self, Keys};

#[test]
fn drop_ins_are_read_in_the_order_of_their_names() {
    let folder =
        folder(&[("conf.d/20-link.toml", LINK), ("conf.d/10-connection.toml", CONNECTION), ("suitesync.toml", "")]);
    write(folder.path(), "conf.d/README", "not = TOML = at all");
    write(folder.path(), "conf.d/.10-connection.toml", "[[connection]]");
    let loaded = load_from(folder.path());
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.config.unwrap().links.len(), 1);
}

#[test]
fn a_missing_main_file_is_answered_with_what_to_write() {
    let loaded = load_from(folder(&[]).path());
    assert!(loaded.config.is_none());
    assert_eq!(loaded.diagnostics[0].message, "there is no configuration here");
    assert!(loaded.diagnostics[0].help.as_ref().unwrap().starts_with("write one, if only an empty one"));
}

#[test]
fn a_file_that_is_no_text_is_refused() {
    let folder = folder(&[("suitesync.toml", "")]);
    std::fs::create_dir_all(folder.path().join("conf.d/folder.toml")).unwrap();
    std::fs::write(folder.path().join("conf.d/x.toml"), b"\xff\xfe").unwrap();
    let messages: Vec<_> = load_from(folder.path()).diagnostics.into_iter().map(|d| d.message).collect();
    let expect =
        ["failed to read the file: it is not a file", "failed to read the file: stream did not contain valid UTF-8"];
    assert_eq!(messages, expect);
}

#[test]
fn a_name_used_twice_shows_both_places() {
    let folder = folder(&[("suitesync.toml", CONNECTION), ("conf.d/a.toml", CONNECTION), ("conf.d/b.toml", LINK)]);
    let loaded = load_from(folder.path());
    let found = line(&loaded.diagnostics[0]);
    assert!(found.starts_with("error 3:8 the name `contoso` is used twice (first used at "), "{found}");
    assert!(found.contains("suitesync.toml:3:8)") && loaded.diagnostics[0].file.ends_with("conf.d/a.toml"), "{found}");
    assert!(loaded.diagnostics[0].render().contains("suitesync.toml:3:8"));
}

#[test]
fn a_table_that_stands_once_is_refused_in_a_second_file() {
    let folder = folder(&[("suitesync.toml", "[agent]\n"), ("conf.d/a.toml", "[agent]\n")]);
    let found = load_from(folder.path()).diagnostics;
    assert_eq!(found.len(), 1);
    assert!(found[0].message.starts_with("[agent] stands in two files (the other is at "));
}

#[test]
fn every_problem_of_every_file_is_found_in_one_pass() {
    let main = "[agent]\nattempts = 0\nnmae = \"x\"\n[log\n";
    let drop_in = "[[link]]\nname = \"a b\"\nconnection = \"x\"\nsync_every = \"x\"\nurl = \"y\"\n";
    let folder = folder(&[("suitesync.toml", main), ("conf.d/a.toml", drop_in), ("conf.d/b.toml", "x = [\n")]);
    let found: Vec<_> = load_from(folder.path()).diagnostics.into_iter().map(|d| (d.line, d.message)).collect();
    let has = |line: usize, part: &str| found.iter().any(|(at, message)| *at == line && message.contains(part));
    assert!(has(2, "`attempts` is out of range") && has(3, "unknown key `nmae`") && has(4, "not TOML"), "{found:?}");
    assert!(has(2, "`name` is not usable") && has(4, "`sync_every` is not usable"), "{found:?}");
    assert!(!has(3, "there is no connection"), "what is missing may stand where the file is broken: {found:?}");
}

#[test]
fn the_hash_follows_the_content_of_all_files() {
    let folder = folder(&[("suitesync.toml", CONNECTION), ("conf.d/a.toml", LINK)]);
    let hash = || load_from(folder.path()).content_hash;
    let first = hash();
    write(folder.path(), "suitesync.toml", CONNECTION);
    assert_eq!(hash(), first);
    write(folder.path(), "conf.d/a.toml", &format!("{LINK}# comment"));
    let second = hash();
    assert_ne!(second, first);
    write(folder.path(), "conf.d/b.toml", "");
    assert_ne!(hash(), second);
}

#[test]
fn all_that_was_looked_at_is_watched() {
    let folder = folder(&[("suitesync.toml", ""), ("target.toml", LINK), ("conf.d/a.toml", CONNECTION)]);
    std::os::unix::fs::symlink("../target.toml", folder.path().join("conf.d/z.toml")).unwrap();
    let watched = load_from(folder.path()).watched;
    for name in ["suitesync.toml", "conf.d", "conf.d/a.toml", "conf.d/z.toml", "conf.d/../target.toml"] {
        assert!(watched.contains(&folder.path().join(name)), "{name} in {watched:?}");
    }
}

#[test]
fn the_sample_that_is_shipped_is_valid_as_it_is() {
    let folder = folder(&[("suitesync.toml", include_str!("../../../config/suitesync.toml"))]);
    let loaded = load_from(folder.path());
    assert_eq!(loaded.diagnostics, []);
    assert!(loaded.config.is_some());
}

#[test]
fn the_examples_in_the_sample_are_valid_too() {
    let is_prose = |line: &str| line.starts_with("# -") || !(line.contains(" = ") || line.contains('['));
    let uncomment = |line: &str| line.strip_prefix("# ").filter(|_| !is_prose(line)).unwrap_or(line).to_owned();
    let sample = include_str!("../../../config/suitesync.toml");
    let is_read =
        |line: &String| ["additional_certs_path", "client_", "known_hosts"].iter().any(|key| line.contains(key));
    let text: Vec<_> = sample.lines().map(uncomment).filter(|line| !is_read(line)).collect();
    let found = load_from(folder(&[("suitesync.toml", &text.join("\n"))]).path()).diagnostics;
    let errors: Vec<_> = found.iter().filter(|diagnostic| diagnostic.is_error()).map(line).collect();
    assert_eq!(errors, Vec::<String>::new(), "{}", text.join("\n"));
}

/// Looks for keys as they are written: before a value, or in the title of a table.
#[track_caller]
fn check_shown(sample: &str, tables: &[&Keys]) {
    let is_shown = |key: &str| {
        let written =
            [format!("{key} = "), format!("[{key}]"), format!("[{key}."), format!(".{key}."), format!(".{key}]")];
        written.iter().any(|written| sample.contains(written))
    };
    let all = tables.iter().flat_map(|table| table.known.iter().map(|key| (table.table, *key)));
    let lacking: Vec<_> = all.filter(|(_, key)| !is_shown(key)).collect();
    assert_eq!(lacking, []);
}

#[test]
fn the_samples_show_every_key() {
    let agent = [
        &keys::TOP,
        &keys::AGENT,
        &keys::ACCESS,
        &keys::ACCESS_PROJECT,
        &keys::RETENTION,
        &keys::LOG,
        &keys::SECRET_TABLE,
        &keys::SECRET_REFERENCE,
        &keys::DELEGATE,
        &keys::REMOTE,
        &keys::PROXY,
        &keys::CONNECTION,
        &keys::CREDENTIALS,
        &keys::CONNECTION_TLS,
        &keys::API,
        &keys::LINK,
        &keys::SCHEDULE,
    ];
    check_shown(include_str!("../../../config/suitesync.toml"), &agent);
    let delegate = [&keys::DELEGATE_FILE, &keys::STATION, &keys::STATION_REMOTE, &keys::GRANT];
    check_shown(include_str!("../../../config/delegate.toml"), &delegate);
}

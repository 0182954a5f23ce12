//! Where secrets come from, and that they do not stand in the configuration or in what is said of it.

use std::os::unix::fs::PermissionsExt;

use suitesync_contract::SecretRef;

use super::{CONNECTION, LINK, check_errors, diagnostics, load_with, problems};
use crate::config::SecretSource;

/// A whole configuration with these credentials.
fn with(credentials: &str, rest: &str) -> String {
    format!("{CONNECTION}[connection.credentials]\n{credentials}\n{LINK}{rest}\n")
}

#[test]
fn a_name_stands_for_its_source() {
    let text = with("password = { secret = \"pat\" }", "[secrets.pat]\nenv = \"PAT\"");
    let config = super::config(&text);
    let source = SecretSource::Env("PAT".to_owned());
    assert_eq!(config.secrets["pat"], source);
    assert_eq!(config.connections["contoso"].secret_sources["pat"], source);
    assert_eq!(problems(&text), "");
}

#[test]
fn a_literal_secret_is_refused_and_not_shown() {
    let literals = [
        with("password = \"hunter2\"", ""),
        with("bearer = \"hunter2\"", ""),
        with("pasword = \"hunter2\"", ""),
        with("password = { value = \"hunter2\" }", ""),
        with("password = { secret = \"hunter2\" }", ""),
        with("password = { secret = \"hunter2 hunter2\" }", ""),
        with("password = { env = \"hunter2\" }", ""),
        with("password = [\"hunter2\"]", ""),
        with("password = { credential = \"hunter2/hunter2\" }", ""),
        with("password = { command = [\"/nowhere\", \"--password=hunter2\"] }", ""),
        with("password = { command = \"hunter2\" }", ""),
        with("private_key = \"hunter2\"", ""),
        with("passphrase = \"hunter2\"", ""),
        with("password = { env = \"PAT\" }\n[connection.api]\ntoken = \"hunter2\"", ""),
        with("password = \"\"\"\nhunter2\n\"\"\"", ""),
        with("password = \"hunter2", ""),
        with("password = hunter2", ""),
        with("", "[secrets]\npat = \"hunter2\""),
        with("", "[secrets.pat]\nvalue = \"hunter2\""),
    ];
    for text in literals {
        let found = diagnostics(&text);
        assert!(!found.is_empty(), "{text}");
        let shown: String = found.iter().map(|d| format!("{d:?}\n{}\n", d.render())).collect();
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_literal_secret_is_answered_with_what_to_write() {
    let found = problems(&with("password = \"hunter2\"", ""));
    assert!(found.contains("error 9:12 `password` holds a value where the source of a secret is wanted"), "{found}");
    assert!(found.contains("write { env = \"NAME\" }, { file = \"/path\" }, { credential = \"NAME\" }"), "{found}");
}

#[test]
fn a_source_is_exactly_one() {
    let check = |password: &str, message: &str| check_errors(&with(&format!("password = {password}"), ""), &[message]);
    check("{}", "the secret has no source");
    check("{ env = \"\" }", "`env` is not the name of an environment variable");
    check("{ secret = \"nobody\" }", "there is no [secrets] table of this name");
    let both = problems(&with("password = { env = \"PAT\", file = \"/x\" }", ""));
    assert!(both.contains("`env` and `file` exclude each other"), "{both}");
    check_errors(&with("username = \"me\"", ""), &["[connection.credentials] lacks `password`"]);
    check_errors(
        &with("username = \"a:b\"\npassword = { env = \"PAT\" }", ""),
        &["`username` holds a colon or a control character"],
    );
}

#[test]
fn credentials_of_systemd_and_commands_are_sources_in_both_places() {
    let reference = |password: &str, declared: &str| {
        let config = super::config(&with(&format!("password = {password}"), declared));
        config.connections["contoso"].credentials.as_ref().unwrap().secret().clone()
    };
    let credential = SecretRef::Credential("pat".to_owned());
    assert_eq!(reference("{ credential = \"pat\" }", ""), credential);
    let command = SecretRef::Command(vec!["/bin/echo".to_owned(), "x".to_owned()]);
    assert_eq!(reference("{ command = [\"/bin/echo\", \"x\"] }", ""), command);
    for (source, expect) in [("credential = \"pat\"", credential), ("command = [\"/bin/echo\", \"x\"]", command)] {
        let text = with("password = { secret = \"pat\" }", &format!("[secrets.pat]\n{source}"));
        assert_eq!(super::config(&text).secrets["pat"].reference(), expect);
    }
}

#[test]
fn names_and_commands_that_cannot_be_used_are_refused() {
    let check = |password: &str, message: &str| check_errors(&with(&format!("password = {password}"), ""), &[message]);
    for name in ["", ".", "..", "a/b"] {
        check(&format!("{{ credential = \"{name}\" }}"), "`credential` is not the name of a credential of systemd");
    }
    for command in ["[]", "[\"pass\", \"show\"]", "[\"\"]"] {
        check(&format!("{{ command = {command} }}"), "`command` does not begin with the absolute path of a program");
    }
    let text = "`command` is a list of texts, such as [\"a\", \"b\"], not a text";
    check("{ command = \"/usr/bin/pass\" }", text);
}

#[test]
fn the_nearest_declared_name_is_named() {
    let found = problems(&with("password = { secret = \"contoso-pta\" }", "[secrets.contoso-pat]\nenv = \"PAT\""));
    assert!(found.contains("[did you mean `contoso-pat`?]"), "{found}");
}

#[test]
fn a_secret_that_is_absent_now_is_a_warning() {
    let check = |password: &str, message: &str| {
        let found = problems(&with(&format!("password = {password}"), ""));
        assert!(found.starts_with("warning 9:") && found.contains(message), "{found}");
    };
    check("{ env = \"NOWHERE\" }", "the environment variable NOWHERE is not set here");
    check("{ file = \"/nowhere/pat\" }", "the secret's file cannot be used now: No such file");
    check("{ file = \"/\" }", "the secret's file cannot be used now: it is not a file");
    check("{ command = [\"/nowhere/pass\"] }", "the secret's command is no program that can be started here");
    let text = with("password = { credential = \"pat\" }", "");
    assert_eq!(problems(&text), "", "only systemd knows");
    let given = load_with(&text, [("CREDENTIALS_DIRECTORY", "/nowhere")]).diagnostics;
    assert!(given[0].message.starts_with("the secret's file cannot be used now: No such file"), "{given:?}");
}

#[test]
fn a_secrets_file_that_everyone_can_read_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pat");
    std::fs::write(&path, "hunter2").unwrap();
    let check = |mode: u32, expect: &str| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let found = problems(&with(&format!("password = {{ file = \"{}\" }}", path.display()), ""));
        assert_eq!(found, expect, "{mode:o}");
    };
    let warning = "warning 9:21 everyone on this host can read the secret's file [chmod 640, and the group that of the agent's user]";
    check(0o644, warning);
    check(0o640, "");
    check(0o600, "");
}

#[test]
fn a_secret_that_is_not_used_is_a_warning() {
    let found = problems(&with("password = { env = \"PAT\" }", "[secrets.old]\nenv = \"PAT\""));
    assert_eq!(found.lines().count(), 1);
    assert!(found.contains("the secret `old` is not used"), "{found}");
}

#[test]
fn no_slip_of_the_finger_brings_a_secret_to_light() {
    let text = with("username = \"me\"\npassword = \"hunter2\"", "branch = \"main\"");
    let positions: Vec<_> = text.char_indices().map(|(offset, _)| offset).collect();
    for offset in positions {
        let without = format!("{}{}", &text[..offset], &text[offset + 1..]);
        for damaged in [without, text[..offset].to_owned()] {
            let shown: String = diagnostics(&damaged).iter().map(|d| format!("{d:?}\n{}\n", d.render())).collect();
            assert!(!shown.contains("hunter") && !shown.contains("unter2"), "{shown}");
        }
    }
}

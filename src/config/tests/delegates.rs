//! `[[delegate]]`: processes, and who executes runs.

use std::path::Path;

use super::{check_errors, config, load_with, problems};
use crate::config::{Config, DelegateKind};

/// A delegate of kind process with these lines.
fn process(lines: &str) -> String {
    format!("[[delegate]]\nname = \"d\"\nkind = \"process\"\n{lines}\n")
}

fn under(variables: &[(&str, &str)], text: &str) -> Config {
    let loaded = load_with(text, variables.iter().copied());
    loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

#[test]
fn a_process_is_a_command_or_a_socket() {
    let kind = |lines: &str| config(&process(lines)).delegates.remove(0).kind;
    let words = ["/bin/sh", "-c", "x"].map(str::to_owned).to_vec();
    assert_eq!(kind("command = [\"/bin/sh\", \"-c\", \"x\"]"), DelegateKind::Command(words));
    assert_eq!(kind("socket = \"/run/d.sock\""), DelegateKind::Socket(Path::new("/run/d.sock").to_owned()));
}

#[test]
fn processes_that_cannot_be_used_are_refused() {
    let check = |lines: &str, message: &str| check_errors(&process(lines), &[message]);
    let program = "`command` does not begin with the absolute path of a program";
    check("", "a delegate of kind process has no `command` and no `socket`");
    check("command = []", program);
    check("command = [\"\"]", program);
    check("command = [\"sh\"]", program);
    check("command = [\"/bin/sh\", \"\\u0000\"]", "a word of `command` holds a NUL character");
    check("command = \"/bin/sh\"", "`command` is a list of texts, such as [\"a\", \"b\"], not a text");
    check("socket = \"\"", "`socket` is no path");
    check("command = [\"/bin/sh\"]\nruns = 1", "`runs` is true or false, not a number");
}

#[test]
fn keys_that_do_not_go_together_are_refused() {
    let found = problems(&process("command = [\"/bin/sh\"]\nsocket = \"/s\""));
    assert!(found.starts_with("error 5:1 `command` and `socket` exclude each other (the other is at "), "{found}");
    let found = problems("[[delegate]]\nname = \"d\"\ncommand = [\"/bin/sh\"]\n");
    assert!(
        found.contains("error 3:1 `command` is for delegates of kind process [write `kind = \"process\"`"),
        "{found}"
    );
}

#[test]
fn a_program_that_is_not_there_is_a_warning() {
    let found = problems(&process("command = [\"/nowhere/d\"]"));
    assert!(found.starts_with("warning 4:11 the delegate's command is no program that can be started here"), "{found}");
}

#[test]
fn threads_of_the_agent_execute_runs_unless_systemd_runs_it() {
    let check = |variables: &[(&str, &str)], expect: bool| {
        assert_eq!(under(variables, "").delegates[0].runs, expect, "{variables:?}");
        let local = "[[delegate]]\nname = \"here\"\n";
        assert_eq!(under(variables, local).delegates[0].runs, expect);
        assert!(under(variables, &format!("{local}runs = true")).delegates[0].runs);
        assert!(!under(variables, &format!("{local}runs = false")).delegates[0].runs);
        let socket = process("socket = \"/s\"");
        assert!(under(variables, &socket).delegates[0].runs);
        assert!(!under(variables, &format!("{socket}runs = false")).delegates[0].runs);
    };
    check(&[], true);
    check(&[("NOTIFY_SOCKET", "")], true);
    check(&[("NOTIFY_SOCKET", "/run/systemd/notify")], false);
    check(&[("INVOCATION_ID", "0123")], false);
}

#[test]
fn there_may_be_several_of_different_names() {
    let one = "[[delegate]]\nname = \"a\"\n";
    let config = config(&format!("{}{one}", process("socket = \"/s\"")));
    assert_eq!(config.delegates.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["a", "d"]);
    let found = problems(&format!("{one}{one}"));
    assert!(found.contains("error 4:8 the name `a` is used twice (first used at "), "{found}");
}

#[test]
fn a_fault_of_the_environment_is_told_once() {
    let text = "[[delegate]]\nname = \"a\"\n[[delegate]]\nname = \"b\"\n";
    let found = load_with(text, [("ADDITIONAL_CERTS_PATH", "/nowhere/ca.pem")]).diagnostics;
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn what_the_environment_says_counts_for_those_alone_who_ask_for_it() {
    let folder = super::folder(&[("ca.pem", super::certificates::CERTIFICATE)]);
    let path = folder.path().join("ca.pem").display().to_string();
    let text = format!("[[delegate]]\nname = \"a\"\nadditional_certs_path = \"{path}\"\n");
    assert_eq!(load_with(&text, [("ADDITIONAL_CERTS_PATH", "/nowhere/ca.pem")]).diagnostics, []);
}

//! The file of a delegate that runs as somebody else than the agent.

use std::path::Path;

use super::{environment, folder, line};
use crate::config::{DelegateFile, DelegateKind, LoadedDelegateFile, SecretSource, load_delegate_file};

/// What serves an agent on another host, with nothing that is secret.
const STATION: &str = r#"
[delegate]
agent = "build-host-7"
name = "dc2"
[remote]
url = "tls://nats.example.org"
"#;

fn load(text: &str) -> LoadedDelegateFile {
    let folder = folder(&[("delegate.toml", text)]);
    load_delegate_file(&folder.path().join("delegate.toml"), &environment())
}

fn file(text: &str) -> DelegateFile {
    let loaded = load(text);
    loaded.file.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

fn problems(text: &str) -> String {
    load(text).diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_file_says_where_things_are_kept_and_what_secrets_are_called() {
    let text =
        "[delegate]\nstate_dir = \"/var/lib/x\"\n[secrets.pat]\nenv = \"PAT\"\n[secrets.vault]\ncommand = [\"/v\"]\n";
    let said = file(text);
    assert_eq!(said.state_dir.as_deref(), Some(Path::new("/var/lib/x")));
    let sources: Vec<_> = said.sources().into_values().collect();
    assert_eq!(sources, [SecretSource::Env("PAT".to_owned()), SecretSource::Command(vec!["/v".to_owned()])]);
    assert_eq!(file(""), DelegateFile::default());
}

#[test]
fn a_file_with_a_server_says_who_it_is_and_whom_it_serves() {
    let station = file(STATION).station.unwrap();
    assert_eq!((station.agent.as_str(), station.delegate.name.as_str()), ("build-host-7", "dc2"));
    assert_eq!(
        (&station.delegate.kind, station.delegate.capacity, station.delegate.runs),
        (&DelegateKind::Local, 4, true)
    );
    assert_eq!(station.remote.url, "tls://nats.example.org:4222");
    let lines = "tags = [\"x\"]\ncapacity = 9\nruns = false\nproxy = \"http://p:1\"\nno_proxy = [\"h\"]\n[remote]";
    let delegate = file(&STATION.replace("[remote]", lines)).station.unwrap().delegate;
    assert_eq!((delegate.capacity, delegate.runs, delegate.no_proxy.len()), (9, false, 1));
}

#[test]
fn a_secret_is_for_hosts_or_for_runs_or_for_the_delegate_itself() {
    let secret = |lines: &str| format!("{STATION}[secrets.pat]\nenv = \"PAT\"\n{lines}\n");
    let granted = |lines: &str| file(&secret(lines)).permissions().into_values().next().unwrap();
    assert_eq!(granted("hosts = [\"dev.azure.com\", \"*.example.org\", \"h:8443\"]").hosts.len(), 3);
    assert!(granted("runs = true").runs && granted("runs = true").hosts.is_empty());
    let own = secret("").replace("[remote]", "[remote]\nnkey = { secret = \"pat\" }");
    assert_eq!(file(&own).secrets.len(), 1);
    let told = "error 7:10 nobody may use the secret `pat` [add `hosts = [\"git.example.org\"]`, the hosts that it may be \
                sent to, or `runs = true`]";
    assert_eq!(problems(&secret("")), told);
}

#[test]
fn everything_that_is_wrong_is_told_in_one_pass() {
    let text = "[delegate]\nname = \"a b\"\ncapacity = 0\ncolour = 1\n[secrets.pat]\nenv = \"PAT\"\nhosts = [\"a b\"]\nruns = 1\n[remote]\n";
    insta::assert_snapshot!(problems(text), @r#"
    error 1:1 [delegate] lacks `agent` [add `agent`]
    error 2:8 `name` is not usable: a name may not hold ' ': letters, digits, `.`, `_` and `-` only [1 to 50 of letters, digits, `.`, `_` and `-`]
    error 3:12 `capacity` is out of range [from 1 to 10000]
    error 4:1 unknown key `colour` in [delegate] [known keys: `state_dir`, `agent`, `name`, `tags`, `capacity`, `runs`, `runs_disk`, `additional_certs_path`, `proxy`, `no_proxy`]
    error 7:10 `hosts` is not usable: a host name may not hold ' ': write `dev.azure.com`, `*.example.org` or `host:port` [such as "dev.azure.com", "*.example.org" or "git.example.org:8443"]
    error 8:8 `runs` is true or false, not a number [write true or false]
    error 9:1 [remote] lacks `url` [add `url`]
    "#);
}

fn check_refused(text: &str, expect: &str) {
    let loaded = load(text);
    let shown: String = loaded.diagnostics.iter().map(|found| line(found) + &found.render()).collect();
    assert!(loaded.file.is_none() && shown.contains(expect) && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn what_is_wrong_is_told_without_any_value() {
    check_refused("[delegate]\nstate_dir = 'x", "not TOML");
    check_refused("[delegate]\nstate = 1", "error 2:1 unknown key `state` in [delegate]");
    check_refused("[secrets]\npat = \"hunter2\"", "holds a value where the source of a secret is wanted");
    check_refused("[secrets.pat]\nvalue = \"hunter2\"", "unknown key `value`");
    check_refused("[secrets.pat]\nsecret = \"hunter2\"", "unknown key `secret`");
    check_refused("[[connection]]\nname = \"x\"", "unknown key `connection` in a delegate's file");
    check_refused("[remote]\nurl = \"tls://h\"", "[remote] lacks a [delegate] beside it");
    check_refused("[remote]\nurl = \"tls://h\"\n[delegate]\nname = \"a\"", "[delegate] lacks `agent`");
}

#[test]
fn what_an_agent_on_this_host_says_itself_is_refused_without_a_server() {
    check_refused("[delegate]\nname = \"x\"", "error 2:1 `name` is for a delegate with [remote]");
    check_refused("[delegate]\ntags = [\"x\"]", "`tags` is for a delegate with [remote]");
    let hosts = "[secrets.pat]\nenv = \"PAT\"\nhosts = [\"h\"]";
    check_refused(hosts, "error 1:10 the `hosts` of a secret are for a delegate with [remote]");
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let loaded = load_delegate_file(Path::new("/nowhere/delegate.toml"), &environment());
    assert!(loaded.diagnostics[0].message.contains("failed to read the file"));
    assert!(loaded.file.is_none());
}

#[test]
fn the_shipped_example_is_valid_as_it_is_and_with_its_marks_taken_off() {
    let shipped = include_str!("../../../config/delegate.toml");
    assert_eq!(file(shipped), DelegateFile::default());
    // The keys of a table stand apart there, each with its own explanation.
    let (own, secret) = (
        ["agent", "name", "tags", "capacity", "runs_disk", "proxy", "no_proxy"],
        ["[secrets", "credential =", "hosts"],
    );
    let remote = ["[remote]", "url", "credentials", "allow_plain_nats"];
    let lines = |keys: &[&str]| -> String {
        let marked = shipped.lines().filter_map(|line| line.strip_prefix("# "));
        let meant =
            marked.filter(|line| keys.iter().any(|key| line.starts_with(key)) && !line.contains("runs = true "));
        meant.map(|line| format!("{line}\n")).collect()
    };
    let station = file(&format!("[delegate]\n{}{}{}", lines(&own), lines(&secret), lines(&remote))).station.unwrap();
    assert_eq!((station.agent.as_str(), station.delegate.name.as_str()), ("build-host-7", "dc2"));
}

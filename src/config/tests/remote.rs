//! `[remote]`, and delegates of other hosts that are expected.

use suitesync_contract::SecretRef;

use super::{CONNECTION, LINK, SCHEDULE, check_errors, config, folder, problems};
use crate::config::{DelegateKind, RemoteLogin, needs_restart};

const REMOTE: &str = "[remote]\nurl = \"tls://nats.example.org\"\n";

/// A delegate of kind remote with these lines.
fn expected(lines: &str) -> String {
    format!("{REMOTE}[[delegate]]\nname = \"dc2\"\nkind = \"remote\"\n{lines}\n")
}

#[test]
fn a_server_has_an_address_a_login_and_names_that_are_accepted() {
    let remote = |lines: &str| config(&format!("{REMOTE}{lines}\n")).remote.unwrap();
    let plain = remote("");
    assert_eq!(
        (plain.url.as_str(), &plain.login, &*plain.accept),
        ("tls://nats.example.org:4222", &None, &["*".into()][..])
    );
    let file = SecretRef::File("/etc/x.creds".to_owned());
    assert_eq!(remote("credentials = { file = \"/etc/x.creds\" }").login, Some(RemoteLogin::Credentials(file)));
    assert_eq!(remote("nkey = { env = \"PAT\" }").login, Some(RemoteLogin::NKey(SecretRef::Env("PAT".to_owned()))));
    assert_eq!(remote("accept = [\"dc*\", \"x\"]").accept, ["dc*", "x"]);
}

#[test]
fn a_server_that_cannot_be_used_is_refused() {
    let check = |lines: &str, message: &str| check_errors(&format!("[remote]\n{lines}\n"), &[message]);
    check("", "[remote] lacks `url`");
    check("url = \"https://h\"", "`url` is not usable: its scheme is neither tls nor nats");
    check("url = \"tls://me:hunter2@h\"", "`url` is not usable: it holds a user or a password");
    check("url = \"tls://h\"\naccept = [\"a[\"]", "`accept` is not usable: unclosed character class; missing ']'");
    check("url = \"tls://h\"\nurls = 1", "unknown key `urls` in [remote]");
    let both = "url = \"tls://h\"\nnkey = { env = \"PAT\" }\ncredentials = { env = \"PAT\" }";
    let found = problems(&format!("[remote]\n{both}\n"));
    assert!(found.contains("error 3:1 `credentials` and `nkey` exclude each other"), "{found}");
}

#[test]
fn a_secret_in_the_place_of_its_source_is_refused_and_not_shown() {
    let folder = folder(&[("suitesync.toml", &format!("{REMOTE}nkey = \"SUABCDEFGH\"\n"))]);
    let found = super::load_from(folder.path()).diagnostics;
    let shown = found.iter().map(crate::config::Diagnostic::render).collect::<String>();
    assert!(shown.contains("`nkey` holds a value where the source of a secret is wanted"), "{shown}");
    assert!(!shown.contains("SUABC"), "{shown}");
}

#[test]
fn credentials_go_unencrypted_to_this_host_alone() {
    let refused = "`url` would have credentials and tasks go unencrypted to another host";
    let check = |url: &str, lines: &str, expect: &[&str]| {
        check_errors(&format!("[remote]\nurl = \"{url}\"\n{lines}\n"), expect);
    };
    let login = "nkey = { env = \"PAT\" }";
    check("nats://nats.example.org", login, &[refused]);
    check("nats://nats.example.org", &format!("{login}\nallow_plain_nats = true"), &[]);
    check("nats://nats.example.org", "", &[]);
    check("nats://127.0.0.1:4222", login, &[]);
    check("tls://nats.example.org", login, &[]);
}

#[test]
fn a_delegate_of_another_host_is_expected_by_name_and_tags() {
    let delegate = config(&expected("tags = [\"windows\"]\ncapacity = 8")).delegates.remove(0);
    assert_eq!((&delegate.kind, delegate.capacity, delegate.runs), (&DelegateKind::Remote, 8, true));
    assert!(delegate.tags.iter().eq(["windows"]));
    assert!(!config(&expected("runs = false")).delegates[0].runs);
}

#[test]
fn keys_that_mean_nothing_on_this_host_are_refused() {
    let nothing = |key: &str| format!("`{key}` means nothing for a delegate on another host");
    check_errors(&expected("proxy = \"http://p:1\""), &[&nothing("proxy")]);
    check_errors(&expected("additional_certs_path = \"/nowhere\""), &[&nothing("additional_certs_path")]);
    check_errors(&expected("command = [\"/bin/sh\"]"), &["`command` is for delegates of kind process"]);
    check_errors(&expected("socket = \"/s\""), &["`socket` is for delegates of kind process"]);
    let alone = expected("").replace(REMOTE, "");
    let needs = "error 2:8 a delegate of kind remote needs [remote] [add [remote] with the `url` of the NATS server where \
                 it is met]";
    assert_eq!(problems(&alone), needs);
}

#[test]
fn the_agents_name_is_usable_in_the_names_of_streams() {
    let fault = "the agent's name cannot be used with [remote]: a name may not hold ' ': letters, digits, `.`, `_` and \
                 `-` only";
    check_errors(&format!("[agent]\nname = \"build host\"\n{REMOTE}"), &[fault]);
    check_errors("[agent]\nname = \"build host\"\n", &[]);
}

#[test]
fn tags_and_executors_may_come_with_delegates_that_announce_themselves() {
    let text = format!(
        "{CONNECTION}delegate_tags = [\"dc-2\"]\n{LINK}{SCHEDULE}[[delegate]]\nname = \"local\"\nruns = false\n"
    );
    assert_eq!(problems(&text).lines().count(), 2);
    assert_eq!(problems(&format!("{text}{REMOTE}")), "");
}

#[test]
fn a_connection_that_is_served_elsewhere_needs_names_of_secrets() {
    let connection = |secret: &str| {
        format!("{CONNECTION}delegate_tags = [\"dc2\"]\ncredentials = {{ password = {secret} }}\n{LINK}")
    };
    let found = problems(&(connection("{ env = \"PAT\" }") + &expected("")));
    let told = "warning 3:8 only delegates on other hosts have the tags of connection `contoso`, and [secret env:PAT] cannot be \
                sent to them";
    assert!(found.starts_with(told), "{found}");
    let named = connection("{ secret = \"pat\" }") + "[secrets.pat]\nenv = \"PAT\"\n";
    assert_eq!(problems(&(named + &expected(""))), "");
}

#[test]
fn another_server_counts_after_a_restart() {
    let other = REMOTE.replace("example.org", "example.net");
    assert_eq!(needs_restart(&config(REMOTE), &config(&other)), ["remote"]);
    assert_eq!(needs_restart(&config(REMOTE), &config(REMOTE)), [""; 0]);
}

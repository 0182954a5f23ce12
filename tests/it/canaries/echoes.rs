//! Servers that repeat what they were sent, in every form.

mod site;

use suitesync_loopback::Login;

use super::Canary;
use super::seen::Seen;
use crate::support::processes::ProcessWatch;
use crate::support::{RunningAgent, Site, TOKEN};

use site::EchoSite;

/// What is asked of an agent about one connection.
const OF_CONNECTIONS: [&[&str]; 3] =
    [&["connection", "show"], &["connection", "show", "--json"], &["connection", "history", "--json"]];

/// What is asked about one link.
const OF_LINKS: [&[&str]; 3] =
    [&["link", "sync", "--wait"], &["link", "show", "--json"], &["link", "history", "--json"]];

const OF_ALL: [&[&str]; 12] = [
    &["connection", "test", "--all"],
    &["connection", "test", "--all", "--json"],
    &["status"],
    &["status", "--json"],
    &["connection", "list"],
    &["connection", "list", "--json"],
    &["link", "list"],
    &["link", "list", "--json"],
    &["delegate", "list", "--json"],
    &["event", "list"],
    &["event", "list", "--json"],
    &["check", "--json"],
];

/// How it is told what a server repeats, for each kind of answer.
const REPEATED: [&str; 3] = ["sent [secret ", "type `[secret ", "TF400813: [secret "];

/// Asks everything that can be asked.
fn ask(echo: &EchoSite) -> Seen {
    let mut seen = Seen::default();
    let mut ask = |command: &[&str]| seen.add_output(&command.join(" "), echo.site.run(command));
    OF_ALL.iter().for_each(|command| ask(command));
    for name in echo.names() {
        OF_CONNECTIONS.iter().for_each(|command| ask(&[*command, &[&name]].concat()));
    }
    for name in echo.links() {
        OF_LINKS.iter().for_each(|command| ask(&[*command, &[&name]].concat()));
    }
    seen
}

fn check(format: &str) {
    let echo = EchoSite::new(format);
    let agent: RunningAgent = echo.site.agent();
    let watch = ProcessWatch::start(agent.id());
    let mut seen = ask(&echo);
    // The proxy wants another password from now on, so what was sent is refused.
    echo.proxy.set_login(Login::User { name: "svc".to_owned(), password: "another".to_owned() });
    seen.add_output("a refused proxy", echo.site.run(&["connection", "test", "proxy-pair", "--json"]));
    let shown = watch.end();
    assert_eq!(agent.stop(), Some(0));
    shown.command_lines.into_iter().for_each(|text| seen.add("a command line", text));
    shown.environments.into_iter().for_each(|text| seen.add("the environment of a child", text));
    seen.add_files(&echo.site.path("agent.log"));
    seen.add_files(&echo.site.path("state"));
    for told in ["sent [secret command:/bin/cat]", "proxy_auth", "/bin/cat", "suitesync\0--config"] {
        assert!(seen.holds(told), "{told:?} was to be seen");
    }
    let is_quiet = |name: &String| {
        let place = format!("connection show --json {name}: stdout");
        !REPEATED.iter().any(|repeated| seen.holds_at(&place, repeated))
    };
    let quiet: Vec<_> = echo.repeating().into_iter().filter(is_quiet).collect();
    assert!(quiet.is_empty(), "what these servers repeat is not told: {quiet:?}");
    seen.check(&echo.canaries());
}

#[test]
fn no_secret_that_a_server_repeats_is_seen_with_a_log_of_json() {
    check("json");
}

#[test]
fn no_secret_that_a_server_repeats_is_seen_with_a_log_of_text() {
    check("text");
}

#[test]
fn a_look_without_an_agent_shows_no_secret_that_a_server_repeats() {
    let site = Site::new();
    let canary = Canary::new("", TOKEN);
    let authority = site.path("ca.pem");
    let mut seen = Seen::default();
    for (form, fault) in site::echoes(&canary) {
        site.server.set_fault(&format!("/{form}.git"), fault);
        let url = site.server.url(&format!("/{form}.git"));
        let look = ["inspect", &url, "--token-env", "SITE_TOKEN", "--ca", authority.to_str().unwrap()];
        seen.add_output(&format!("inspect {form}"), site.run(&look));
        seen.add_output(&format!("inspect {form} --json"), site.run(&[&look[..], &["--json"]].concat()));
    }
    seen.check(&[canary]);
}

//! Secrets that someone wrote into the configuration by mistake.

use super::Canary;
use super::seen::Seen;
use crate::support::Site;

/// Literals where a source is wanted, one a line, and what is around them.
fn literals(canary: &Canary) -> [String; 9] {
    let secret = format!("{:?}", canary.secret);
    let encoded = &canary.forms()[1].1;
    let connection = "[[connection]]\nname = \"literal\"\nurl = \"https://git.example.org/shop.git\"\n";
    let https = |keys: &str| format!("{connection}{keys}\n");
    [
        https(&format!("credentials = {{ password = {secret} }}")),
        https(&format!("credentials = {{ bearer = {secret} }}")),
        https(&format!("credentials = {{ password = {{ secret = {secret} }} }}")),
        https(&format!("credentials = {{ password = {{ value = {secret} }} }}")),
        https(&format!("[connection.credentials]\npasswort = {secret}")),
        https(&format!("tls = {{ client_certificate = \"/nowhere\", client_key = {secret} }}")),
        format!("[secrets]\ncontoso-pat = {secret}\n"),
        format!("[[connection]]\nname = \"literal\"\nurl = \"https://user:{encoded}@git.example.org/shop.git\"\n"),
        format!("[[delegate]]\nname = \"local\"\nproxy = \"http://svc:{encoded}@proxy.example.org:3128\"\n"),
    ]
}

#[test]
fn a_literal_secret_is_refused_and_shown_nowhere() {
    let (site, _repository, commit) = Site::with_shop();
    let agent = site.agent();
    site.wait_for_commit("shop", &commit);
    let canary = Canary::new("user", "canary/literal+0123456789");
    let mut seen = Seen::default();
    for text in literals(&canary) {
        site.drop_in("literal.toml", &text);
        let commands: [&[&str]; 6] = [
            &["check"],
            &["check", "--json"],
            &["config", "reload"],
            &["config", "reload", "--json"],
            &["status"],
            &["status", "--json"],
        ];
        for command in commands {
            let output = site.run(command);
            let is_refusal = command[0] != "status";
            assert_eq!(output.status.code(), Some(if is_refusal { 2 } else { 0 }), "{command:?}: {text}");
            seen.add_output(&format!("{command:?} of {text:?}"), output);
        }
    }
    seen.add_output("event list", site.run(&["event", "list", "--json"]));
    drop(agent);
    seen.add_files(&site.path("agent.log"));
    seen.add_files(&site.path("state"));
    assert!(seen.holds("config.rejected"));
    seen.check(&[canary]);
}

//! What a new configuration changes, and which changes matter.

use super::{CONNECTION, LINK, SCHEDULE, config};
use crate::config::{Changes, ConfigDiff};

fn between(old: &str, new: &str) -> ConfigDiff {
    ConfigDiff::between(&config(old), &config(new))
}

/// Names of the changed ones, with an exclamation mark where it matters.
fn changed<N: std::fmt::Display>(changes: &Changes<N>) -> String {
    let mark = |matters| if matters { "!" } else { "" };
    changes.changed.iter().map(|change| format!("{}{}", change.name, mark(change.matters))).collect()
}

#[test]
fn an_equal_configuration_is_no_change() {
    let text = format!("{CONNECTION}disconnected = true\n{LINK}");
    let diff = between(&text, &format!("# moved by a line\n{text}"));
    assert!(diff.is_empty(), "{diff:?}");
    assert_eq!(diff.links.unchanged.len(), 1);
}

#[test]
fn what_comes_and_goes_is_named() {
    let both = format!("{CONNECTION}{LINK}");
    let diff = between(CONNECTION, &both);
    assert_eq!((diff.links.added.len(), diff.links.removed.len(), diff.connections.unchanged.len()), (1, 0, 1));
    assert_eq!(between(&both, CONNECTION).links.removed.len(), 1);
}

#[test]
fn keys_of_a_connection_matter_or_not() {
    let check = |lines: &str, expect: &str| {
        let diff = between(CONNECTION, &format!("{CONNECTION}{lines}\n"));
        assert_eq!(changed(&diff.connections), expect, "{lines}");
    };
    check("display_name = \"x\"", "contoso");
    check("description = \"x\"", "contoso");
    check("test_every = \"1h\"", "contoso");
    check("delegate_tags = [\"x\"]", "contoso!");
    check("credentials = { password = { env = \"PAT\" } }", "contoso!");
    check("test_every = \"30m\"", "");
}

#[test]
fn keys_of_a_link_matter_or_not() {
    let check = |lines: &str, expect: &str| {
        let diff = between(&format!("{CONNECTION}{LINK}"), &format!("{CONNECTION}{LINK}{lines}\n"));
        assert_eq!(changed(&diff.links), expect, "{lines}");
    };
    check("description = \"x\"", "checkout-tests");
    check("sync_every = \"1h\"", "checkout-tests");
    check("project = \"x\"", "checkout-tests");
    check("branch = \"dev\"", "checkout-tests!");
    check("directory = \"ui\"", "checkout-tests!");
    check("formats = [\"katalon\"]", "");
    check("delegate_tags = [\"x\"]", "checkout-tests!");
    check("delegate_tags = []", "checkout-tests!");
}

#[test]
fn schedules_come_and_go_and_change() {
    let with = |lines: &str| format!("{CONNECTION}{LINK}{SCHEDULE}{lines}\n");
    let none = format!("{CONNECTION}{LINK}");
    assert_eq!(between(&none, &with("")).schedules.added.len(), 1);
    assert_eq!(between(&with(""), &none).schedules.removed.len(), 1);
    let check = |lines: &str, expect: &str| assert_eq!(changed(&between(&with(""), &with(lines)).schedules), expect);
    check("", "");
    check("jitter = \"0s\"", "");
    check("time_zone = \"Europe/Berlin\"", "nightly!");
    check("timeout = \"2h\"", "nightly");
    check("environment = { STAGE = \"qa\" }", "nightly");
    check("delegate_tags = []", "nightly");
    assert!(!between(&with(""), &with("timeout = \"2h\"")).is_empty());
}

#[test]
fn how_a_connection_is_reached_matters() {
    let ssh = |lines: &str| {
        format!(
            "[[connection]]\nname = \"c\"\nurl = \"git@git.example.org:t.git\"\n[connection.credentials]\nprivate_key = {{ env = \"A\" }}\n{lines}\n"
        )
    };
    let check = |old: &str, new: &str| assert_eq!(changed(&between(old, new).connections), "c!", "{new}");
    check(&ssh(""), &ssh("").replace("git@git", "qa@git"));
    check(&ssh(""), &ssh("").replace("\"A\"", "\"B\""));
    check(&ssh(""), &ssh("passphrase = { env = \"P\" }"));
    check(&ssh(""), &ssh("host_keys = [\"SHA256:uNiVztksCsDhcc0u9e8BrgJXnYuVNiHRcuKyfSbjLDs\"]"));
    let azure = CONNECTION.replace("contoso\"\nprovider", "c\"\nprovider");
    let api = format!("{azure}api = {{ token = {{ command = [\"/bin/a\"] }} }}\n");
    check(&azure, &api);
    check(&api, &api.replace("/bin/a", "/bin/b"));
}

#[test]
fn the_way_out_of_a_delegate_matters() {
    let with = |lines: &str| format!("[[delegate]]\nname = \"d\"\n{lines}\n");
    let check = |lines: &str, expect: &str| {
        assert_eq!(changed(&between(&with("proxy = \"http://p:1\""), &with(lines)).delegates), expect);
    };
    check("proxy = \"http://q:1\"", "d!");
    check("proxy = \"http://p:1\"\nno_proxy = [\"a\"]", "d!");
    check("proxy = \"http://p:1/\"", "");
    check("proxy = \"http://p:1\"\ncapacity = 9", "d");
    check("proxy = \"http://p:1\"\nruns = false", "d!");
    check("proxy = \"http://p:1\"\nkind = \"process\"\nsocket = \"/s\"", "d!");
}

#[test]
fn another_source_of_a_named_secret_matters() {
    let text = |source: &str| {
        format!("{CONNECTION}credentials = {{ password = {{ secret = \"p\" }} }}\n[secrets.p]\nenv = \"{source}\"\n")
    };
    assert_eq!(changed(&between(&text("PAT"), &text("OTHER")).connections), "contoso!");
}

#[test]
fn keys_that_need_a_restart_are_named() {
    let diff = between("", "[agent]\nstate_dir = \"/s\"\nsocket = \"/a\"\nname = \"x\"\nattempts = 9\n");
    assert_eq!(diff.needs_restart, ["agent.name", "agent.state_dir", "agent.socket"]);
}

#[test]
fn a_difference_is_written_as_json() {
    let diff = between(CONNECTION, &format!("{CONNECTION}description = \"x\"\n{LINK}"));
    insta::assert_json_snapshot!(diff.connections, @r#"
    {
      "added": [],
      "changed": [
        {
          "name": "contoso",
          "matters": false
        }
      ],
      "removed": [],
      "unchanged": []
    }
    "#);
}

#[test]
fn fingerprints_stay_what_the_catalog_holds() {
    let config = config(&format!("{CONNECTION}{LINK}"));
    insta::assert_snapshot!(config.connections["contoso"].fingerprint(), @"f2d58e60f4ed8ef542a6e04d287ead515721bfa5474d82838109ac50369ddf8d");
    insta::assert_snapshot!(config.links["checkout-tests"].fingerprint(), @"b8ab802332585af7a5c32955d337f2af8474ca403683dd5da86722b00d9c8dc4");
}

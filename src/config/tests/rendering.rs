//! What people see of a problem.

use insta::assert_snapshot;

use super::{CONNECTION, LINK, folder, load_from};

/// All problems of these files, rendered, the folder's own name left out.
fn rendered(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let shown = load_from(folder.path()).diagnostics.iter().map(|d| d.render()).collect::<Vec<_>>().join("\n\n");
    shown.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn the_line_is_shown_with_the_fault_underlined() {
    let text = format!("{CONNECTION}{LINK}bransh = \"main\"\nsync_every = \"0s\"\n");
    assert_snapshot!(rendered(&[("suitesync.toml", &text)]), @r#"
    error: unknown key `bransh` in [[link]]
      --> suitesync.toml:13:1
       |
    13 | bransh = "main"
       | ^^^^^^
       |
       = help: did you mean `branch`?

    error: `sync_every` is not usable: an interval is at least 1s
      --> suitesync.toml:14:14
       |
    14 | sync_every = "0s"
       |              ^^^^
       |
       = help: numbers with s, m, h or d, such as "30s", "5m" or "1h30m"
    "#);
}

#[test]
fn a_name_used_twice_is_shown_at_both_places() {
    let files = [("suitesync.toml", CONNECTION), ("conf.d/10-a.toml", CONNECTION), ("conf.d/20-b.toml", LINK)];
    assert_snapshot!(rendered(&files), @r#"
    error: the name `contoso` is used twice (first used at suitesync.toml:3:8)
     --> conf.d/10-a.toml:3:8
      |
    3 | name = "contoso"
      |        ^^^^^^^^^
      |
     ::: suitesync.toml:3:8
      |
    3 | name = "contoso"
      |        --------- first used at
      |
      = help: give one of them another name
    "#);
}

#[test]
fn a_literal_secret_is_masked() {
    let text = format!("{CONNECTION}credentials = {{ username = \"üser\", password = \"hunter2\" }}\n{LINK}");
    assert_snapshot!(rendered(&[("suitesync.toml", &text)]), @r#"
    error: `password` holds a value where the source of a secret is wanted
     --> suitesync.toml:8:47
      |
    8 | credentials = { username = "üser", password = "*******" }
      |                                               ^^^^^^^^^
      |
      = help: secrets do not stand in the configuration: write { env = "NAME" }, { file = "/path" }, { credential = "NAME" } or { command = ["/path"] }, or { secret = "NAME" } with a [secrets.NAME] table
    "#);
}

#[test]
fn faults_of_syntax_are_shown_as_any_other() {
    assert_snapshot!(rendered(&[("suitesync.toml", "[agent]\nname = \"x\nattempts = = 3\n[log\n")]), @r#"
    error: not TOML: invalid basic string, expected `"`
     --> suitesync.toml:2:10
      |
    2 | name = "x
      |          ^

    error: not TOML: extra `=`, expected nothing
     --> suitesync.toml:3:12
      |
    3 | attempts = = 3
      |            ^

    error: not TOML: unclosed table, expected `]`
     --> suitesync.toml:4:5
      |
    4 | [log
      |     ^
    "#);
}

#[test]
fn a_missing_file_is_shown_without_a_line() {
    assert_snapshot!(rendered(&[]), @r#"
    error: there is no configuration here
     --> suitesync.toml:1:1
      = help: write one, if only an empty one: each [[connection]] and [[link]] goes there or into conf.d/*.toml beside it; `--config FILE` names another place
    "#);
}

#[test]
fn a_problem_is_written_as_json() {
    let text = format!("{CONNECTION}{LINK}bransh = \"main\"\n");
    let folder = folder(&[("suitesync.toml", &text)]);
    let mut found = load_from(folder.path()).diagnostics;
    found[0].file = "suitesync.toml".to_owned();
    insta::assert_json_snapshot!(found, @r#"
    [
      {
        "severity": "error",
        "file": "suitesync.toml",
        "line": 13,
        "column": 1,
        "message": "unknown key `bransh` in [[link]]",
        "help": "did you mean `branch`?"
      }
    ]
    "#);
}

#[test]
fn what_lacks_is_shown_at_the_head_of_its_table() {
    let text =
        format!("{CONNECTION}[connection.credentials]\n{LINK}\n[[link]]\nname = \"x\"\nconnection = \"contoso\"\n");
    assert_snapshot!(rendered(&[("suitesync.toml", &text)]), @r#"
    error: [connection.credentials] lacks `password`
     --> suitesync.toml:8:1
      |
    8 | [connection.credentials]
      | ^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: set `password`, or `bearer` for a bearer token

    error: [[link]] lacks `url`
      --> suitesync.toml:15:1
       |
    15 | [[link]]
       | ^^^^^^^^
       |
       = help: add `url`
    "#);
}

#[test]
fn a_connection_over_ssh_with_keys_of_http_is_shown_with_where_they_belong() {
    let text = "[[connection]]\nname = \"c\"\nurl = \"git@ssh.dev.azure.com:v3/contoso/payments/checkout\"\n\
                connection_type = \"http\"\n[connection.credentials]\npassword = { env = \"PAT\" }\n\
                host_keys = [\"MD5:97:70:33\"]\n[[link]]\nname = \"l\"\nconnection = \"c\"\nurl = \"?path=/a\"\n";
    assert_snapshot!(rendered(&[("suitesync.toml", text)]), @r#"
    error: `connection_type` is `http`, but the URL is of ssh
     --> suitesync.toml:4:19
      |
    4 | connection_type = "http"
      |                   ^^^^^^
      |
      = help: write an https:// URL, or leave `connection_type` out: the URL tells it

    error: [connection.credentials] lacks `private_key`
     --> suitesync.toml:5:1
      |
    5 | [connection.credentials]
      | ^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: set `private_key`, the source of a key in OpenSSH's format or in PEM

    error: `password` is for connections over http, and this one is over ssh
     --> suitesync.toml:6:1
      |
    6 | password = { env = "PAT" }
      | ^^^^^^^^
      |
      = help: over http: `username`, `password`, `bearer`; over ssh: `private_key`, `passphrase`, `known_hosts`, `host_keys`

    error: a fingerprint in `host_keys` is of MD5, which can be forged
     --> suitesync.toml:7:14
      |
    7 | host_keys = ["MD5:97:70:33"]
      |              ^^^^^^^^^^^^^^
      |
      = help: write it as `ssh-keygen -lf FILE` or a failed test shows it: "SHA256:" and 43 characters
    "#);
}

#[test]
fn a_key_with_a_literal_value_and_a_proxy_with_a_password_are_masked() {
    let text = "[[delegate]]\nname = \"d\"\nproxy = \"svc:hunter2@proxy.dc1:3128\"\n\
                [secrets.key]\ncommand = [\"vault\", \"--token=hunter2\"]\n";
    assert_snapshot!(rendered(&[("suitesync.toml", text)]), @r#"
    error: `proxy` is not usable: the URL holds a user or a password
     --> suitesync.toml:3:9
      |
    3 | proxy = "***********@proxy.dc1:3128"
      |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write { url = "http://HOST:PORT", username = "…", password = { secret = "…" } }

    warning: the secret `key` is not used
     --> suitesync.toml:4:10
      |
    4 | [secrets.key]
      |          ^^^
      |
      = help: remove it, or name it with { secret = "…" }

    error: `command` does not begin with the absolute path of a program
     --> suitesync.toml:5:11
      |
    5 | command = ["*****", "***************"]
      |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write ["/usr/bin/PROGRAM", "ARGUMENT"]: it is started without a shell, and prints the secret
    "#);
}

#[test]
fn faults_of_a_schedule_are_shown_with_what_is_allowed() {
    let schedule = "[[schedule]]\nname = \"nightly\"\nlink = \"checkout-test\"\ncron = \"30 2 * * *\"\ntime_zone = \"Berlin\"\n\
                    suites = [\"/Smoke\"]\ncommand = [\"katalonc\", \"-suite={siute}\"]\non = [\"push\"]\n\
                    environment = { API_TOKEN = \"hunter2\" }\ntimeout = \"2w\"\njitter = \"2d\"\n";
    assert_snapshot!(rendered(&[("suitesync.toml", &format!("{CONNECTION}{LINK}{schedule}"))]), @r#"
    error: there is no link `checkout-test`
      --> suitesync.toml:15:8
       |
    15 | link = "checkout-test"
       |        ^^^^^^^^^^^^^^^
       |
       = help: did you mean `checkout-tests`?

    error: `cron` is not usable: a cron expression has 6 fields, this has 5
      --> suitesync.toml:16:8
       |
    16 | cron = "30 2 * * *"
       |        ^^^^^^^^^^^^
       |
       = help: put seconds first: `0 30 2 * * *`

    error: there is no time zone `Berlin`
      --> suitesync.toml:17:13
       |
    17 | time_zone = "Berlin"
       |             ^^^^^^^^
       |
       = help: did you mean `Europe/Berlin`?

    error: `/Smoke` is no path below the root
      --> suitesync.toml:18:11
       |
    18 | suites = ["/Smoke"]
       |           ^^^^^^^^
       |
       = help: write a path from the root, such as "Test Suites/Smoke", "Test Suites/*" or "Test Suites/**", without `.`, `..` and slashes at the ends

    error: there is no placeholder `{siute}`
      --> suitesync.toml:19:24
       |
    19 | command = ["katalonc", "-suite={siute}"]
       |                        ^^^^^^^^^^^^^^^^
       |
       = help: did you mean `{suite}`?

    error: `on` in [[schedule]] is not supported by this version
      --> suitesync.toml:20:1
       |
    20 | on = ["push"]
       | ^^
       |
       = help: remove it; what it asks for would not be done

    warning: the value of `API_TOKEN` looks like a secret
      --> suitesync.toml:21:29
       |
    21 | environment = { API_TOKEN = "*******" }
       |                             ^^^^^^^^^
       |
       = help: secrets do not stand in the configuration: write { env = "NAME" } or another source, such as { secret = "NAME" }

    error: `timeout` is not usable: "2w" is no interval
      --> suitesync.toml:22:11
       |
    22 | timeout = "2w"
       |           ^^^^
       |
       = help: numbers with s, m, h or d, such as "30s", "5m" or "1h30m"

    error: `jitter` is out of range
      --> suitesync.toml:23:10
       |
    23 | jitter = "2d"
       |          ^^^^
       |
       = help: from 0s to 1d
    "#);
}

#[test]
fn faults_of_delegates_are_shown_with_what_is_allowed() {
    let delegates = "[[delegate]]\nname = \"a\"\nkind = \"proces\"\n[[delegate]]\nname = \"b\"\ncommand = [\"run\"]\n\
                     [[delegate]]\nname = \"c\"\nkind = \"process\"\ncommand = [\"run\"]\n";
    let files = [("suitesync.toml", delegates), ("delegates.d/c/plugin.toml", "tags = [\"x\"]\n")];
    assert_snapshot!(rendered(&files), @r#"
    error: `proces` is not allowed for `kind`
     --> suitesync.toml:3:8
      |
    3 | kind = "proces"
      |        ^^^^^^^^
      |
      = help: did you mean `process`? allowed: `local`, `process`, `remote`

    error: `command` is for delegates of kind process
     --> suitesync.toml:6:1
      |
    6 | command = ["run"]
      | ^^^^^^^
      |
      = help: write `kind = "process"`, or remove `command`

    error: `command` does not begin with the absolute path of a program
      --> suitesync.toml:10:11
       |
    10 | command = ["run"]
       |           ^^^^^^^
       |
       = help: write ["/usr/lib/suitesync/delegates/NAME"]: it is started without a shell

    error: a delegate of kind process has no `command` and no `socket`
     --> delegates.d/c/plugin.toml:1:1
      |
    1 | tags = ["x"]
      | ^
      |
      = help: add `command`, a program to start, or `socket`, where one that runs already listens

    error: the name `c` is used twice (first used at suitesync.toml:8:8)
     --> delegates.d/c/plugin.toml:1:1
      |
    1 | tags = ["x"]
      | ^
      |
     ::: suitesync.toml:8:8
      |
    8 | name = "c"
      |        --- first used at
      |
      = help: give one of them another name
    "#);
}

//! What is missing on this host before anything is sent: a secret, or a delegate.

use suitesync_contract::FailureClass;

use super::{Row, Scene};
use crate::support::Site;
use crate::support::connection::Connection;

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "no-variable",
        class: FailureClass::SecretUnavailable,
        step: "secrets",
        says: &["[secret env:NO_SUCH_VARIABLE] is not set"],
        hint: "set the environment variable for the agent",
    },
    Row {
        name: "no-file",
        class: FailureClass::SecretUnavailable,
        step: "secrets",
        says: &["[secret file:/nowhere/token] cannot be read: No such file"],
        hint: "the file that the secret names",
    },
    Row {
        name: "empty-file",
        class: FailureClass::SecretUnavailable,
        step: "secrets",
        says: &["[secret file:{empty}] is empty"],
        hint: "the file that the secret names",
    },
    Row {
        name: "no-credential",
        class: FailureClass::SecretUnavailable,
        step: "secrets",
        says: &["[secret credential:pat] is not there: systemd has given no credentials"],
        hint: "add `LoadCredential=pat:/path` to the unit",
    },
    Row {
        name: "failing-command",
        class: FailureClass::SecretUnavailable,
        step: "secrets",
        says: &["[secret command:/bin/false", "ended with exit status 1"],
        hint: "",
    },
    Row {
        name: "no-delegate",
        class: FailureClass::NoEligibleDelegate,
        step: "delegate",
        says: &["local", "missing tag mainframe"],
        hint: "correct `delegate_tags`, or give a delegate the tags",
    },
];

#[test]
fn what_lacks_on_this_host_is_told_before_any_request() {
    let mut scene = Scene::new(Site::new());
    let empty = scene.site.secret_file("empty", "\n");
    scene.name("{empty}", empty.display().to_string());
    let sources = [
        ("no-variable", "{ env = \"NO_SUCH_VARIABLE\" }".to_owned()),
        ("no-file", "{ file = \"/nowhere/token\" }".to_owned()),
        ("empty-file", format!("{{ file = {empty:?} }}")),
        ("no-credential", "{ credential = \"pat\" }".to_owned()),
        ("failing-command", "{ command = [\"/bin/false\", \"contoso\"] }".to_owned()),
    ];
    let url = scene.site.server.url("/shop.git");
    for (name, source) in sources {
        scene.add(Connection::new(name, &url).with(format!("credentials = {{ password = {source} }}")));
    }
    scene.add(Connection::new("no-delegate", &url).with("delegate_tags = [\"Mainframe\"]"));
    scene.check(ROWS);
    assert_eq!(scene.site.server.connections(), 0);
}

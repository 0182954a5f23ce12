//! The table of failures: for every class a real server or fault that produces it, the step of a connection test that
//! fails, and what is told of it.
//!
//! A file of this folder holds the rows of one part of the way, and sets up what they need. A row is a connection; all
//! of a file are tested by one agent, so that a silent server costs its time limit once. What belongs to syncs alone
//! stands in `links`.

mod answers;
mod azure;
mod links;
mod proxies;
mod reaching;
mod secrets;
mod ssh;
mod tls;

use std::process::{Child, Stdio};

use serde_json::Value;
use suitesync_contract::FailureClass;

use crate::support::Site;
use crate::support::connection::Connection;

/// Classes without a row, each with its reason.
const EXCEPTIONS: [(FailureClass, &str); 3] = [
    (FailureClass::DelegateLost, "no server brings it about: a delegate has to die, as in the tests of delegates"),
    (FailureClass::Canceled, "it never becomes the last failure of anything: what was canceled is done again"),
    (FailureClass::Internal, "it is a bug or a host that is broken, and no server can bring it about"),
];

/// What is told of one connection that fails.
struct Row {
    /// The connection's name: what is wrong.
    name: &'static str,
    class: FailureClass,
    step: &'static str,
    /// Parts of the message. `{host}` and `{url}` are the connection's, other names in braces the scene's.
    says: &'static [&'static str],
    /// Part of the next step.
    hint: &'static str,
}

/// Connections that fail, and the site that they are tried on.
struct Scene {
    site: Site,
    /// What stands before the connections in the configuration.
    preface: String,
    connections: Vec<Connection>,
    names: Vec<(&'static str, String)>,
}

impl Scene {
    fn new(site: Site) -> Self {
        Self { site, preface: String::new(), connections: Vec::new(), names: Vec::new() }
    }

    fn add(&mut self, connection: Connection) {
        self.connections.push(connection);
    }

    /// What a name in braces stands for.
    fn name(&mut self, name: &'static str, value: impl Into<String>) {
        self.names.push((name, value.into()));
    }

    /// Tests all connections at once, and compares each with its row.
    fn check(&self, rows: &[Row]) {
        let text: String = self.connections.iter().map(ToString::to_string).collect();
        self.site.configure(&format!("{}{text}", self.preface));
        let _agent = self.site.agent();
        let test = |row: &Row| Test::begin(&self.site, row.name);
        let tests: Vec<_> = rows.iter().map(test).collect();
        let ended = rows.iter().zip(tests).flat_map(|(row, test)| self.complaints(row, &test.end()));
        let complaints: Vec<_> = ended.collect();
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        assert_eq!(self.connections.len(), rows.len(), "every connection has its row");
    }

    /// What a test tells otherwise than its row.
    fn complaints(&self, row: &Row, test: &Value) -> Vec<String> {
        let (name, failure) = (row.name, &test["failure"]);
        let mut complaints = Vec::new();
        let (class, step) = (failure["class"].as_str().unwrap_or_default(), stopped_at(test));
        if (class, step.as_str()) != (row.class.code(), row.step) {
            complaints.push(format!("{name}: {class} at {step}, not {} at {}: {failure}", row.class, row.step));
        }
        let says = row.says.iter().map(|part| ("message", *part));
        for (key, part) in says.chain([("hint", row.hint)]) {
            let part = self.filled(name, part);
            if !failure[key].as_str().unwrap_or_default().contains(&part) {
                complaints.push(format!("{name}: {part:?} lacks in the {key} of {failure}"));
            }
        }
        complaints
    }

    fn filled(&self, connection: &str, part: &str) -> String {
        let connection = self.connections.iter().find(|known| known.name == connection).unwrap();
        let part = part.replace("{host}", &connection.host()).replace("{url}", &connection.shown_url());
        self.names.iter().fold(part, |part, (name, value)| part.replace(name, value))
    }
}

/// The step at which a test has stopped: those before it were well, and those after it are skipped.
fn stopped_at(test: &Value) -> String {
    let mut rest = test["steps"].as_array().unwrap().iter().skip_while(|step| step["outcome"] == "ok");
    match rest.next() {
        Some(step) if step["outcome"] == "failed" && rest.all(|step| step["outcome"] == "skipped") => {
            step["step"].as_str().unwrap().to_owned()
        }
        _ => format!("no step: {}", test["steps"]),
    }
}

/// A test by hand that is under way.
struct Test(Child);

impl Test {
    fn begin(site: &Site, connection: &str) -> Self {
        let mut command = site.command(&["connection", "test", connection, "--json"]);
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn end(self) -> Value {
        let output = self.0.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
fn every_class_has_a_row_or_a_reason() {
    let rows = [answers::ROWS, azure::ROWS, proxies::ROWS, reaching::ROWS, secrets::ROWS, ssh::ROWS, tls::ROWS];
    let of_tests = rows.into_iter().flatten().map(|row| row.class);
    let shown: Vec<_> = of_tests.chain(links::ROWS.iter().map(|row| row.class)).collect();
    let excepted: Vec<_> = EXCEPTIONS.iter().map(|(class, _)| *class).collect();
    let absent: Vec<_> = FailureClass::ALL.iter().filter(|class| !shown.contains(class)).copied().collect();
    assert_eq!(absent, excepted, "classes without a row are those with a reason");
}

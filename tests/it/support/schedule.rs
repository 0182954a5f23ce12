//! Schedules and runs of a site.

use serde_json::Value;
use suitesync_loopback::Change;

use super::katalon::{case, project, suite};
use super::{Site, wait_for};

/// A cron expression that comes due once in four years.
pub(crate) const SELDOM: &str = "0 0 0 29 2 *";

impl Site {
    /// A schedule of the link `shop` whose command is a shell's; `keys` are further lines of TOML.
    pub(crate) fn schedule(&self, name: &str, suites: &str, script: &str, keys: &str) -> String {
        let command = serde_json::to_string(script).unwrap();
        format!(
            "[[schedule]]\nname = \"{name}\"\nlink = \"shop\"\ncron = \"{SELDOM}\"\nsuites = [\"{suites}\"]\n\
             command = [\"/bin/sh\", \"-c\", {command}]\n{keys}\n\n"
        )
    }

    /// Starts a schedule by hand; the ids of its runs.
    pub(crate) fn start(&self, schedule: &str) -> Vec<u64> {
        let runs = self.json(&["run", "start", schedule]);
        runs.as_array().unwrap().iter().map(|run| run["id"].as_u64().unwrap()).collect()
    }

    pub(crate) fn runs(&self) -> Vec<Value> {
        self.json(&["run", "list", "--limit", "10000"]).as_array().unwrap().clone()
    }

    /// Waits until a run is in a status, and returns it.
    pub(crate) fn wait_for_run(&self, id: u64, status: &str) -> Value {
        wait_for(&format!("run {id} to be {status}"), || {
            self.runs().into_iter().find(|run| run["id"] == id).filter(|run| run["status"] == status)
        })
    }

    pub(crate) fn log_of(&self, id: u64) -> String {
        String::from_utf8(self.run(&["run", "logs", &id.to_string()]).stdout).unwrap()
    }
}

/// A project with so many suites, `Test Suites/S0` and on.
pub(crate) fn many_suites(count: usize) -> Vec<Change> {
    let mut changes = vec![project("", "shop"), case("Test Cases/Login", "00000000-0000-0000-0000-000000000001")];
    changes.extend((0..count).map(|number| suite(&format!("Test Suites/S{number}"), &["Test Cases/Login"])));
    changes
}

/// The newest result of the one case that was asked for.
pub(crate) fn newest_result(cases: &Value) -> Value {
    cases[0]["results"].as_array().and_then(|results| results.last()).cloned().unwrap_or_default()
}

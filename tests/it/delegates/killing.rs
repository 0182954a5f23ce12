//! Delegates that are killed in the middle of syncs and runs, again and again: nothing is lost and nothing counts twice.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use serde_json::Value;
use suitesync_loopback::SampleRepository;

use crate::support::processes::children_with;
use crate::support::schedule::many_suites;
use crate::support::{RunningAgent, Site, find, katalon, wait_for, wait_within};

const REPOSITORIES: usize = 20;
/// A commit to each repository a round: two hundred syncs in all.
const ROUNDS: usize = 10;
const SUITES: usize = 5;
/// Each start has a run for each suite: fifty in all, one start a round.
const RUNS: usize = ROUNDS * SUITES;

/// A loaded machine checks out fifty times and starts processes again and again.
const PATIENCE: Duration = Duration::from_secs(180);

/// Long enough to be cut off.
const SCRIPT: &str = "sleep 0.2";

struct Workplace {
    site: Site,
    repositories: Vec<SampleRepository>,
    agent: RunningAgent,
}

impl Workplace {
    fn new() -> Self {
        let (site, shop, _commit) = Site::with_shop();
        shop.commit("main", "suites", &many_suites(SUITES)).unwrap();
        let command = format!("command = [{:?}, \"delegate\", \"run\", \"--stdio\"]", env!("CARGO_BIN_EXE_suitesync"));
        let delegate = |name: &str| format!("[[delegate]]\nname = \"{name}\"\nkind = \"process\"\n{command}\n\n");
        let name = |number: usize| format!("r{number}");
        let links: String = (0..REPOSITORIES)
            .map(|number| site.link(&name(number), "server", &format!("{}.git", name(number)), ""))
            .collect();
        let schedule = site.schedule("load", "Test Suites/S?", SCRIPT, "overlap = \"queue\"");
        let text = delegate("one") + &delegate("two") + &site.connection("server", "shop.git");
        site.configure(&(text + &site.link("shop", "server", "shop.git", "") + &links + &schedule));
        let repositories = (0..REPOSITORIES).map(|number| site.repository(&format!("{}.git", name(number)))).collect();
        let agent = site.agent();
        let workplace = Self { site, repositories, agent };
        workplace.site.wait_for_commit("shop", &shop.resolve("main").unwrap());
        workplace
    }

    /// A commit to every repository, a start of every suite, and a delegate that is killed in the middle of it.
    fn round(&self, number: usize) -> Vec<u64> {
        let id = format!("00000000-0000-0000-0000-{number:012}");
        for repository in &self.repositories {
            let changes = [katalon::project("", "shop"), katalon::case("Test Cases/Pay", &id)];
            repository.commit("main", "more", &changes).unwrap();
        }
        let runs = self.site.start("load");
        let delegates = wait_for("a delegate to be there", || {
            Some(children_with(self.agent.id(), "--stdio")).filter(|found| !found.is_empty())
        });
        kill(delegates[number % delegates.len()]);
        runs
    }

    fn links_behind(&self) -> Vec<usize> {
        let links = self.site.json(&["link", "list"]);
        let is_behind = |number: &usize| {
            let link = find(&links, "name", &format!("r{number}"));
            link["status"] != "active" || link["commit"] != self.repositories[*number].resolve("main").unwrap().as_str()
        };
        (0..REPOSITORIES).filter(is_behind).collect()
    }
}

fn kill(process: u32) {
    // It may have been begun anew this very moment.
    let _ = std::process::Command::new("kill").args(["-9", &process.to_string()]).status().unwrap();
}

fn is_over(run: &Value) -> bool {
    !run["finished_at"].is_null()
}

#[test]
fn delegates_that_are_killed_lose_no_task_and_no_outcome_counts_twice() {
    let workplace = Workplace::new();
    let site = &workplace.site;
    let ids: Vec<_> = (0..ROUNDS).flat_map(|number| workplace.round(number)).collect();
    assert_eq!(ids.len(), RUNS);
    let runs =
        wait_within(PATIENCE, "every run to be over", || Some(site.runs()).filter(|runs| runs.iter().all(is_over)));
    wait_within(PATIENCE, "every link to be synced", || workplace.links_behind().is_empty().then_some(()));
    let once: BTreeMap<_, _> = ids.iter().map(|id| (id.to_string(), 1)).collect();
    assert_eq!(counted(site, "run.finished", &["run"]), once);
    let synced = counted(site, "link.synced", &["link", "to"]);
    assert!(synced.values().all(|times| *times == 1), "{synced:?}");
    for run in runs {
        let told = (run["status"].as_str().unwrap(), run["reason"].as_str());
        assert!(matches!(told, ("passed", None) | ("error", Some("delegate_lost"))), "{run}");
    }
    wait_for("every delegate to be back with nothing in hand", || {
        let delegates = site.json(&["delegate", "list"]);
        let is_idle = |one: &Value| one["status"] == "connected" && one["tasks"] == 0;
        delegates.as_array().unwrap().iter().all(is_idle).then_some(())
    });
    let reassigned = site.events("delegate.task_reassigned").len();
    writeln!(std::io::stderr(), "{ROUNDS} kills, {reassigned} tasks given to others").unwrap();
}

/// How often each event of a name has been told, by these of its fields.
fn counted(site: &Site, name: &str, fields: &[&str]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for event in site.events(name) {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let key: Vec<_> = fields.iter().map(|field| text(&event[*field])).collect();
        *counts.entry(key.join(" ")).or_default() += 1;
    }
    counts
}

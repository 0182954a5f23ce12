//! An agent that is killed again and again under load: what it has acknowledged stays, nothing is done twice or passed
//! over, and nothing of it is left.
//!
//! Links are polled every second while commits come in, schedules fall due every second, and somebody archives a link
//! and begins runs all the time. The moments come from a fixed seed. `SUITESYNC_KILLS=200` makes it long.

mod load;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use self::load::{ARCHIVED, LINKS, Load, Workplace};
use crate::support::processes::{folders_of_runs, is_running, of_runs_below};
use crate::support::schedule::SELDOM;
use crate::support::{RunningAgent, find, wait_for};

/// How often the agent is killed where nothing else is asked for.
const KILLS: u64 = 15;
const SEED: u64 = 2_026;

/// A kill comes at most so long after a start.
const LATEST: Duration = Duration::from_secs(4);

#[test]
fn an_agent_that_is_killed_at_any_moment_loses_nothing_and_does_nothing_twice() {
    let kills = std::env::var("SUITESYNC_KILLS").map_or(KILLS, |number| number.parse().unwrap());
    let workplace = Workplace::new();
    let mut load = Load::default();
    let mut random = fastrand::Rng::with_seed(SEED);
    for _ in 0..kills {
        // Early moments come more often: one in seven while the agent still starts.
        kill_at(LATEST.mul_f64(random.f64().powi(2)), &workplace, &mut load);
    }
    let agent = calm(&workplace, &load);
    check_runs(&workplace, &load);
    assert!(workplace.site.events("mirror.rebuilt").is_empty());
    let told = tell(&workplace, &load);
    let found = catalog(&workplace);
    assert_eq!(agent.stop(), Some(0));
    std::fs::rename(workplace.site.path("state"), workplace.site.path("state-of-the-killed")).unwrap();
    let _fresh = workplace.site.agent();
    workplace.wait_for_commits();
    assert_eq!(found, catalog(&workplace));
    writeln!(std::io::stderr(), "{kills} kills: {told}").unwrap();
}

/// Starts an agent, loads it, and kills it at a moment.
fn kill_at(moment: Duration, workplace: &Workplace, load: &mut Load) {
    let mut agent = RunningAgent::launch(&workplace.site);
    let killed = AtomicBool::new(false);
    let (working, has_ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let killed = &killed;
        scope.spawn(move || {
            let _working = working;
            load.put_on(workplace, killed);
        });
        let early = has_ended.recv_timeout(moment);
        let is_down = agent.has_ended();
        agent.kill();
        killed.store(true, Ordering::Relaxed);
        assert_eq!((early, is_down), (Err(mpsc::RecvTimeoutError::Timeout), false), "it ended before it was killed");
    });
}

/// The agent once nothing falls due any more, every link is synced, and every run is over.
fn calm(workplace: &Workplace, load: &Load) -> RunningAgent {
    let site = &workplace.site;
    workplace.configure(SELDOM);
    let agent = site.agent();
    if let Some(archived) = load.archived {
        assert_eq!(site.link_view(ARCHIVED)["status"] == "archived", archived);
    }
    site.json(&["link", "unarchive", ARCHIVED]);
    workplace.wait_for_commits();
    let is_over = |run: &Value| !["queued", "running", "canceling"].contains(&run["status"].as_str().unwrap());
    wait_for("every run to be over", || workplace.runs().iter().all(is_over).then_some(()));
    assert!(!is_running(load::MARK) && of_runs_below(site.folder.path()).is_empty(), "a process of a run is left");
    let runs = site.path("state/delegate/runs/local");
    wait_for("the folders of runs to go", || folders_of_runs(&runs).is_empty().then_some(()));
    agent
}

fn check_runs(workplace: &Workplace, load: &Load) {
    let runs: BTreeMap<_, _> = workplace.runs().into_iter().map(|run| (run["id"].as_u64().unwrap(), run)).collect();
    for acknowledged in &load.runs {
        let run = runs.get(&acknowledged["id"].as_u64().unwrap()).unwrap_or(&Value::Null);
        let changing =
            if acknowledged["finished_at"].is_null() { &[][..] } else { &["status", "reason", "finished_at"] };
        for key in ["schedule", "link", "suite", "due_at", "queued_at", "commit"].iter().chain(changing) {
            assert_eq!(run[*key], acknowledged[*key], "{key} of {acknowledged} is now that of {run}");
        }
    }
    check_slots(workplace, runs.values(), "often", workplace.suites());
    check_slots(workplace, runs.values(), "aside", workplace.suites());
}

/// Every second from the first slot to the last has its runs once, all of them, or is told as missed.
fn check_slots<'a>(workplace: &Workplace, runs: impl Iterator<Item = &'a Value>, schedule: &str, suites: usize) {
    let mut slots: BTreeMap<DateTime<Utc>, BTreeSet<&str>> = BTreeMap::new();
    let mut begun = None;
    for run in runs.filter(|run| run["schedule"] == schedule && run["requested_by"].is_null()) {
        begun.get_or_insert(time(&run["queued_at"]));
        let is_first = slots.entry(time(&run["due_at"])).or_default().insert(run["suite"].as_str().unwrap());
        assert!(is_first, "{schedule} has run twice: {run}");
    }
    let partly: Vec<_> = slots.iter().filter(|(_, found)| found.len() != suites).collect();
    assert!(partly.is_empty(), "{schedule} has begun in part: {partly:?}");
    let missed = workplace.site.events("schedule.missed").into_iter();
    let missed = missed.filter(|event| event["schedule"] == schedule && Some(time(&event["at"])) > begun);
    let missed: i64 = missed.map(|event| event["missed"].as_i64().unwrap()).sum();
    let (first, last) = (slots.keys().next().unwrap(), slots.keys().next_back().unwrap());
    let seconds = (*last - *first).num_seconds() + 1;
    assert_eq!(i64::try_from(slots.len()).unwrap() + missed, seconds, "{schedule}: slots begun and missed");
}

/// What the catalog holds of every link.
fn catalog(workplace: &Workplace) -> Value {
    let site = &workplace.site;
    let links = site.json(&["link", "list"]);
    let of_link = |link: &str| {
        let view = find(&links, "name", link);
        json!([
            view["commit"],
            view["counts"],
            site.json(&["case", "list", "--link", link]),
            site.json(&["suite", "list", "--link", link]),
        ])
    };
    LINKS.iter().map(|link| of_link(link)).collect()
}

/// What came to pass, for people.
fn tell(workplace: &Workplace, load: &Load) -> String {
    let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
    for run in workplace.runs() {
        *statuses.entry(run["status"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let missed = workplace.site.events("schedule.missed").len();
    let synced = workplace.site.events("link.synced").len();
    format!("{load}; {synced} syncs; runs {statuses:?}; {missed} times slots were told as missed")
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

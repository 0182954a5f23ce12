//! Ten thousand schedules: what they cost while nothing is due, how late they are when all fall due in one second, and
//! how long a link takes to be archived for which a thousand runs wait.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, TimeDelta, Timelike, Utc};
use serde_json::Value;

use crate::agent::{self, Agent};
use crate::site::Site;
use crate::source_tree;
use crate::table::{Amount, Budget, Line};

const SCHEDULES: usize = 10_000;
const QUEUED: usize = 1_000;
const REPOSITORY: &str = "schedules/shop";
/// Nobody carries it: what falls due is recorded, and nothing is executed.
const NOBODY: &str = "delegate_tags = [\"nobody\"]";
/// Long enough to take up ten thousand schedules before they fall due.
const AHEAD: TimeDelta = TimeDelta::seconds(25);
const WATCHED: Duration = Duration::from_secs(20);
/// The watcher reads files once more that a command had read: that is a cost of the change.
const SETTLING: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(200);
const MOST_IDLE: Duration = Duration::from_millis(2);
const MOST_LATE: Duration = Duration::from_secs(1);

pub(crate) fn measure(site: &Site) -> anyhow::Result<Vec<Line>> {
    site.repository(REPOSITORY)?.commit("main", "Add tests", &source_tree::small())?;
    let folder = site.path("schedules");
    std::fs::create_dir(&folder)?;
    let mut agent = Agent::start(&folder, &configuration(site), &site.terms().token)?;
    wait(|| Ok(agent.active_links()? == 1), "the link to be synced")?;
    let suite = first_suite(&agent)?;
    let bare = idle_cost(&agent)?;
    agent.configure("many.toml", &schedules(SCHEDULES, "0 0 0 29 2 *", &suite, NOBODY)?)?;
    std::thread::sleep(SETTLING);
    let full = idle_cost(&agent)?;
    let mut lines = vec![Line::new(
        format!("CPU a second of {SCHEDULES} schedules with nothing due"),
        Amount::Time(full.saturating_sub(bare)),
        Budget::AtMost(Amount::Time(MOST_IDLE)),
    )];
    lines.extend(lateness(&agent, &suite)?);
    lines.push(archive(&agent, &suite)?);
    Ok(lines)
}

fn configuration(site: &Site) -> String {
    format!(
        "[agent]\nname = \"schedules\"\nstate_dir = \"state\"\nsocket = \"agent.sock\"\n\n[[delegate]]\nname = \
         \"local\"\ncapacity = 1\nruns = true\n\n[[connection]]\nname = \"loopback\"\nprovider = \"git\"\nurl = \
         \"{}\"\nurl_type = \"organization\"\ntest_repository = \"{REPOSITORY}\"\nadditional_certs_path = \
         {:?}\n[connection.credentials]\nusername = \"\"\npassword = {{ env = \"{}\" }}\n\n[[link]]\nname = \
         \"shop\"\nconnection = \"loopback\"\nurl = \"{}\"\nsync_every = \"1h\"\n",
        site.server.url("/"),
        site.terms().authority,
        agent::TOKEN_VARIABLE,
        site.server.url(&format!("/{REPOSITORY}")),
    )
}

fn schedules(count: usize, cron: &str, suite: &str, keys: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    for number in 0..count {
        write!(
            text,
            "[[schedule]]\nname = \"s{number}\"\nlink = \"shop\"\ncron = \"{cron}\"\nsuites = [{suite:?}]\ncommand = \
             [\"/bin/sleep\", \"600\"]\n{keys}\n\n"
        )?;
    }
    Ok(text)
}

fn first_suite(agent: &Agent) -> anyhow::Result<String> {
    let suites = agent.ask(&["suite", "list"])?;
    let id = suites.get(0).and_then(|suite| suite.get("id")).and_then(Value::as_str);
    Ok(id.context("the sample has no suite")?.to_owned())
}

/// Processor time of a second in which nothing is due.
fn idle_cost(agent: &Agent) -> anyhow::Result<Duration> {
    let (before, began) = (agent.usage()?, Instant::now());
    std::thread::sleep(WATCHED);
    Ok((agent.usage()?.cpu - before.cpu).div_f64(began.elapsed().as_secs_f64()))
}

/// All schedules fall due in one second: from then until their runs are recorded.
fn lateness(agent: &Agent, suite: &str) -> anyhow::Result<[Line; 2]> {
    let due = Utc::now() + AHEAD;
    let cron = format!("{} {} {} * * *", due.second(), due.minute(), due.hour());
    agent.configure("many.toml", &schedules(SCHEDULES, &cron, suite, NOBODY)?)?;
    ensure!(Utc::now() < due, "the schedules were not taken up before they fell due");
    let mut runs = Vec::new();
    wait(
        || {
            runs = listed(agent)?;
            Ok(runs.len() >= SCHEDULES)
        },
        "every schedule to fire",
    )?;
    let fired: HashSet<_> = runs.iter().filter_map(|run| run.get("schedule")?.as_str()).collect();
    ensure!(fired.len() == SCHEDULES && runs.len() == SCHEDULES, "{} runs of {} schedules", runs.len(), fired.len());
    let mut late: Vec<_> = runs.iter().map(lateness_of).collect::<anyhow::Result<_>>()?;
    late.sort_unstable();
    let at = |share: usize| late.get(late.len() * share / 100).copied().unwrap_or_default();
    Ok([
        Line::new(
            format!("{SCHEDULES} due in one second, lateness p99"),
            Amount::Time(at(99)),
            Budget::AtMost(Amount::Time(MOST_LATE)),
        ),
        Line::new(format!("{SCHEDULES} due in one second, lateness p50"), Amount::Time(at(50)), Budget::Information),
    ])
}

fn lateness_of(run: &Value) -> anyhow::Result<Duration> {
    let time = |key: &str| -> anyhow::Result<DateTime<Utc>> {
        let text = run.get(key).and_then(Value::as_str).with_context(|| format!("a run has no {key}"))?;
        Ok(text.parse()?)
    };
    Ok((time("queued_at")? - time("due_at")?).to_std().unwrap_or_default())
}

/// A thousand runs wait behind one that lasts; the link is archived.
fn archive(agent: &Agent, suite: &str) -> anyhow::Result<Line> {
    agent.configure("many.toml", &schedules(QUEUED, "0 0 0 29 2 *", suite, "")?)?;
    for number in 0..QUEUED {
        agent.ask(&["run", "start", &format!("s{number}")])?;
    }
    let began = Instant::now();
    agent.ask(&["link", "archive", "shop", "--yes"])?;
    let took = began.elapsed();
    let canceled =
        listed(agent)?.iter().filter(|run| run.get("status").is_some_and(|status| status == "canceled")).count();
    ensure!(canceled >= QUEUED - 1, "only {canceled} of {QUEUED} runs were canceled");
    let most = Budget::AtMost(Amount::Time(Duration::from_secs(1)));
    Ok(Line::new(format!("archive a link with {QUEUED} queued runs"), Amount::Time(took), most))
}

fn listed(agent: &Agent) -> anyhow::Result<Vec<Value>> {
    Ok(serde_json::from_value(agent.ask(&["run", "list"])?)?)
}

fn wait(mut done: impl FnMut() -> anyhow::Result<bool>, what: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !done()? {
        if Instant::now() > deadline {
            bail!("waited in vain for {what}");
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

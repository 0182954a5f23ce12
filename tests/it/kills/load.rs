//! The load on an agent that is killed, and what it has acknowledged.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use suitesync_loopback::SampleRepository;

use crate::support::katalon::tagged_case;
use crate::support::schedule::{SELDOM, many_suites};
use crate::support::{Site, find, wait_for};

/// A word among the arguments of every process that a run leaves behind.
pub(super) const MARK: &str = "30411.5";

/// `shop` has the schedules, one other is archived, all get commits.
pub(super) const LINKS: [&str; 4] = ["shop", "aside", "books", "tools"];
pub(super) const ARCHIVED: &str = "aside";

const SUITES: usize = 3;
const EVERY_SECOND: &str = "* * * * * *";

/// Leaves a daemon behind, and sometimes overlaps with its next time.
const SCRIPT: &str = "setsid sleep 30411.5 & sleep 0.7";

/// A site with repositories, their links and their schedules.
pub(super) struct Workplace {
    pub(super) site: Site,
    repositories: Vec<SampleRepository>,
}

/// Who puts the load on, and what was acknowledged to them.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// Whether the link is archived; nothing after an act on it that was not answered.
    pub(super) archived: Option<bool>,
    /// As they were returned by `run start`.
    pub(super) runs: Vec<Value>,
    turns: usize,
    acts: u64,
    unanswered: u64,
    /// Kills before the agent had answered anything.
    in_starts: u64,
}

impl Workplace {
    /// Every link is synced, and schedules are about to fall due every second.
    pub(super) fn new() -> Self {
        let site = Site::new();
        let repositories: Vec<_> = LINKS.iter().map(|name| site.repository(&format!("{name}.git"))).collect();
        for repository in &repositories {
            repository.commit("main", "first", &many_suites(SUITES)).unwrap();
        }
        let workplace = Self { site, repositories };
        workplace.configure(SELDOM);
        let agent = workplace.site.agent();
        workplace.wait_for_commits();
        agent.stop();
        workplace.configure(EVERY_SECOND);
        workplace
    }

    pub(super) fn configure(&self, cron: &str) {
        let site = &self.site;
        let links: String = LINKS.iter().map(|name| site.link(name, "server", &format!("{name}.git"), "")).collect();
        let due = |name| site.schedule(name, "Test Suites/*", SCRIPT, "").replace(SELDOM, cron);
        let delegate = "[[delegate]]\nname = \"local\"\ncapacity = 12\n\n".to_owned();
        let schedules = due("often")
            + &due("aside").replace("link = \"shop\"", "link = \"aside\"")
            + &site.schedule("by-hand", "Test Suites/S0", SCRIPT, "overlap = \"queue\"\n");
        site.configure(&(delegate + &site.connection("server", "shop.git") + &links + &schedules));
    }

    pub(super) fn suites(&self) -> usize {
        SUITES
    }

    /// Waits until the catalog is at the newest commit of every repository.
    pub(super) fn wait_for_commits(&self) {
        for (name, repository) in LINKS.iter().zip(&self.repositories) {
            self.site.wait_for_commit(name, &repository.resolve("main").unwrap());
        }
    }

    pub(super) fn runs(&self) -> Vec<Value> {
        self.site.json(&["run", "list"]).as_array().unwrap().clone()
    }

    /// Commits to one repository after the other; the name of its link.
    fn push(&self, number: usize) -> &'static str {
        let place = number % LINKS.len();
        let change = tagged_case("Test Cases/Login", "00000000-0000-0000-0000-000000000001", &number.to_string());
        self.repositories[place].commit("main", "more", &[change]).unwrap();
        LINKS[place]
    }
}

impl Load {
    /// Acts until the agent no longer answers, once it does.
    pub(super) fn put_on(&mut self, workplace: &Workplace, killed: &AtomicBool) {
        let links = wait_for("the agent to answer or to be killed", || {
            let links = self.ask(workplace, &["link", "list"]);
            (links.is_some() || killed.load(Ordering::Relaxed)).then_some(links)
        });
        let Some(links) = links else {
            self.in_starts += 1;
            return;
        };
        if let Some(archived) = self.archived {
            assert_eq!(find(&links, "name", ARCHIVED)["status"] == "archived", archived, "{links}");
        }
        while self.turn(workplace).is_some() {}
        self.unanswered += 1;
    }

    fn turn(&mut self, workplace: &Workplace) -> Option<()> {
        self.turns += 1;
        let pushed = workplace.push(self.turns);
        self.set_archived(workplace, true)?;
        self.start_run(workplace)?;
        self.set_archived(workplace, false)?;
        self.start_run(workplace)?;
        self.ask(workplace, &["link", "sync", pushed]).map(drop)
    }

    fn set_archived(&mut self, workplace: &Workplace, archived: bool) -> Option<()> {
        self.archived = None;
        let act = if archived { &["link", "archive", ARCHIVED, "--yes"][..] } else { &["link", "unarchive", ARCHIVED] };
        let acted = self.ask(workplace, act)?;
        assert_eq!(acted["status"] == "archived", archived, "{acted}");
        self.archived = Some(archived);
        self.acts += 1;
        Some(())
    }

    fn start_run(&mut self, workplace: &Workplace) -> Option<()> {
        let runs = self.ask(workplace, &["run", "start", "by-hand"])?;
        self.runs.extend(runs.as_array().unwrap().iter().cloned());
        self.acts += 1;
        Some(())
    }

    /// The answer, unless the agent is not there or goes away.
    fn ask(&self, workplace: &Workplace, arguments: &[&str]) -> Option<Value> {
        let output = workplace.site.run(&[&["--json"], arguments].concat());
        match output.status.code() {
            Some(0) => Some(serde_json::from_slice(&output.stdout).unwrap()),
            Some(3) => None,
            _ => panic!("{arguments:?}: {output:?}"),
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acts, unanswered, in_starts, runs, .. } = self;
        let runs = runs.len();
        write!(
            f,
            "{acts} acts acknowledged, {runs} runs among them, {unanswered} cut off, {in_starts} kills in a start"
        )
    }
}

//! The agent at rest: its memory and processor time with 100 and with 1,000 links over 100 repositories, all synced
//! and polled again and again. Both agents run at once: neither has much to do.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::agent::{self, Agent, Usage};
use crate::site::Site;
use crate::source_tree;
use crate::table::{Amount, Budget, Line};

const REPOSITORIES: usize = 100;
const MIB: f64 = 1024.0 * 1024.0;
/// More than one interval, so that every repository is polled in it.
const WATCHED: Duration = Duration::from_secs(65);
/// Far more than the first syncs of all links take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(500);

/// How many links, and the memory they may take.
const SIZES: [(usize, f64); 2] = [(100, 30.0 * MIB), (1000, 60.0 * MIB)];

pub(crate) fn measure(site: &Site) -> anyhow::Result<Vec<Line>> {
    for number in 0..REPOSITORIES {
        site.repository(&repository(number))?.commit("main", "Add tests", &source_tree::small())?;
    }
    let mut agents = Vec::new();
    for (links, _) in SIZES {
        let folder = site.path(&format!("idle-{links}"));
        std::fs::create_dir(&folder)?;
        agents.push(Agent::start(&folder, &configuration(site, links), &site.terms().token)?);
    }
    let mut before = Vec::new();
    for (agent, (links, _)) in agents.iter_mut().zip(SIZES) {
        wait_until_synced(agent, links)?;
        before.push(agent.usage()?);
    }
    let began = Instant::now();
    std::thread::sleep(WATCHED);
    let mut lines = Vec::new();
    for ((agent, (links, most)), before) in agents.iter().zip(SIZES).zip(before) {
        let usage = agent.usage()?;
        lines.extend(lines_of(links, most, &usage));
        let a_second = (usage.cpu - before.cpu).div_f64(began.elapsed().as_secs_f64());
        lines.push(Line::new(format!("CPU a second, {links} links"), Amount::Time(a_second), Budget::Information));
    }
    Ok(lines)
}

fn lines_of(links: usize, most: f64, usage: &Usage) -> [Line; 3] {
    let line = |what, bytes, budget| Line::new(format!("{what}, {links} links"), Amount::Bytes(bytes), budget);
    [
        line("resident memory", usage.resident, Budget::AtMost(Amount::Bytes(most))),
        line("of that not of files", usage.anonymous, Budget::Information),
        line("highest resident memory", usage.highest, Budget::Information),
    ]
}

fn repository(number: usize) -> String {
    format!("idle/repository-{number}")
}

fn wait_until_synced(agent: &mut Agent, links: usize) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while agent.active_links()? < links {
        if Instant::now() > deadline {
            bail!("only {} of {links} links were synced within {PATIENCE:?}", agent.active_links()?);
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// One connection, and links spread evenly over the repositories, each polled every minute.
fn configuration(site: &Site, links: usize) -> String {
    let mut text = format!(
        "[agent]\nname = \"idle\"\nstate_dir = \"state\"\nsocket = \"agent.sock\"\n\n[[connection]]\nname = \
         \"loopback\"\nprovider = \"git\"\nurl = \"{}\"\nurl_type = \"organization\"\ntest_repository = \
         \"{}\"\nadditional_certs_path = {:?}\n[connection.credentials]\nusername = \"\"\npassword = {{ env = \
         \"{}\" }}\n",
        site.server.url("/"),
        repository(0),
        site.terms().authority,
        agent::TOKEN_VARIABLE,
    );
    for number in 0..links {
        let url = site.server.url(&format!("/{}", repository(number % REPOSITORIES)));
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n[[link]]\nname = \"link-{number}\"\nconnection = \"loopback\"\nurl = \"{url}\"\nsync_every = \"60s\"\n"
        );
    }
    text
}

//! Polls of many unchanged repositories over SSH: one session of our delegate beside `git ls-remote` for each.

use std::path::{Path, PathBuf};

use crate::measuring::{Cost, Link, Order, Worker, median_cost};
use crate::site::Site;
use crate::source_tree;
use crate::table::{Amount, Budget, Line};

const REPOSITORIES: u32 = 50;
const ROUNDS: usize = 3;
const PART_OF_PEER: f64 = 1.0 / 15.0;
const ONE_CONNECTION: Amount = Amount::Count(1.0);
const PEER: &str = "git ls-remote by ssh";
const SHARING_PEER: &str = "the same, ControlMaster";
/// Its shared connection ends by itself a second after it was last of use, which is before the next round.
const SHARING: &str = "ControlMaster auto\nControlPersist 1\n";
const FOLDER: &str = "ssh-poll";

pub(crate) fn measure(site: &Site) -> anyhow::Result<Vec<Line>> {
    for number in 0..REPOSITORIES {
        site.repository(&repository(number))?.commit("main", "Add tests", &source_tree::small())?;
    }
    let links = synced_links(site)?;
    let single = ssh_configuration(site, "ssh-single", "")?;
    let control = format!("{SHARING}ControlPath {}\n", site.path("ssh-control").display());
    let sharing = ssh_configuration(site, "ssh-sharing", &control)?;
    let (mut ours, mut peers, mut sharing_peers) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        peers.push(Worker::start(site)?.ask(&listing(&links, &single))?);
        sharing_peers.push(Worker::start(site)?.ask(&listing(&links, &sharing))?);
        // A new process each time, so that making the connection is in it.
        ours.push(Worker::with_delegate(site, FOLDER)?.ask(&Order::Sync { links: links.clone(), times: 1 })?);
    }
    let (ours, peer, sharing) = (median_cost(&ours), median_cost(&peers), median_cost(&sharing_peers));
    let what = |figure: &str| format!("{figure}, {REPOSITORIES} repositories");
    let line = |name: &str, figure: fn(&Cost) -> Amount, budget| {
        Line::new(what(name), figure(&ours), budget).beside(PEER, figure(&peer))
    };
    let beside_sharing = |name: &str, figure: fn(&Cost) -> Amount| {
        Line::new(what(name), figure(&ours), Budget::Information).beside(SHARING_PEER, figure(&sharing))
    };
    Ok(vec![
        line("CPU", Cost::cpu, Budget::AtMostOfPeer(PART_OF_PEER)),
        line("connections", Cost::connections, Budget::AtMost(ONE_CONNECTION)),
        line("wall", Cost::wall, Budget::Information),
        beside_sharing("wall", Cost::wall),
    ])
}

fn repository(number: u32) -> String {
    format!("ssh/repository-{number}")
}

/// Links that need no fetch any more.
fn synced_links(site: &Site) -> anyhow::Result<Vec<Link>> {
    let mut worker = Worker::with_delegate(site, FOLDER)?;
    let sync = |number| {
        let url = site.ssh()?.url(&repository(number));
        let link = Link { url, directory: String::new(), known: None };
        let known = worker.sync(&link)?.commit;
        Ok(Link { known, ..link })
    };
    (0..REPOSITORIES).map(sync).collect()
}

fn listing(links: &[Link], configuration: &Path) -> Order {
    let command = format!("core.sshCommand=ssh -F {}", configuration.display());
    let words = |link: &Link| ["-c", &command, "ls-remote", &link.url, "refs/heads/main"].map(str::to_owned).to_vec();
    Order::Git { invocations: links.iter().map(words).collect(), times: 1 }
}

/// What `ssh` is told: one key, one file of hosts, nothing of this machine's.
fn ssh_configuration(site: &Site, name: &str, further: &str) -> anyhow::Result<PathBuf> {
    let (terms, file) = (site.terms(), site.path(name));
    let text = format!(
        "IdentityFile {}\nIdentitiesOnly yes\nUserKnownHostsFile {}\nGlobalKnownHostsFile /dev/null\n\
         StrictHostKeyChecking yes\nBatchMode yes\n{further}",
        terms.ssh_key.display(),
        terms.known_hosts.display()
    );
    std::fs::write(&file, text)?;
    Ok(file)
}

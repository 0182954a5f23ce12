//! Discovery out of a warm mirror with nothing parsed before, beside libgit2 finding and reading the same blobs and no
//! more.

use anyhow::{Context, ensure};

use crate::measuring::{Knowing, Link, Order, Worker, median_cost};
use crate::site::Site;
use crate::table::{Budget, Line};

const ROUNDS: usize = 5;
const PART_OF_PEER: f64 = 0.5;
const PEER: &str = "finding and reading by libgit2";
const PEER_WITH_IDS: &str = "reading alone, ids at hand";
const FOLDER: &str = "discovery";

pub(crate) fn measure(site: &Site) -> anyhow::Result<Vec<Line>> {
    site.large()?;
    let link = site.large_link();
    let commit = Worker::with_delegate(site, FOLDER)?.sync(&link)?.commit.context("the link has no commit")?;
    let peer = |knowing| {
        let (folder, link) = (site.path(FOLDER), link.clone());
        // A new process each time: the files are in the page cache, and nothing is in memory.
        Worker::start(site)?.ask(&Order::ReadBlobs { folder, link, commit, knowing })
    };
    let (mut ours, mut peers, mut peers_with_ids) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        peers.push(peer(Knowing::Commit)?);
        peers_with_ids.push(peer(Knowing::Ids)?);
        for ending in ["", "-wal", "-shm"] {
            let store = site.path(FOLDER).join(format!("parses.sqlite3{ending}"));
            std::fs::exists(&store)?.then(|| std::fs::remove_file(&store)).transpose()?;
        }
        let mut worker = Worker::with_delegate(site, FOLDER)?;
        // The first poll of a process makes its client and connects: that is no discovery.
        worker.sync(&Link { known: Some(commit), ..link.clone() })?;
        ours.push(worker.sync(&link)?);
    }
    let (ours, peer, with_ids) = (median_cost(&ours), median_cost(&peers), median_cost(&peers_with_ids));
    ensure!(ours.files == peer.files, "{} files were parsed and {} read", ours.files, peer.files);
    let rate = |budget| Line::new(format!("{} files, one core", ours.files), ours.file_rate(), budget);
    Ok(vec![
        rate(Budget::AtLeastOfPeer(PART_OF_PEER)).beside(PEER, peer.file_rate()),
        Line::new("CPU in all", ours.cpu(), Budget::Information).beside(PEER, peer.cpu()),
        rate(Budget::Information).beside(PEER_WITH_IDS, with_ids.file_rate()),
    ])
}

//! The sync after a commit that changes one linked file, beside `git fetch` and `git diff` in a shallow clone.

use anyhow::Context;

use crate::measuring::{Cost, Worker, median_cost};
use crate::site::Site;
use crate::source_tree;
use crate::table::{Amount, Budget, Line};

const ROUNDS: usize = 7;
const PART_OF_PEER: f64 = 1.0;
const PEER: &str = "git fetch --depth 1, git diff --stat";

pub(crate) fn measure(site: &Site) -> anyhow::Result<Vec<Line>> {
    let repository = site.large()?;
    let mut link = site.large_link();
    let (mut worker, clones) = (Worker::with_delegate(site, "update")?, site.scratch()?);
    let clone = clones.path().join("clone").display().to_string();
    worker.git(&[&["clone", "--quiet", "--bare", "--depth", "1", &link.url, &clone]])?;
    link.known = worker.sync(&link)?.commit;
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        repository.commit("main", "Edit a case", &[source_tree::edit(round)])?;
        let known = link.known.context("the link has no commit")?.to_string();
        let fetch = ["-C", &clone, "fetch", "--quiet", "--depth", "1", "origin", "main"];
        let diff = ["-C", &clone, "diff", "--stat", &known, "FETCH_HEAD"];
        peers.push(worker.git(&[&fetch, &diff])?);
        let cost = worker.sync(&link)?;
        link.known = cost.commit;
        ours.push(cost);
    }
    let (ours, peer) = (median_cost(&ours), median_cost(&peers));
    let line =
        |what, figure: fn(&Cost) -> Amount, budget| Line::new(what, figure(&ours), budget).beside(PEER, figure(&peer));
    Ok(vec![
        line("bytes", Cost::bytes, Budget::AtMostOfPeer(PART_OF_PEER)),
        line("wall", Cost::wall, Budget::AtMostOfPeer(PART_OF_PEER)),
        line("CPU", Cost::cpu, Budget::Information),
        line("requests", Cost::requests, Budget::Information),
    ])
}

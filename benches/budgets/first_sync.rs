//! The first sync of a directory link of a large repository, beside a shallow clone of all of it; the sparse partial
//! clone, which is the least that Git can be told to bring, is for information.

use crate::measuring::{Cost, Worker, median_cost};
use crate::site::Site;
use crate::source_tree::TESTS;
use crate::table::{Amount, Budget, Line};

const ROUNDS: usize = 3;
const PART_OF_PEER: f64 = 0.5;
const PEER: &str = "git clone --depth 1";
const SPARSE_PEER: &str = "the same, sparse and partial";

pub(crate) fn measure(site: &Site) -> anyhow::Result<Vec<Line>> {
    site.large()?;
    let link = site.large_link();
    let (mut ours, mut whole, mut sparse) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (mut worker, clones) = (Worker::with_delegate(site, &format!("first-sync-{round}"))?, site.scratch()?);
        let clone = |name: &str| clones.path().join(name).display().to_string();
        let (whole_clone, sparse_clone) = (clone("whole"), clone("sparse"));
        whole.push(worker.git(&[&["clone", "--quiet", "--depth", "1", &link.url, &whole_clone]])?);
        ours.push(worker.sync(&link)?);
        let partial = ["clone", "--quiet", "--depth", "1", "--filter=blob:none", "--sparse", &link.url, &sparse_clone];
        sparse.push(worker.git(&[&partial, &["-C", &sparse_clone, "sparse-checkout", "set", TESTS]])?);
    }
    let (ours, whole, sparse) = (median_cost(&ours), median_cost(&whole), median_cost(&sparse));
    let line = |what, figure: fn(&Cost) -> Amount, budget| Line::new(what, figure(&ours), budget);
    let beside = |what, figure: fn(&Cost) -> Amount, budget| line(what, figure, budget).beside(PEER, figure(&whole));
    let beside_sparse = |what, figure: fn(&Cost) -> Amount| {
        line(what, figure, Budget::Information).beside(SPARSE_PEER, figure(&sparse))
    };
    Ok(vec![
        beside("bytes", Cost::bytes, Budget::AtMostOfPeer(PART_OF_PEER)),
        beside("wall", Cost::wall, Budget::AtMostOfPeer(PART_OF_PEER)),
        beside("CPU", Cost::cpu, Budget::Information),
        beside("requests", Cost::requests, Budget::Information),
        beside_sparse("bytes", Cost::bytes),
        beside_sparse("wall", Cost::wall),
        beside_sparse("CPU", Cost::cpu),
        beside_sparse("requests", Cost::requests),
    ])
}

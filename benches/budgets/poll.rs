//! A poll of an unchanged repository: a sync of our delegate beside `git ls-remote`.

use std::time::Duration;

use crate::measuring::{Cost, Link, Order, Worker, median_cost};
use crate::site::Site;
use crate::table::{Amount, Budget, Line};

/// Polls measured together, after the first ones, which also fetch and connect.
const POLLS: u32 = 200;
/// Runs of the peer measured together: it costs far more.
const PEER_POLLS: u32 = 10;
/// Ours and the peer's by turns, so that what else the machine does meets both.
const ROUNDS: usize = 5;
const PART_OF_PEER: f64 = 1.0 / 15.0;
const MOST_TIME: Amount = Amount::Time(Duration::from_millis(1));
const MOST_REQUESTS: Amount = Amount::Count(1.0);
const PEER: &str = "git ls-remote";

pub(crate) fn measure(site: &Site) -> anyhow::Result<Vec<Line>> {
    site.small()?;
    site.large()?;
    let mut lines = measure_at(site, "small", site.small_link())?;
    lines.extend(measure_at(site, "large", site.large_link())?);
    Ok(lines)
}

fn measure_at(site: &Site, size: &str, link: Link) -> anyhow::Result<Vec<Line>> {
    let (ours, peer) = costs(site, size, link)?;
    let line = |what: &str, figure: fn(&Cost) -> Amount, budget| {
        Line::new(format!("{what}, {size} repository"), figure(&ours), budget).beside(PEER, figure(&peer))
    };
    Ok(vec![
        line("CPU", Cost::cpu, Budget::AtMostOfPeer(PART_OF_PEER)),
        Line::new(format!("CPU, {size} repository"), ours.cpu(), Budget::AtMost(MOST_TIME)),
        line("requests", Cost::requests, Budget::AtMost(MOST_REQUESTS)),
        line("bytes", Cost::bytes, Budget::Information),
        line("wall", Cost::wall, Budget::Information),
    ])
}

fn costs(site: &Site, size: &str, mut link: Link) -> anyhow::Result<(Cost, Cost)> {
    let mut worker = Worker::with_delegate(site, &format!("poll-{size}"))?;
    link.known = worker.sync(&link)?.commit;
    worker.sync(&link)?;
    let words = ["ls-remote", &link.url, "refs/heads/main"].map(str::to_owned).to_vec();
    let peer_order = Order::Git { invocations: vec![words], times: PEER_POLLS };
    let order = Order::Sync { links: vec![link], times: POLLS };
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        peers.push(worker.ask(&peer_order)?.each(PEER_POLLS));
        ours.push(worker.ask(&order)?.each(POLLS));
    }
    Ok((median_cost(&ours), median_cost(&peers)))
}

//! A sync canceled while a large pack comes in: how long until it has ended, over HTTPS and over SSH.

use std::time::Duration;

use crate::measuring::{Link, Order, Worker};
use crate::site::{LARGE_PATH, Site};
use crate::table::{Amount, Budget, Line};

const ROUNDS: usize = 5;
/// What people take for at once.
const MOST: Amount = Amount::Time(Duration::from_millis(200));

pub(crate) fn measure(site: &Site) -> anyhow::Result<Vec<Line>> {
    site.large()?;
    let https = site.server_without_filter()?;
    Ok(vec![
        measure_at(site, "https", &Site::large_link_at(https.url(LARGE_PATH)))?,
        measure_at(site, "ssh", &Site::large_link_at(site.ssh()?.url(LARGE_PATH)))?,
    ])
}

/// The longest of the rounds: a wait that is short in most cases is no promise.
fn measure_at(site: &Site, scheme: &str, link: &Link) -> anyhow::Result<Line> {
    let mut longest = Duration::ZERO;
    for round in 0..ROUNDS {
        let mut worker = Worker::with_delegate(site, &format!("cancel-{scheme}-{round}"))?;
        longest = longest.max(worker.ask(&Order::Cancel { link: link.clone() })?.wall);
    }
    let what = format!("until a fetch over {scheme} has ended, longest of {ROUNDS}");
    Ok(Line::new(what, Amount::Time(longest), Budget::AtMost(MOST)))
}

//! Thousands of links.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::{CONNECTION, folder, load_from};

/// Far more than the third of a second that a debug build takes: only a wrong order of growth is caught on a busy machine.
const LONGEST_LOAD: Duration = Duration::from_secs(10);

#[test]
fn five_thousand_links_load_in_little_time() {
    let mut text = CONNECTION.to_owned();
    for number in 0..5_000 {
        let url = format!("https://dev.azure.com/contoso/payments/_git/repository-{number}");
        write!(text, "[[link]]\nname = \"link-{number}\"\nconnection = \"contoso\"\nurl = \"{url}\"\n").unwrap();
    }
    let folder = folder(&[("suitesync.toml", &text)]);
    let started = Instant::now();
    let loaded = load_from(folder.path());
    assert_eq!(loaded.config.unwrap().links.len(), 5_000);
    let took = started.elapsed();
    assert!(took < LONGEST_LOAD, "{took:?}");
}

//! The environment that a run begins with.

use std::collections::BTreeMap;

/// What a run gets of the service's own environment: how this host is set up, and nothing that the service was told.
const KEPT: [&str; 7] = ["PATH", "LANG", "LC_ALL", "LANGUAGE", "TZ", "USER", "LOGNAME"];

/// Debian's default, for a service that was started with an empty environment.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Tests that print anything but ASCII need a UTF-8 locale; this one is on every Debian.
const DEFAULT_LANG: &str = "C.UTF-8";

/// What every run gets: a few variables of the service's own environment or their defaults, and a home. What the
/// schedule sets comes on top.
pub fn base_environment(own: &BTreeMap<String, String>, home: &str) -> BTreeMap<String, String> {
    let kept = KEPT.into_iter().filter_map(|name| Some((name.to_owned(), own.get(name)?.clone())));
    let mut environment: BTreeMap<_, _> = kept.filter(|(_, value)| !value.is_empty()).collect();
    environment.entry("PATH".to_owned()).or_insert_with(|| DEFAULT_PATH.to_owned());
    environment.entry("LANG".to_owned()).or_insert_with(|| DEFAULT_LANG.to_owned());
    environment.insert("HOME".to_owned(), home.to_owned());
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(own: &[(&str, &str)], expect: &[(&str, &str)]) {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let expect: BTreeMap<String, String> = map(expect);
        assert_eq!(base_environment(&map(own), "/home"), expect);
    }

    #[test]
    fn a_run_gets_what_the_host_is_and_not_what_the_service_knows() {
        check(&[], &[("PATH", DEFAULT_PATH), ("LANG", "C.UTF-8"), ("HOME", "/home")]);
        check(
            &[("PATH", "/opt/bin"), ("LANG", ""), ("HOME", "/root"), ("TOKEN", "x"), ("TZ", "Europe/Berlin")],
            &[("PATH", "/opt/bin"), ("LANG", "C.UTF-8"), ("HOME", "/home"), ("TZ", "Europe/Berlin")],
        );
    }
}

//! Which names delegates of other hosts may have: those that `[remote] accept` allows and no delegate of this host has.

use std::collections::BTreeSet;

use arc_swap::ArcSwap;
use globset::{Glob, GlobSet, GlobSetBuilder};
use suitesync_contract::DelegateName;
use suitesync_remote::Refusal;

use crate::config::RemoteConfig;

#[derive(Debug)]
pub(super) struct Admission {
    accepted: GlobSet,
    /// Names of delegates of this host.
    taken: ArcSwap<BTreeSet<DelegateName>>,
}

impl Admission {
    pub(super) fn new(remote: &RemoteConfig, taken: BTreeSet<DelegateName>) -> Self {
        // The configuration has only globs that can be read.
        let globs = remote.accept.iter().filter_map(|glob| Glob::new(glob).ok());
        let mut accepted = GlobSetBuilder::new();
        globs.for_each(|glob| {
            accepted.add(glob);
        });
        Self { accepted: accepted.build().unwrap_or_default(), taken: ArcSwap::from_pointee(taken) }
    }

    pub(super) fn set_taken(&self, taken: BTreeSet<DelegateName>) {
        self.taken.store(taken.into());
    }

    /// Why a delegate may not have this name, if it may not.
    pub(super) fn refusal(&self, name: &DelegateName) -> Option<Refusal> {
        if self.taken.load().contains(name) {
            Some(Refusal::NameTaken)
        } else if self.accepted.is_match(name.as_str()) {
            None
        } else {
            Some(Refusal::NotAccepted)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(accept: &[&str], name: &str, expect: Option<Refusal>) {
        let remote = RemoteConfig {
            url: "tls://h:4222".to_owned(),
            login: None,
            accept: accept.iter().map(|&glob| glob.to_owned()).collect(),
            additional_certs: None,
        };
        let admission = Admission::new(&remote, BTreeSet::from(["local".parse().unwrap()]));
        assert_eq!(admission.refusal(&name.parse().unwrap()), expect, "{accept:?} {name}");
    }

    #[test]
    fn a_name_is_allowed_by_a_glob_and_not_taken() {
        check(&["*"], "dc1", None);
        check(&["dc*", "lab"], "dc1", None);
        check(&["dc*", "lab"], "lab", None);
        check(&["dc*"], "a-dc1", Some(Refusal::NotAccepted));
        check(&[], "dc1", Some(Refusal::NotAccepted));
        check(&["*"], "local", Some(Refusal::NameTaken));
    }
}

//! What a new configuration changes about the running one.

use std::collections::BTreeMap;

use serde::Serialize;
use suitesync_contract::{ConnectionName, DelegateName, LinkName, ScheduleName};

use super::settings::{Config, DelegateConfig, ScheduleConfig};

/// All that differs, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigDiff {
    pub connections: Changes<ConnectionName>,
    pub links: Changes<LinkName>,
    pub schedules: Changes<ScheduleName>,
    pub delegates: Changes<DelegateName>,
    /// Keys whose new value counts after a restart only, such as `agent.state_dir`.
    pub needs_restart: Vec<String>,
}

/// What became of the things of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changes<N> {
    pub added: Vec<N>,
    pub changed: Vec<Changed<N>>,
    pub removed: Vec<N>,
    pub unchanged: Vec<N>,
}

/// How many of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeCounts {
    pub added: usize,
    pub changed: usize,
    pub removed: usize,
    pub unchanged: usize,
}

/// A thing that was there before, and is there in another way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed<N> {
    pub name: N,
    /// Whether a key that matters changed, so that what was known no longer holds.
    pub matters: bool,
}

impl ConfigDiff {
    pub fn between(old: &Config, new: &Config) -> Self {
        Self {
            connections: Changes::between(&old.connections, &new.connections, |a, b| {
                a.fingerprint() != b.fingerprint()
            }),
            links: Changes::between(&old.links, &new.links, |a, b| a.fingerprint() != b.fingerprint()),
            schedules: Changes::between(&old.schedules, &new.schedules, schedule_matters),
            delegates: Changes::between(&by_name(&old.delegates), &by_name(&new.delegates), delegate_matters),
            needs_restart: needs_restart(old, new),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
            && self.links.is_empty()
            && self.schedules.is_empty()
            && self.delegates.is_empty()
            && self.needs_restart.is_empty()
    }
}

impl<N: Ord + Clone> Changes<N> {
    pub fn counts(&self) -> ChangeCounts {
        ChangeCounts {
            added: self.added.len(),
            changed: self.changed.len(),
            removed: self.removed.len(),
            unchanged: self.unchanged.len(),
        }
    }

    fn between<T: PartialEq>(old: &BTreeMap<N, T>, new: &BTreeMap<N, T>, matters: impl Fn(&T, &T) -> bool) -> Self {
        let mut changes = Self { added: Vec::new(), changed: Vec::new(), removed: Vec::new(), unchanged: Vec::new() };
        for (name, now) in new {
            match old.get(name) {
                None => changes.added.push(name.clone()),
                Some(before) if before == now => changes.unchanged.push(name.clone()),
                Some(before) => changes.changed.push(Changed { name: name.clone(), matters: matters(before, now) }),
            }
        }
        changes.removed = old.keys().filter(|name| !new.contains_key(*name)).cloned().collect();
        changes
    }
}

impl<N> Changes<N> {
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// A schedule that falls due at other times, or for another link, starts anew: what fell due before is no slot of it.
fn schedule_matters(old: &ScheduleConfig, new: &ScheduleConfig) -> bool {
    old.timetable != new.timetable || old.link != new.link
}

/// A delegate that is made of something else, that can be asked for other work, or that goes another way out, is another
/// one.
fn delegate_matters(old: &&DelegateConfig, new: &&DelegateConfig) -> bool {
    let is_made_anew = old.kind != new.kind || old.runs != new.runs || old.tags != new.tags;
    is_made_anew || old.proxy != new.proxy || old.no_proxy != new.no_proxy
}

fn by_name(delegates: &[DelegateConfig]) -> BTreeMap<DelegateName, &DelegateConfig> {
    delegates.iter().map(|delegate| (delegate.name.clone(), delegate)).collect()
}

/// The keys of `new` that count only once the agent, which was started with `old`, is started anew.
pub fn needs_restart(old: &Config, new: &Config) -> Vec<String> {
    let keys = [
        ("agent.name", old.agent.name != new.agent.name),
        ("agent.state_dir", old.agent.state_dir != new.agent.state_dir),
        ("agent.socket", old.agent.socket != new.agent.socket),
        ("remote", old.remote != new.remote),
        ("log.format", old.log.format != new.log.format),
        ("log.level", old.log.level != new.log.level),
    ];
    keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key.to_owned()).collect()
}

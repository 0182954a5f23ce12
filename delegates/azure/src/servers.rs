//! What is learnt about each server, for all who ask it: the versions it knows, and when it may be asked again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::resource::Resource;
use crate::version::{Age, ApiVersion, Stage};

/// The servers of a process; clones share what they know. All of it can be lost: it costs a few requests more.
#[derive(Debug, Clone, Default)]
pub struct Servers {
    /// By the URL of the organization or collection.
    known: Arc<Mutex<BTreeMap<String, Known>>>,
}

#[derive(Debug, Default)]
struct Known {
    age: Age,
    /// What this server has only as a preview, against the provider's documents.
    previews: BTreeSet<Resource>,
    not_before: Option<Instant>,
}

impl Servers {
    /// The version to ask a server for first.
    pub(crate) fn version(&self, url: &str, resource: Resource) -> ApiVersion {
        let known = self.lock();
        let Some(known) = known.get(url) else {
            return ApiVersion { age: Age::default(), stage: resource.stage() };
        };
        let stage = if known.previews.contains(&resource) { Stage::Preview } else { resource.stage() };
        ApiVersion { age: known.age, stage }
    }

    /// The server took this version.
    pub(crate) fn took(&self, url: &str, resource: Resource, version: ApiVersion) {
        if version.stage == Stage::Unversioned {
            return;
        }
        let mut known = self.lock();
        let known = known.entry(url.to_owned()).or_default();
        known.age = version.age;
        if version.stage != resource.stage() {
            known.previews.insert(resource);
        }
    }

    /// The server asked to be left alone from now on for so long.
    pub(crate) fn leave_alone(&self, url: &str, wait: Duration) {
        self.lock().entry(url.to_owned()).or_default().not_before = Some(Instant::now() + wait);
    }

    /// How long the server still has to be left alone.
    pub(crate) fn wait(&self, url: &str) -> Option<Duration> {
        let until = self.lock().get(url).and_then(|known| known.not_before)?;
        until.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

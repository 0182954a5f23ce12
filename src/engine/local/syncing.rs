//! Syncs: the refs are asked for, and where they moved, commits are fetched and their tests found.

use suitesync_contract::{Failure, LinkFacts, LinkReport, LinkView, ObjectId, Progress, RefSpec, SyncReport, SyncTask};
use suitesync_git::{Mirror, Remote, Tip};
use suitesync_reach::Route;

use super::keyring::Keyring;
use super::tests_found::{self, Finder};
use super::{Job, told};

impl Job<'_> {
    pub(super) async fn sync(&self, task: SyncTask) -> Result<SyncReport, Failure> {
        let Keyring { authorization, identity, proxy, redactor, .. } = self.keyring().await?;
        let client = self.client(Route { trust: self.trust()?, proxy, identity })?;
        let remote = self.remote(client, authorization)?;
        let mut report = self.sync_with(&remote, task).await.map_err(|failure| told(failure, &redactor))?;
        for link in &mut report.links {
            if let Err(failure) = &mut link.result {
                *failure = told(failure.clone(), &redactor);
            }
        }
        Ok(report)
    }

    async fn sync_with(&self, remote: &Remote, task: SyncTask) -> Result<SyncReport, Failure> {
        let wanted: Vec<RefSpec> = task.links.iter().map(|view| view.reference.clone()).collect();
        let leave = self.delegate.gates.poll(self.access.url.origin(), &self.cancel).await?;
        let tips = remote.resolve(&wanted, &self.cancel).await?.tips;
        drop(leave);
        let mut links = Vec::new();
        let mut moved: Vec<(ObjectId, LinkView)> = Vec::new();
        let mut unmoved = Vec::new();
        for (view, (_, tip)) in task.links.into_iter().zip(tips) {
            match tip {
                Ok(Tip::Commit(commit)) if view.known == Some(commit) => {
                    unmoved.push(commit);
                    links.push(report(&view, Ok(LinkFacts::Unchanged { commit })));
                }
                Ok(Tip::Commit(commit)) => moved.push((commit, view)),
                Ok(Tip::Empty) => links.push(report(&view, Ok(tests_found::nothing()))),
                Err(failure) => links.push(report(&view, Err(failure))),
            }
        }
        let mut mirror_rebuilt = None;
        if !moved.is_empty() {
            let _leave = self.delegate.gates.fetch(self.access.url.origin(), &self.cancel).await?;
            let mut mirror =
                self.delegate.mirrors.open(&self.access.connection, &self.access.url, &self.cancel).await?;
            mirror.keep(unmoved);
            links.extend(self.fetch_and_find(remote, &mut mirror, moved).await);
            mirror_rebuilt = mirror.rebuilt().map(str::to_owned);
        }
        Ok(SyncReport { links, transfer: remote.transfer(), mirror_rebuilt })
    }

    /// Brings the commits in and reads the tests of each link; a link that fails leaves the others alone.
    async fn fetch_and_find(
        &self,
        remote: &Remote,
        mirror: &mut Mirror,
        moved: Vec<(ObjectId, LinkView)>,
    ) -> Vec<LinkReport> {
        let wants: Vec<_> = moved.iter().map(|(commit, _)| *commit).collect();
        let mut on_bytes = |fetched: suitesync_git::FetchProgress| {
            (self.progress)(Progress::Received { bytes: fetched.received_bytes })
        };
        if let Err(failure) = mirror.fetch(remote, &wants, &mut on_bytes, &self.cancel).await {
            return moved.iter().map(|(_, view)| report(view, Err(failure.clone()))).collect();
        }
        let finder = Finder {
            parses: &self.delegate.workshop.parses,
            reading: &self.delegate.workshop.reading,
            progress: &self.progress,
            cancel: &self.cancel,
        };
        let mut reports = Vec::new();
        for (commit, view) in moved {
            let found = finder.find(mirror, commit, &view).await;
            reports.push(report(&view, found));
        }
        reports
    }
}

fn report(view: &LinkView, result: Result<LinkFacts, Failure>) -> LinkReport {
    LinkReport { link: view.link.clone(), revision: view.revision, result }
}

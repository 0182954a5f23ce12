//! Syncs: the refs are asked for, and where they moved, commits are fetched and their tests found.

use suitesync_contract::{
    Failure, LinkFacts, LinkReport, LinkView, ObjectId, Progress, RefSpec, Scheme, SyncReport, SyncTask, Transfer,
};
use suitesync_git::{LocalRepository, Mirror, Remote, Resolved, Tip};
use suitesync_reach::Route;

use super::keyring::Keyring;
use super::objects::Objects;
use super::tests_found::{self, Finder};
use super::{Folders, Job, told};

impl Job<'_> {
    pub(super) async fn sync(&self, task: SyncTask) -> Result<SyncReport, Failure> {
        if self.delegate.folders == Folders::Read && self.access.url.origin().scheme == Scheme::File {
            return self.look(task).await;
        }
        let Keyring { authorization, identity, proxy, hidden, .. } = self.keyring().await?;
        let client = self.client(Route { trust: self.trust()?, proxy, identity })?;
        let remote = self.remote(client, authorization)?;
        let mut report = self.sync_with(&remote, task).await.map_err(|failure| told(failure, &hidden))?;
        for link in &mut report.links {
            if let Err(failure) = &mut link.result {
                *failure = told(failure.clone(), &hidden);
            }
        }
        Ok(report)
    }

    async fn sync_with(&self, remote: &Remote, task: SyncTask) -> Result<SyncReport, Failure> {
        let leave = self.delegate.gates.poll(self.access.url.origin(), &self.cancel).await?;
        let resolved = remote.resolve(&wanted(&task), &self.cancel).await?;
        drop(leave);
        let Sorted { mut links, moved, still_wanted } = Sorted::new(task, resolved);
        let mut mirror_rebuilt = None;
        if !moved.is_empty() {
            let _leave = self.delegate.gates.fetch(self.access.url.origin(), &self.cancel).await?;
            let mut mirror =
                self.delegate.mirrors.open(&self.access.connection, &self.access.url, &self.cancel).await?;
            mirror.keep(still_wanted);
            links.extend(Box::pin(self.fetch_and_find(remote, &mut mirror, moved)).await);
            mirror_rebuilt = mirror.rebuilt().map(str::to_owned);
        }
        Ok(SyncReport { links, transfer: remote.transfer(), mirror_rebuilt })
    }

    /// Brings the commits in and reads the tests of each link; a link that fails leaves the others alone.
    async fn fetch_and_find(&self, remote: &Remote, mirror: &mut Mirror, moved: Vec<Moved>) -> Vec<LinkReport> {
        let wants: Vec<_> = moved.iter().map(|(commit, _)| *commit).collect();
        let mut on_bytes = |fetched: suitesync_git::FetchProgress| {
            (self.progress)(Progress::Received { bytes: fetched.received_bytes })
        };
        let failed = mirror.fetch_each(remote, &wants, &mut on_bytes, &self.cancel).await;
        let (lost, brought): (Vec<_>, Vec<_>) = moved.into_iter().partition(|(commit, _)| failed.contains_key(commit));
        let of_lost = |(commit, view): &Moved| Some(report(view, Err(failed.get(commit)?.clone())));
        let mut reports: Vec<_> = lost.iter().filter_map(of_lost).collect();
        reports.extend(self.find(&mut Objects::Mirrored(mirror), brought).await);
        reports
    }

    /// A repository of this host, looked at where it lies: nobody is asked and nothing fetched.
    async fn look(&self, task: SyncTask) -> Result<SyncReport, Failure> {
        let (repository, resolved) = tokio::task::block_in_place(|| {
            let repository = LocalRepository::open(&self.access.url, &self.delegate.name)?;
            let resolved = repository.resolve(&wanted(&task))?;
            Ok((repository, resolved))
        })?;
        let Sorted { mut links, moved, .. } = Sorted::new(task, resolved);
        links.extend(self.find(&mut Objects::Local(&repository), moved).await);
        Ok(SyncReport { links, transfer: Transfer::default(), mirror_rebuilt: None })
    }

    async fn find(&self, objects: &mut Objects<'_>, moved: Vec<Moved>) -> Vec<LinkReport> {
        let finder = Finder {
            parses: &self.delegate.workshop.parses,
            reading: &self.delegate.workshop.reading,
            progress: &self.progress,
            cancel: &self.cancel,
        };
        if let Err(failure) = finder.gather(objects, &moved).await {
            return moved.iter().map(|(_, view)| report(view, Err(failure.clone()))).collect();
        }
        let mut reports = Vec::new();
        for (commit, view) in moved {
            let found = finder.find(objects, commit, &view).await;
            reports.push(report(&view, found));
        }
        reports
    }
}

/// A link, and the commit that it has to be read at.
type Moved = (ObjectId, LinkView);

/// The links of a task by what their refs point to now.
#[derive(Default)]
struct Sorted {
    /// Of which all is said.
    links: Vec<LinkReport>,
    moved: Vec<Moved>,
    /// Commits that links show besides those that have moved, be it for want of a newer one.
    still_wanted: Vec<ObjectId>,
}

impl Sorted {
    fn new(task: SyncTask, resolved: Resolved) -> Self {
        let mut sorted = Self::default();
        for (view, (_, tip)) in task.links.into_iter().zip(resolved.tips) {
            match tip {
                Ok(Tip::Commit(commit)) if view.known == Some(commit) => {
                    sorted.still_wanted.push(commit);
                    sorted.links.push(report(&view, Ok(LinkFacts::Unchanged { commit })));
                }
                Ok(Tip::Commit(commit)) => sorted.moved.push((commit, view)),
                Ok(Tip::Empty) => sorted.links.push(report(&view, Ok(tests_found::nothing()))),
                Err(failure) => {
                    sorted.still_wanted.extend(view.known);
                    sorted.links.push(report(&view, Err(failure)));
                }
            }
        }
        sorted
    }
}

fn wanted(task: &SyncTask) -> Vec<RefSpec> {
    task.links.iter().map(|view| view.reference.clone()).collect()
}

fn report(view: &LinkView, result: Result<LinkFacts, Failure>) -> LinkReport {
    LinkReport { link: view.link.clone(), revision: view.revision, result }
}

//! Fetching into a mirror: down the ladder to what the server gives, over damage to a new mirror, and single blobs
//! when they are needed.

use std::sync::Arc;

use suitesync_contract::{Failure, FailureClass, ObjectId};
use suitesync_reach::{canceled, unless_canceled};
use tokio_util::sync::CancellationToken;

use super::extent::{self, Extent};
use super::fault::{Fault, blocking};
use super::sink::Sink;
use super::swap::Growth;
use super::{FetchProgress, MAX_HAVES, Mirror, shallow};
use crate::fetching::{FetchRequest, Rung, Scope};
use crate::remote::{Opened, Remote};

/// Room for what surrounds a small pack.
const FRAMING_BYTES: u64 = 1 << 20;

/// Blobs that are wanted at once: half a megabyte of request, below what servers allow, compressed or not.
const MAX_BLOBS: usize = 10_000;

/// Where a partial mirror gets what it lacks: from where it was last fetched, for as long as that task goes on.
#[derive(Debug, Clone)]
pub(crate) struct Promisor {
    remote: Remote,
    pub(super) wants: Vec<ObjectId>,
    cancel: CancellationToken,
}

/// From where a fetch comes, who watches it, and what ends it.
pub(super) struct Source<'a> {
    remote: &'a Remote,
    progress: &'a mut (dyn FnMut(FetchProgress) + Send),
    cancel: &'a CancellationToken,
}

/// What is done with a mirror before a pack is put into it.
enum Fit {
    AsIs,
    /// It says that it lacks blobs.
    Declared,
    /// It is made anew: updates would rest on blobs that are not here, and what it lacks can be had no longer.
    Emptied,
}

/// What became of a request for objects.
enum Received {
    Stored,
    /// What came whole is no pack, or rests on objects that cannot be read here.
    Unreadable(Failure),
    /// The server does not do what was asked.
    Refused(Failure),
}

impl Mirror {
    /// Brings in the commits that are not held yet, each with its trees and without its parents. With the held ones at
    /// hand only what differs is sent. A mirror that turns out to be damaged is made anew.
    ///
    /// Blobs come along where the server cannot send them singly; [`Mirror::ensure_blobs`] gets the others from the
    /// same remote. A canceled fetch leaves nothing behind.
    pub async fn fetch(
        &mut self,
        remote: &Remote,
        wants: &[ObjectId],
        progress: &mut (dyn FnMut(FetchProgress) + Send),
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        self.promisor = Some(Promisor { remote: remote.clone(), wants: wants.to_vec(), cancel: cancel.clone() });
        let held: Vec<_> = wants.iter().copied().filter(|want| self.state.holds(*want)).collect();
        if let Some(damage) = self.damage(&held, cancel).await? {
            self.rebuild(damage).await?;
        }
        if self.lacking(wants).is_empty() {
            return Ok(());
        }
        let best = remote.rung(cancel).await?;
        let mut source = Source { remote, progress, cancel };
        if let (Growth::Outgrown(weight), Some(kept)) = (self.growth().await?, self.kept.clone()) {
            let wanted = [&kept, wants].concat();
            if self.fetch_anew(&mut source, wanted, best, weight).await? {
                return Ok(());
            }
        }
        self.descend(&mut source, wants, best).await
    }

    /// Makes sure that the content of `blobs` can be read: what is lacking is fetched with as few requests as may be,
    /// from where the last [`Mirror::fetch`] came.
    pub async fn ensure_blobs(&mut self, blobs: &[ObjectId]) -> Result<(), Failure> {
        let missing = self.missing(blobs).await?;
        let Some(first) = missing.first() else { return Ok(()) };
        let promisor = match (self.extent, self.promisor.clone()) {
            (Extent::Blobless, Some(promisor)) => promisor,
            (Extent::Blobless, None) => return Err(self.reported(Fault::NotFetched(*first))),
            (Extent::Whole, _) => return Err(self.reported(Fault::Damaged(format!("object {first} is missing")))),
        };
        let Promisor { remote, wants, cancel } = promisor;
        let mut source = Source { remote: &remote, progress: &mut |_| {}, cancel: &cancel };
        for batch in missing.chunks(MAX_BLOBS) {
            let asked = FetchRequest { wants: batch.to_vec(), tips: Vec::new(), scope: Scope::Blobs };
            match self.receive(&mut source, &asked).await? {
                Received::Stored => {}
                Received::Unreadable(failure) => return Err(failure),
                Received::Refused(_) => {
                    // It sends parts of commits, but not the rest.
                    self.descend(&mut source, &wants, Rung::Depth1).await?;
                    break;
                }
            }
        }
        match self.missing(blobs).await?.first() {
            None => Ok(()),
            Some(blob) => Err(self.incomplete(&format!("object {blob} is missing"))),
        }
    }

    /// Fetches on the best rung that the server does not refuse, and remembers it.
    pub(super) async fn descend(
        &mut self,
        source: &mut Source<'_>,
        wants: &[ObjectId],
        best: Rung,
    ) -> Result<(), Failure> {
        let mut rung = best;
        while let Some(refusal) = self.bring(source, wants, rung).await? {
            rung = rung.below().ok_or(refusal)?;
        }
        source.remote.settle(rung);
        let lacking = self.lacking(wants);
        self.record(lacking).await
    }

    /// Fetches on one rung; the refusal if the server refuses it.
    async fn bring(
        &mut self,
        source: &mut Source<'_>,
        wants: &[ObjectId],
        rung: Rung,
    ) -> Result<Option<Failure>, Failure> {
        let scope = Scope::Commits(rung);
        let update = match self.fit(scope) {
            // It will be emptied: everything has to come.
            Fit::Emptied => FetchRequest { wants: wants.to_vec(), tips: Vec::new(), scope },
            Fit::AsIs | Fit::Declared => {
                FetchRequest { wants: self.lacking(wants), tips: self.state.newest(MAX_HAVES), scope }
            }
        };
        let mut received = self.receive(source, &update).await?;
        if matches!(received, Received::Unreadable(_)) && !update.tips.is_empty() {
            // An update is made of differences to what is here: if that cannot be read, it takes everything.
            received = self.receive(source, &FetchRequest { tips: Vec::new(), ..update }).await?;
        }
        match received {
            Received::Stored => {}
            Received::Unreadable(failure) => return Err(failure),
            Received::Refused(refusal) => return Ok(Some(refusal)),
        }
        let Some(damage) = self.damage(&self.lacking(wants), source.cancel).await? else { return Ok(None) };
        self.rebuild(damage).await?;
        let whole = FetchRequest { wants: self.lacking(wants), tips: Vec::new(), scope };
        match self.receive(source, &whole).await? {
            Received::Stored => {}
            Received::Unreadable(failure) | Received::Refused(failure) => return Err(failure),
        }
        match self.damage(wants, source.cancel).await? {
            None => Ok(None),
            Some(damage) => Err(self.incomplete(&damage)),
        }
    }

    /// Streams a pack into the object database.
    async fn receive(&mut self, source: &mut Source<'_>, asked: &FetchRequest) -> Result<Received, Failure> {
        // What the pack itself may have is counted by the sink: this only ends an answer that is mostly framing.
        let most = self.limits.pack_bytes.saturating_mul(2).saturating_add(FRAMING_BYTES);
        let mut opened = source.remote.fetch(asked, most, source.cancel).await?;
        if let Opened::Refused(refusal) = &opened {
            // It may be about the moment rather than about what was asked, and to ask for less is dear for good.
            tracing::debug!(mirror = %self.path().display(), %refusal, "a fetch was refused; it is asked for once more");
            opened = source.remote.fetch(asked, most, source.cancel).await?;
        }
        let mut pack = match opened {
            Opened::Pack(pack) => pack,
            Opened::Refused(refusal) => return Ok(Received::Refused(refusal)),
        };
        match self.fit(asked.scope) {
            Fit::AsIs => {}
            Fit::Declared => self.declare_blobless().await?,
            Fit::Emptied => self.rebuild("the server does not send single blobs".to_owned()).await?,
        }
        let mut sink = Sink::start(&self.folder, &self.lock, &self.limits, source.cancel);
        let mut received = FetchProgress::default();
        let fed = loop {
            match pack.chunk().await {
                Ok(Some(bytes)) => {
                    received.received_bytes += bytes.len() as u64;
                    (source.progress)(received);
                    if !sink.push(bytes).await {
                        break Ok(());
                    }
                }
                Ok(None) => break Ok(()),
                Err(failure) => break Err(failure),
            }
        };
        if let Err(failure) = fed {
            sink.abandon().await;
            return Err(failure);
        }
        let stored = sink.finish().await;
        if source.cancel.is_cancelled() {
            return Err(canceled());
        }
        match stored {
            Ok(()) => {}
            Err(refused @ Fault::NoPack(_)) => return Ok(Received::Unreadable(refused.failure(&self.place))),
            Err(other) => return Err(other.failure(&self.place)),
        }
        self.store.refresh();
        shallow::update(self.folder.path(), pack.shallow()).map_err(|fault| fault.failure(&self.place))?;
        if self.extent == Extent::Blobless {
            extent::promise_packs(self.folder.path()).map_err(|fault| fault.failure(&self.place))?;
        }
        Ok(Received::Stored)
    }

    async fn record(&mut self, commits: Vec<ObjectId>) -> Result<(), Failure> {
        let state = self.state.with(commits);
        let (folder, written) = (Arc::clone(&self.folder), state.clone());
        blocking(move || written.write(folder.path())).await.map_err(|fault| fault.failure(&self.place))?;
        self.state = state;
        Ok(())
    }

    fn fit(&self, scope: Scope) -> Fit {
        match (self.extent, scope) {
            (Extent::Whole, Scope::Commits(Rung::Blobless)) => Fit::Declared,
            (Extent::Blobless, Scope::Commits(Rung::Depth1 | Rung::History)) => Fit::Emptied,
            (Extent::Whole, Scope::Commits(Rung::Depth1 | Rung::History) | Scope::Blobs)
            | (Extent::Blobless, Scope::Commits(Rung::Blobless) | Scope::Blobs) => Fit::AsIs,
        }
    }

    async fn declare_blobless(&mut self) -> Result<(), Failure> {
        let folder = Arc::clone(&self.folder);
        let declared = blocking(move || extent::declare_blobless(folder.path()));
        declared.await.map_err(|fault| fault.failure(&self.place))?;
        self.extent = Extent::Blobless;
        Ok(())
    }

    pub(super) fn lacking(&self, wants: &[ObjectId]) -> Vec<ObjectId> {
        let mut lacking: Vec<_> = wants.iter().copied().filter(|want| !self.state.holds(*want)).collect();
        lacking.sort_unstable();
        lacking.dedup();
        lacking
    }

    /// Which of `blobs` are not here, each once.
    pub(super) async fn missing(&self, blobs: &[ObjectId]) -> Result<Vec<ObjectId>, Failure> {
        let (folder, store, mut blobs) = (Arc::clone(&self.folder), self.store.clone(), blobs.to_vec());
        let looked = blocking(move || {
            blobs.sort_unstable();
            blobs.dedup();
            store.read(folder.path(), |store| store.missing(blobs))
        });
        looked.await.map_err(|fault| self.reported(fault))
    }

    /// What is wrong with what should be here of `commits`, if anything.
    async fn damage(&mut self, commits: &[ObjectId], cancel: &CancellationToken) -> Result<Option<String>, Failure> {
        if commits.is_empty() {
            return Ok(None);
        }
        let (folder, store, commits) = (Arc::clone(&self.folder), self.store.clone(), commits.to_vec());
        let (limits, extent) = (self.limits, self.extent);
        let checked = blocking(move || {
            let verify = |commit: ObjectId| {
                Ok((commit, store.read(folder.path(), |store| store.verify(commit, extent, &limits))?))
            };
            commits.into_iter().map(verify).collect::<Result<Vec<_>, Fault>>()
        });
        match unless_canceled(cancel, checked).await? {
            Ok(walked) => {
                let known = walked.into_iter().filter_map(|(commit, entries)| Some((commit, entries?)));
                self.walked.extend(known);
                Ok(None)
            }
            Err(Fault::Damaged(reason)) => Ok(Some(reason)),
            Err(other) => Err(other.failure(&self.place)),
        }
    }

    fn incomplete(&self, damage: &str) -> Failure {
        let cause = format!("what the server sent is incomplete: {damage}");
        self.place.repository_failure(FailureClass::RepositoryCorrupt, "fetch", cause)
    }
}

//! Fetching a mirror anew: beside the old one, which stays whole until the new one takes its place.
//!
//! It happens when there is something to bring anyway, and the mirror has outgrown itself (`usage`) or the care for the
//! disk asked for it (`care`). Only the commits that links want today come along: those that are fetched, and those told
//! by [`Mirror::keep`]. Where the new one cannot be had for lack of room, for what the repository holds, or as the server
//! no longer gives one of those commits, the old one is updated instead, and grows by as much again before that is tried
//! once more.

use std::collections::HashMap;
use std::sync::Arc;

use suitesync_contract::{Failure, FailureClass, ObjectId};

use super::Mirror;
use super::extent::Extent;
use super::fault::{Fault, blocking};
use super::fetch::Source;
use super::folder::Folder;
use super::store::SharedStore;
use super::usage::Weight;
use crate::fetching::Rung;

/// What a look at the mirror's weight says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Growth {
    /// It is updated as it is.
    Fits,
    /// It is to be fetched anew; what it weighs now.
    Outgrown(Weight),
}

impl Mirror {
    /// Commits that links still want besides those that will be fetched: they come along when the mirror is fetched
    /// anew. All others are forgotten then, so without this word the mirror is only added to.
    pub fn keep(&mut self, commits: impl IntoIterator<Item = ObjectId>) {
        self.kept = Some(commits.into_iter().collect());
    }

    /// Weighs the mirror before an update; the first time that is what a fresh one weighs.
    pub(super) async fn growth(&mut self) -> Result<Growth, Failure> {
        if self.state.newest(1).is_empty() {
            return Ok(Growth::Fits);
        }
        let folder = Arc::clone(&self.folder);
        let weighed =
            blocking(move || Ok((Weight::of_packs(folder.path())?, folder.paths().is_marked_superseded()))).await;
        let (weight, marked) = weighed.map_err(|fault| fault.failure(&self.place))?;
        let Some(fresh) = self.state.fresh() else {
            self.state = self.state.grown_from(weight);
            return Ok(Growth::Fits);
        };
        Ok(if marked || weight.has_outgrown(fresh) { Growth::Outgrown(weight) } else { Growth::Fits })
    }

    /// Brings in all wanted commits as a new mirror; whether that was possible.
    pub(super) async fn fetch_anew(
        &mut self,
        source: &mut Source<'_>,
        mut wanted: Vec<ObjectId>,
        best: Rung,
        weight: Weight,
    ) -> Result<bool, Failure> {
        wanted.sort_unstable();
        wanted.dedup();
        let mut beside = self.begin_beside().await?;
        let failure = match beside.descend(source, &wanted, best).await {
            Ok(()) => {
                self.take_over(beside).await?;
                return Ok(true);
            }
            Err(failure) => failure,
        };
        beside.give_up().await?;
        let of_what_it_holds = matches!(
            failure.class,
            FailureClass::DiskFull | FailureClass::RepositoryCorrupt | FailureClass::RefNotFound
        );
        if !of_what_it_holds {
            return Err(failure);
        }
        tracing::warn!(mirror = %self.path().display(), %failure, "failed to fetch a mirror anew; it is updated instead");
        self.state = self.state.grown_from(weight);
        self.with_folder(|folder| folder.paths().unmark_superseded()).await?;
        Ok(false)
    }

    /// An empty mirror beside this one, under the same lock.
    async fn begin_beside(&self) -> Result<Self, Failure> {
        let state = self.with_folder(|folder| folder.beside().replace()).await?;
        Ok(Self {
            folder: Arc::new(self.folder.beside()),
            lock: Arc::clone(&self.lock),
            place: self.place.clone(),
            limits: self.limits,
            state,
            extent: Extent::Whole,
            promisor: None,
            rebuilt: None,
            kept: None,
            store: SharedStore::default(),
            walked: HashMap::new(),
        })
    }

    async fn take_over(&mut self, beside: Self) -> Result<(), Failure> {
        self.store.close();
        let Self { state, extent, walked, .. } = beside;
        self.with_folder(|folder| folder.paths().swap()).await?;
        (self.state, self.extent, self.walked) = (state, extent, walked);
        Ok(())
    }

    async fn give_up(self) -> Result<(), Failure> {
        self.with_folder(|folder| folder.paths().throw_away()).await
    }

    async fn with_folder<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Failure> {
        let (folder, lock) = (Arc::clone(&self.folder), Arc::clone(&self.lock));
        let done = blocking(move || {
            let done = work(&folder);
            drop(lock);
            done
        });
        done.await.map_err(|fault| fault.failure(&self.place))
    }
}

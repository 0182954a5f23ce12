//! What refs point to, with one request however many are asked for, and as cheap where one of them is missing.
//!
//! All refs are listed only when one is newly missing, to name those like it: a repository may have very many, and a
//! link to a branch that was deleted is polled on. An empty repository is asked for all of its refs, as that costs nothing
//! and shows whatever comes.

use std::collections::hash_map::Entry;

use suitesync_contract::{Failure, RefSpec};
use tokio_util::sync::CancellationToken;

use super::Remote;
use crate::knowledge::Absent;
use crate::refs::{self, Absence, Tip};

/// Where the refs are that a link may mean.
const ALL: [&str; 3] = ["HEAD", "refs/heads/", "refs/tags/"];

/// What refs point to, in the order they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    pub tips: Vec<(RefSpec, Result<Tip, Failure>)>,
}

impl Remote {
    /// What each of `wanted` points to, with one request for all. A commit id is its own answer and needs none.
    ///
    /// A branch, or the default one, of a repository without any commit is [`Tip::Empty`].
    pub async fn resolve(&self, wanted: &[RefSpec], cancel: &CancellationToken) -> Result<Resolved, Failure> {
        let names: Vec<_> = wanted.iter().filter_map(RefSpec::full_name).collect();
        let mut absent = self.knowledge.absent(&self.base);
        let was_empty = absent.values().any(|absence| *absence == Absence::Empty);
        let listed = match (names.is_empty(), was_empty) {
            (true, _) => Vec::new(),
            (false, true) => self.list(&ALL.map(str::to_owned), cancel).await?,
            (false, false) => self.list(&names, cancel).await?,
        };
        let mut all = None;
        if was_empty && !names.is_empty() {
            absent = Absent::new();
            all = Some(listed.clone());
        }
        let mut tips = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            let tip = match (refs::find(wanted, &listed), absent.entry(wanted.clone())) {
                (Some(commit), Entry::Vacant(_)) => Ok(Tip::Commit(commit)),
                (Some(commit), Entry::Occupied(known)) => {
                    known.remove();
                    Ok(Tip::Commit(commit))
                }
                (None, Entry::Occupied(known)) => known.get().told(&self.place, wanted),
                (None, Entry::Vacant(news)) => {
                    let all = match &mut all {
                        Some(all) => all,
                        none => none.insert(self.list(&ALL.map(str::to_owned), cancel).await?),
                    };
                    news.insert(Absence::of(wanted, all)).told(&self.place, wanted)
                }
            };
            tips.push((wanted.clone(), tip));
        }
        self.knowledge.note_absent(&self.base, absent);
        Ok(Resolved { tips })
    }
}

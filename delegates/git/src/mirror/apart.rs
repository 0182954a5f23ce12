//! Fetching commits together, and apart where one of them cannot be had: the others come all the same.
//!
//! A server tells of one thing that it cannot give, and gives nothing then. So what failed is halved until the commits
//! that it is about stand alone, which costs some requests for each of those, and none where all is well.

use std::collections::HashMap;

use suitesync_contract::{Failure, ObjectId};
use tokio_util::sync::CancellationToken;

use super::{FetchProgress, Mirror};
use crate::remote::Remote;

/// Fetches that may fail one after the other: a single bad commit among a thousand takes ten until it stands alone, and a
/// server that fails whatever it is asked for is not asked for everything.
const MAX_FUTILE: usize = 20;

impl Mirror {
    /// Brings in the commits as [`Mirror::fetch`] does, and returns those that cannot be had, each with the reason. What
    /// is not about what was asked for, such as a server that limits, is the reason for all that were still to come.
    pub async fn fetch_each(
        &mut self,
        remote: &Remote,
        wants: &[ObjectId],
        progress: &mut (dyn FnMut(FetchProgress) + Send),
        cancel: &CancellationToken,
    ) -> HashMap<ObjectId, Failure> {
        let mut wants = wants.to_vec();
        wants.sort_unstable();
        wants.dedup();
        let mut brought = Vec::new();
        let mut failed = HashMap::new();
        let (mut groups, mut futile) = (vec![wants], 0);
        while let Some(mut group) = groups.pop() {
            let Err(failure) = self.fetch(remote, &group, progress, cancel).await else {
                self.want_still(&group);
                brought.extend(group);
                futile = 0;
                continue;
            };
            futile += 1;
            if futile == MAX_FUTILE || !failure.class.may_spare_others() {
                group.extend(groups.drain(..).flatten());
            } else if group.len() > 1 {
                let half = group.split_off(group.len() / 2);
                groups.extend([half, group]);
                continue;
            }
            failed.extend(group.into_iter().map(|commit| (commit, failure.clone())));
        }
        // A mirror that was made anew on the way, for what one of them seemed to have damaged, has lost those before it.
        if !self.lacking(&brought).is_empty()
            && let Err(failure) = self.fetch(remote, &brought, progress, cancel).await
        {
            failed.extend(brought.iter().map(|commit| (*commit, failure.clone())));
        }
        if let Some(promisor) = &mut self.promisor {
            promisor.wants = brought;
        }
        failed
    }

    /// What came with one fetch comes along when another one fetches the mirror anew.
    fn want_still(&mut self, commits: &[ObjectId]) {
        if let Some(kept) = &mut self.kept {
            kept.extend(commits);
        }
    }
}

//! A server that does not give a commit: told apart from one that does not do what was asked in the way it was asked.
//!
//! Before protocol v2 a server may give only what its refs point to, and is free in how it refuses anything else; so
//! its refs are looked at.

use suitesync_contract::{Failure, FailureClass, ObjectId};
use tokio_util::sync::CancellationToken;

use super::Remote;
use crate::fetching::{FetchRequest, Scope};
use crate::knowledge::Known;

impl Remote {
    /// The commit that a refusal is about, if it is about one: the server names it, or gives only what its refs point
    /// to, and none does.
    pub(super) async fn ungiven(
        &self,
        known: &Known,
        asked: &FetchRequest,
        refused: &Failure,
        cancel: &CancellationToken,
    ) -> Option<ObjectId> {
        if asked.scope == Scope::Blobs || !matches!(refused.class, FailureClass::ServerError | FailureClass::Protocol) {
            return None;
        }
        let named = asked.wants.iter().find(|want| refused.message.contains(&want.to_string()));
        if named.is_some() || known.protocol.gives_any_object() {
            return named.copied();
        }
        let listed = self.list(&["refs/".to_owned()], cancel).await.ok()?;
        let pointed_to =
            |want: &ObjectId| listed.iter().any(|found| found.id == Some(*want) || found.peeled == Some(*want));
        asked.wants.iter().copied().find(|want| !pointed_to(want))
    }

    pub(super) fn not_given(&self, known: &Known, commit: ObjectId) -> Failure {
        if known.protocol.gives_any_object() {
            let cause = format!("the server does not give commit {commit}");
            return self.place.repository_failure(FailureClass::RefNotFound, "fetch from", cause);
        }
        let cause = format!("the server gives only what its branches and tags point to, not commit {commit}");
        let failure = self.place.repository_failure(FailureClass::RefNotFound, "fetch from", cause);
        failure.with_hint("link the branch or tag that holds the commit")
    }
}

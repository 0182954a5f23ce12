//! Sessions of a process: one for each server, login, key and policy, shared by all remotes that need the like.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use suitesync_contract::Failure;

use super::session::Session;

/// What has to be alike for a session to be shared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct SessionKey {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) login: String,
    pub(super) identity: [u8; 32],
    pub(super) policy: [u8; 32],
    pub(super) route: suitesync_reach::Fingerprint,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashMap<SessionKey, Arc<Slot>>>>);

/// Where the session of one key is kept. Who finds none opens one, and all others wait for that.
#[derive(Debug, Default)]
pub(super) struct Slot {
    kept: tokio::sync::Mutex<Kept>,
    /// Tries that have ended.
    tries: AtomicU64,
}

#[derive(Debug, Default)]
struct Kept {
    session: Option<Arc<Session>>,
    /// How the last try has failed: for those who were waiting for it.
    failure: Option<Failure>,
}

/// Where a session was come by.
#[derive(Debug)]
pub(super) enum Found {
    Kept(Arc<Session>),
    Fresh(Arc<Session>),
}

impl Sessions {
    pub(super) fn slot(&self, key: &SessionKey) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|kept, slot| kept == key || !slot.is_forgotten());
        Arc::clone(slots.entry(key.clone()).or_default())
    }
}

impl Slot {
    /// The session that is kept, unless it is `spent`, or what `open` makes.
    pub(super) async fn session(
        &self,
        spent: Option<&Arc<Session>>,
        open: impl Future<Output = Result<Session, Failure>>,
    ) -> Result<Found, Failure> {
        let before = self.tries.load(Ordering::SeqCst);
        let mut kept = self.kept.lock().await;
        let usable =
            |session: &&Arc<Session>| session.is_open() && spent.is_none_or(|spent| !Arc::ptr_eq(spent, session));
        if let Some(session) = kept.session.as_ref().filter(usable) {
            return Ok(Found::Kept(Arc::clone(session)));
        }
        let failed_meanwhile = self.tries.load(Ordering::SeqCst) > before;
        if let Some(failure) = kept.failure.as_ref().filter(|_| failed_meanwhile) {
            return Err(failure.clone());
        }
        // Whatever comes of it: who is canceled here leaves the slot empty.
        *kept = Kept::default();
        let opened = open.await;
        self.tries.fetch_add(1, Ordering::SeqCst);
        match opened {
            Ok(session) => {
                let session = Arc::new(session);
                kept.session = Some(Arc::clone(&session));
                Ok(Found::Fresh(session))
            }
            Err(failure) => {
                kept.failure = Some(failure.clone());
                Err(failure)
            }
        }
    }

    /// Whether nobody needs this slot, nor has a session in it.
    fn is_forgotten(self: &Arc<Self>) -> bool {
        let is_empty = |kept: &Kept| kept.session.as_ref().is_none_or(|session| !session.is_open());
        Arc::strong_count(self) == 1 && self.kept.try_lock().is_ok_and(|kept| is_empty(&kept))
    }
}

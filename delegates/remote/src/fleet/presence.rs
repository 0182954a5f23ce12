//! Whether a delegate is there, by its announcements.

use std::time::Duration;

use suitesync_contract::DelegateName;
use tokio::time::Instant;

use super::{Member, MemberStatus};
use crate::message::{Announcement, Attendance, Key};

/// A delegate that was not heard of for this long is lost. By then nothing is left of its runs: its lease is shorter.
pub(super) const LOST_AFTER: Duration = Duration::from_secs(10);

/// Why a delegate is lost that said so itself.
const STOPPED: &str = "it was stopped";

#[derive(Debug)]
pub(super) struct Presence {
    announcement: Option<Announcement>,
    heard: Instant,
    /// Whether anything was heard of it since we listen.
    is_live: bool,
    lost: Option<String>,
}

impl Presence {
    /// One that is waited for.
    pub(super) fn expected(now: Instant) -> Self {
        Self { announcement: None, heard: now, is_live: false, lost: None }
    }

    /// Takes what it said before we listened, unless more is known.
    pub(super) fn recall(&mut self, announcement: Announcement) {
        if self.announcement.is_none() {
            self.lost = (announcement.attendance == Attendance::Gone).then(|| STOPPED.to_owned());
            self.announcement = Some(announcement);
        }
    }

    pub(super) fn announce(&mut self, announcement: Announcement, now: Instant) {
        self.lost = (announcement.attendance == Attendance::Gone).then(|| STOPPED.to_owned());
        self.announcement = Some(announcement);
        self.heard = now;
        self.is_live = true;
    }

    /// Gives it the whole time again, unless it is lost already.
    pub(super) fn spare(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Calls it lost if it was silent for too long.
    pub(super) fn judge(&mut self, now: Instant) {
        if self.lost.is_none() && now.duration_since(self.heard) >= LOST_AFTER {
            self.lost = Some(format!("nothing was heard of it for {} s", LOST_AFTER.as_secs()));
        }
    }

    pub(super) fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    /// Runs in its hands, as it said last.
    pub(super) fn runs(&self) -> &[Key] {
        self.announcement.as_ref().map_or(&[], |announcement| &announcement.runs)
    }

    /// Nothing of one that has never announced itself.
    pub(super) fn member(&self, name: &DelegateName) -> Option<Member> {
        let announcement = self.announcement.as_ref()?;
        let mut tags = announcement.tags.clone();
        tags.insert(name.as_str());
        let status = match (&self.lost, announcement.attendance) {
            (_, Attendance::Gone) => MemberStatus::Stopped,
            (Some(reason), _) => MemberStatus::Lost(reason.clone()),
            (None, _) if !self.is_live => MemberStatus::Starting,
            (None, Attendance::Serving) => MemberStatus::Connected,
            (None, Attendance::Draining) => MemberStatus::Draining,
        };
        Some(Member {
            name: name.clone(),
            tags,
            capacity: announcement.capacity,
            work: announcement.work.clone(),
            program: announcement.program.clone(),
            status,
        })
    }
}

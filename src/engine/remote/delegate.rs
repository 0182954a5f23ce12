//! A delegate on another host, as the dispatcher knows it.

use std::sync::Arc;

use serde_json::{Value, json};
use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{DelegateName, Failure, FailureClass, Outcome, Progress, Tags, Task};
use suitesync_remote::{Member, MemberStatus};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::meeting::Meeting;
use crate::config::DelegateConfig;
use crate::engine::delegate::{Carrying, Delegate, DelegateStatus, Loss, ProgressSink, Standing};

/// What stands before the marker of a run on another host.
const MARK: &str = "remote";

/// A run's marker as the catalog has it: its processes are none of this host's.
pub fn marked(marker: Value) -> Value {
    json!({ MARK: marker })
}

/// Whether it is that of a run on another host.
pub fn is_marked(marker: Option<&Value>) -> bool {
    marker.is_some_and(|marker| marker.get(MARK).is_some())
}

/// Enough for the runs that it is known by.
const CAPACITY_OF_RECALLED: u32 = 1;

/// What does not change in a delegate: one with another face is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Face {
    tags: Tags,
    capacity: u32,
    /// Before it has announced itself.
    at_first: Standing,
    runs: RunsThere,
}

/// Whether the configuration lets a delegate on another host execute runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunsThere {
    Allowed,
    Forbidden,
}

impl RunsThere {
    /// What is left of the work that a delegate offers.
    fn of(self, work: &[WorkKind]) -> Vec<WorkKind> {
        let is_left = |kind: &WorkKind| self == Self::Allowed || *kind != WorkKind::Run;
        work.iter().copied().filter(is_left).collect()
    }
}

impl Face {
    pub(super) fn of(member: &Member, runs: RunsThere) -> Self {
        let at_first = starting(runs.of(&member.work));
        Self { tags: member.tags.clone(), capacity: member.capacity, at_first, runs }
    }

    /// One that the configuration names.
    pub(super) fn expected(settings: &DelegateConfig) -> Self {
        let mut tags = settings.tags.clone();
        tags.insert(settings.name.as_str());
        let runs = if settings.runs { RunsThere::Allowed } else { RunsThere::Forbidden };
        Self { tags, capacity: settings.capacity, at_first: starting(settings.work()), runs }
    }

    pub(super) fn runs(&self) -> RunsThere {
        self.runs
    }

    /// One of which only its name is known.
    pub(super) fn recalled(name: &DelegateName) -> Self {
        let lost = Some(Loss::Because("nothing was heard of it since the agent's start".to_owned()));
        let at_first = Standing { status: DelegateStatus::Lost, lost, ..starting(vec![WorkKind::Run]) };
        let tags = [name.as_str()].into_iter().collect();
        Self { tags, capacity: CAPACITY_OF_RECALLED, at_first, runs: RunsThere::Allowed }
    }
}

fn starting(work: Vec<WorkKind>) -> Standing {
    Standing { status: DelegateStatus::Starting, work, program: None, lost: None, user: None }
}

#[derive(Debug)]
pub(super) struct RemoteDelegate {
    name: DelegateName,
    face: Face,
    standing: watch::Sender<Standing>,
    /// Has seen nothing yet, so that whoever follows hears how it came to stand.
    unseen: watch::Receiver<Standing>,
    meeting: Arc<Meeting>,
}

impl RemoteDelegate {
    pub(super) fn new(name: DelegateName, face: Face, meeting: &Arc<Meeting>) -> Self {
        let (standing, unseen) = watch::channel(face.at_first.clone());
        Self { name, face, standing, unseen, meeting: Arc::clone(meeting) }
    }

    pub(super) fn has_face(&self, face: &Face) -> bool {
        self.face == *face
    }

    /// Whether it still is what a member says of itself.
    pub(super) fn is(&self, member: &Member) -> bool {
        self.face == Face::of(member, self.face.runs)
    }

    /// Takes note of how a member stands.
    pub(super) fn note(&self, member: &Member) {
        let (status, lost) = match &member.status {
            MemberStatus::Starting => (DelegateStatus::Starting, None),
            MemberStatus::Connected => (DelegateStatus::Connected, None),
            MemberStatus::Draining => (DelegateStatus::Draining, None),
            MemberStatus::Stopped => (DelegateStatus::Lost, Some(Loss::Stopped)),
            MemberStatus::Lost(reason) => (DelegateStatus::Lost, Some(Loss::Because(reason.clone()))),
        };
        let (work, program) = (self.face.runs.of(&member.work), Some(member.program.clone()));
        let now = Standing { status, work, program, lost, user: None };
        self.standing.send_if_modified(|standing| {
            let is_news = *standing != now;
            *standing = now;
            is_news
        });
    }
}

impl Delegate for RemoteDelegate {
    fn name(&self) -> &DelegateName {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "remote"
    }

    fn work(&self) -> Vec<WorkKind> {
        self.standing.borrow().work.clone()
    }

    fn is_elsewhere(&self) -> bool {
        true
    }

    fn status(&self) -> DelegateStatus {
        self.standing.borrow().status
    }

    fn follow(&self) -> Option<watch::Receiver<Standing>> {
        Some(self.unseen.clone())
    }

    fn tags(&self) -> &Tags {
        &self.face.tags
    }

    fn capacity(&self) -> u32 {
        self.face.capacity
    }

    /// How many of its places are taken by what is no run it does not tell.
    fn running(&self) -> u32 {
        0
    }

    fn carry_out(&self, task: Task, progress: ProgressSink, cancel: CancellationToken) -> Carrying<'_> {
        Box::pin(async move {
            let id = task.id;
            let carried = self.meeting.until_left(|fleet| fleet.carry_out(&self.name, task, marking(progress), cancel));
            Outcome { task: id, result: carried.await.map_err(|failure| self.named(failure)) }
        })
    }
}

impl RemoteDelegate {
    /// What its file does not allow is told with whose file that is.
    fn named(&self, failure: Failure) -> Failure {
        if failure.class != FailureClass::SecretUnavailable {
            return failure;
        }
        Failure { message: format!("delegate {}: {}", self.name, failure.message), ..failure }
    }
}

/// Passes progress on; what a run's processes are found by means something on the delegate's host alone.
fn marking(progress: ProgressSink) -> ProgressSink {
    Arc::new(move |news| {
        progress(match news {
            Progress::Started { marker } => Progress::Started { marker: marked(marker) },
            other @ (Progress::Step(_) | Progress::Received { .. } | Progress::Read { .. } | Progress::Log { .. }) => {
                other
            }
        });
    })
}

//! Which delegate gets a task: a pure function of what is wanted and of what is known of each delegate, with every rule
//! that each of them fails.

mod choice;
mod reason;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{DelegateName, Failure, FailureClass, SecretRef, Tags};

use super::back_off::BackOff;
use super::delegate::{DelegateStatus, Loss};
use super::nearest::nearest;

use choice::{Load, best};

pub use choice::Preference;
pub use reason::Reason;

/// Tasks in a delegate's hands for each of its places. Most of them wait for a server that has nothing new; were they to
/// fill the places, a handful of silent servers would keep everybody waiting. Each run takes a place of its own.
const TASKS_A_PLACE: u32 = 64;

/// What a task asks of whoever carries it out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    pub tags: Tags,
    pub work: WorkKind,
    /// The servers that it connects to.
    pub hosts: Vec<String>,
    /// Those that could not connect to them in this task.
    pub failed: BTreeSet<DelegateName>,
    /// One of its secrets that is told by where it lies on the agent's host, if there is any.
    pub host_secret: Option<SecretRef>,
}

impl Wanted {
    /// A task wherever its servers are.
    pub fn new(tags: Tags, work: WorkKind) -> Self {
        Self { tags, work, hosts: Vec::new(), failed: BTreeSet::new(), host_secret: None }
    }

    /// The same, after this one has failed at it.
    #[must_use]
    pub fn without(&self, delegate: &DelegateName) -> Self {
        let mut without = self.clone();
        without.failed.insert(delegate.clone());
        without
    }
}

/// What is known of a delegate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub name: DelegateName,
    /// The delegate's own name counts as a tag.
    pub tags: Tags,
    /// The kinds of tasks that it carries out.
    pub work: Vec<WorkKind>,
    /// Whether it is on another host than the agent.
    pub is_elsewhere: bool,
    pub status: DelegateStatus,
    /// Why it is lost, while it is.
    pub lost: Option<Loss>,
    pub capacity: u32,
    /// Tasks in its hands that are no runs.
    pub tasks: u32,
    /// Runs in its hands.
    pub runs: u32,
    pub backs_off: Vec<BackOff>,
    /// Grows with each task that is given to anyone; 0 for one that never had any.
    pub last_used: u64,
}

/// Every rule that a delegate fails; it is eligible where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub delegate: DelegateName,
    pub reasons: Vec<Reason>,
}

impl Verdict {
    pub fn is_eligible(&self) -> bool {
        self.reasons.is_empty()
    }

    /// Whether it could take the task now, or as soon as it has a free place.
    fn is_at_hand(&self) -> bool {
        self.reasons.iter().all(|reason| matches!(reason, Reason::Full { .. }))
    }

    /// The secret that lacks, where that is all that ever keeps it from the task.
    fn kept_apart(&self) -> Option<(&DelegateName, &SecretRef)> {
        let mut lasting = self.reasons.iter().filter(|reason| reason.is_lasting());
        match (lasting.next(), lasting.next()) {
            (Some(Reason::CannotHave(secret)), None) => Some((&self.delegate, secret)),
            _ => None,
        }
    }

    /// Whether nothing but another configuration makes it eligible.
    fn is_out_of_question(&self) -> bool {
        self.reasons.iter().any(Reason::is_lasting)
    }
}

/// Where a task goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// To this one.
    Chosen(DelegateName),
    /// Those that could take it have no free place.
    WaitForPlace,
    /// Those that could take it are not there.
    WaitForDelegate,
    /// No delegate will ever take it.
    Nobody(Failure),
}

/// The tags that count: the most specific setting wins whole, an empty one, too. `settings` begins with it.
pub fn most_specific<'t>(settings: impl IntoIterator<Item = Option<&'t Tags>>) -> Tags {
    settings.into_iter().flatten().next().cloned().unwrap_or_default()
}

/// Where a task goes; `warm` is whose mirror of the repository is.
pub fn select(wanted: &Wanted, candidates: &[Candidate], warm: Option<&DelegateName>) -> Selection {
    if let Some((name, _)) = choose(wanted, candidates, warm) {
        return Selection::Chosen(name);
    }
    let verdicts = verdicts(wanted, candidates);
    if verdicts.iter().any(Verdict::is_at_hand) {
        Selection::WaitForPlace
    } else if verdicts.iter().all(Verdict::is_out_of_question) {
        Selection::Nobody(nobody(wanted, candidates, &verdicts))
    } else {
        Selection::WaitForDelegate
    }
}

/// Who of the eligible is taken, and why this one.
pub fn choose(
    wanted: &Wanted,
    candidates: &[Candidate],
    warm: Option<&DelegateName>,
) -> Option<(DelegateName, Preference)> {
    let verdicts = verdicts(wanted, candidates);
    let eligible = candidates.iter().zip(&verdicts).filter(|(_, verdict)| verdict.is_eligible());
    let eligible: Vec<_> = eligible.map(|(candidate, _)| candidate).collect();
    best(&eligible, wanted.work, warm).map(|(candidate, preference)| (candidate.name.clone(), preference))
}

/// Why nobody can be given such a task at this moment: every verdict in one line. Nothing where somebody can, or could
/// had they a free place.
pub fn why_nobody(wanted: &Wanted, candidates: &[Candidate]) -> Option<String> {
    let verdicts = verdicts(wanted, candidates);
    (!verdicts.iter().any(Verdict::is_at_hand)).then(|| told(&verdicts))
}

/// Why such a task waits at this moment, be it for a free place. Nothing where somebody could begin it at once.
pub fn why_waits(wanted: &Wanted, candidates: &[Candidate]) -> Option<String> {
    let verdicts = verdicts(wanted, candidates);
    (!verdicts.iter().any(Verdict::is_eligible)).then(|| told(&verdicts))
}

/// Those that have the tags and do the work, be they there or not; all where none does.
pub fn suited(wanted: &Wanted, candidates: &[Candidate]) -> Vec<Candidate> {
    let suited: Vec<_> = candidates.iter().filter(|candidate| candidate.suits(wanted)).cloned().collect();
    if suited.is_empty() { candidates.to_vec() } else { suited }
}

/// What each delegate lacks for a task, in the order of `candidates`.
///
/// Nobody backs off where nobody else is at hand: a host that one delegate alone can be asked for is asked for by it.
pub fn verdicts(wanted: &Wanted, candidates: &[Candidate]) -> Vec<Verdict> {
    let judged = |candidate: &Candidate| Verdict { delegate: candidate.name.clone(), reasons: candidate.lacks(wanted) };
    let mut verdicts: Vec<_> = candidates.iter().map(judged).collect();
    if can_be_asked(wanted, candidates) {
        for (candidate, verdict) in candidates.iter().zip(&mut verdicts) {
            verdict.reasons.extend(candidate.back_offs(wanted).cloned().map(Reason::BacksOff));
        }
    }
    verdicts
}

/// Whether anybody can be asked now, or as soon as there is a free place, who is not known to fail at the same host.
pub fn can_be_asked(wanted: &Wanted, candidates: &[Candidate]) -> bool {
    let is_free = |candidate: &Candidate| {
        candidate.back_offs(wanted).next().is_none()
            && candidate.lacks(wanted).iter().all(|reason| matches!(reason, Reason::Full { .. }))
    };
    candidates.iter().any(is_free)
}

/// What a task waited for in vain.
pub fn waited_for(wanted: &Wanted, candidates: &[Candidate]) -> Failure {
    let message = format!("no delegate could take it in time ({})", told(&verdicts(wanted, candidates)));
    Failure::new(FailureClass::NoEligibleDelegate, message)
        .with_hint("see to it that one of them is there: `suitesync delegate list`")
}

impl Candidate {
    /// Whether it has the tags and does the work, be it there or not.
    pub fn suits(&self, wanted: &Wanted) -> bool {
        !(self.is_elsewhere && wanted.host_secret.is_some())
            && self.work.contains(&wanted.work)
            && self.tags.missing(&wanted.tags).is_empty()
    }

    /// Counts one more task in its hands.
    pub fn take(&mut self, work: WorkKind) {
        match work {
            WorkKind::Run => self.runs += 1,
            WorkKind::Probe | WorkKind::Sync => self.tasks += 1,
        }
    }

    /// Every rule that it fails, whatever others there are.
    fn lacks(&self, wanted: &Wanted) -> Vec<Reason> {
        let missing = self.tags.missing(&wanted.tags).into_iter().map(|tag| Reason::MissingTag(tag.to_owned()));
        let mut reasons: Vec<_> = missing.collect();
        if !self.work.contains(&wanted.work) {
            reasons.push(Reason::DoesNot(wanted.work));
        }
        reasons.extend(wanted.host_secret.clone().filter(|_| self.is_elsewhere).map(Reason::CannotHave));
        reasons.extend(self.is_away());
        if wanted.failed.contains(&self.name) {
            reasons.push(Reason::Unconnected);
        }
        let Load { taken, of } = self.load(wanted.work);
        if taken >= of {
            reasons.push(Reason::Full { taken, of });
        }
        reasons
    }

    fn is_away(&self) -> Option<Reason> {
        match self.status {
            DelegateStatus::Connected => None,
            DelegateStatus::Starting => Some(Reason::Starting),
            DelegateStatus::Draining => Some(Reason::Draining),
            DelegateStatus::Lost => Some(Reason::Lost(self.lost.clone())),
        }
    }

    /// Those of its back-offs that are about a server of the task.
    pub fn back_offs(&self, wanted: &Wanted) -> impl Iterator<Item = &BackOff> {
        self.backs_off.iter().filter(|back_off| wanted.hosts.contains(&back_off.host))
    }

    fn load(&self, work: WorkKind) -> Load {
        match work {
            WorkKind::Run => Load { taken: self.runs, of: self.capacity },
            WorkKind::Probe | WorkKind::Sync => {
                Load { taken: self.tasks, of: self.capacity.saturating_mul(TASKS_A_PLACE) }
            }
        }
    }
}

fn nobody(wanted: &Wanted, candidates: &[Candidate], verdicts: &[Verdict]) -> Failure {
    if let Some((delegate, secret)) = verdicts.iter().find_map(Verdict::kept_apart) {
        let message = format!("{secret} cannot be had by delegate {delegate}, which is on another host");
        let hint = "declare a [secrets.NAME] here and in the delegate's file, and write { secret = \"NAME\" }";
        return Failure::new(FailureClass::SecretUnavailable, message).with_hint(hint);
    }
    let work = reason::plural(wanted.work);
    let able = candidates.iter().filter(|candidate| candidate.work.contains(&wanted.work)).count();
    if able == 0 {
        let message = format!("no delegate does {work} ({})", told(verdicts));
        let failure = Failure::new(FailureClass::NoEligibleDelegate, message);
        return match wanted.work {
            WorkKind::Run => failure.with_hint("set `runs = true` in a [[delegate]], or add one of kind \"process\""),
            WorkKind::Probe | WorkKind::Sync => failure,
        };
    }
    let that = if able < candidates.len() { format!(" that does {work}") } else { String::new() };
    let message = format!("no delegate{that} has all of the tags {} ({})", wanted.tags, told(verdicts));
    let failure = Failure::new(FailureClass::NoEligibleDelegate, message);
    match slip(wanted, candidates) {
        Some((tag, near)) => failure.with_hint(format!("was `{near}` meant where `delegate_tags` says `{tag}`?")),
        None => failure,
    }
}

/// A wanted tag that nobody has, and the one that was probably meant.
fn slip<'t>(wanted: &'t Wanted, candidates: &'t [Candidate]) -> Option<(&'t str, &'t str)> {
    let carried = || candidates.iter().flat_map(|candidate| candidate.tags.iter());
    let unknown = wanted.tags.iter().filter(|tag| !carried().any(|known| known == *tag));
    unknown.filter_map(|tag| Some((tag, nearest(tag, carried())?))).next()
}

/// Every verdict in one line.
fn told(verdicts: &[Verdict]) -> String {
    if verdicts.is_empty() {
        return "there are no delegates".to_owned();
    }
    let one = |verdict: &Verdict| {
        let reasons: Vec<_> = verdict.reasons.iter().map(ToString::to_string).collect();
        format!("{}: {}", verdict.delegate, reasons.join(", "))
    };
    verdicts.iter().map(one).collect::<Vec<_>>().join("; ")
}

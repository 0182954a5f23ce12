//! The connection test below the delegate's own steps: `dns → connect → tls → credentials → repository`, over SSH
//! with `host_key` in the place of `tls`.
//!
//! The first three are walked on a connection of their own, so that each has its time and its own failure. Over HTTP
//! the last two go the way that polls go, so that what is tested is what is used; over SSH they go on with the session
//! that was begun, as a kept one would skip what is to be tested.

use std::time::Duration;

use suitesync_contract::{Failure, FailureClass, ProbeReport, RefSpec, Scheme, Step, StepOutcome, StepReport};
use suitesync_reach::{Connected, Sent, unless_canceled};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::refs::Ref;
use crate::remote::Remote;
use crate::ssh::Ssh;
use crate::transport::Transport;

/// Walks the steps, calling back after each, up to the first that fails; the rest is `skipped`. One attempt.
///
/// The steps `delegate` and `secrets` are the caller's and not in the report.
pub async fn probe(
    remote: &Remote,
    on_step: &mut (dyn FnMut(&StepReport) + Send),
    cancel: &CancellationToken,
) -> ProbeReport {
    let mut walk = Walk { remote, on_step, cancel, steps: Vec::new(), certificate_days_left: None };
    let failure = walk.all().await.err();
    let reached = walk.steps.len();
    for step in steps(remote).into_iter().skip(reached) {
        walk.report(step, StepOutcome::Skipped, String::new(), Duration::ZERO);
    }
    ProbeReport { steps: walk.steps, failure, certificate_days_left: walk.certificate_days_left }
}

const HTTP_STEPS: [Step; 5] = [Step::Dns, Step::Connect, Step::Tls, Step::Credentials, Step::Repository];
const SSH_STEPS: [Step; 5] = [Step::Dns, Step::Connect, Step::HostKey, Step::Credentials, Step::Repository];

fn steps(remote: &Remote) -> [Step; 5] {
    match remote.transport() {
        Transport::Http(_) => HTTP_STEPS,
        Transport::Ssh(_) => SSH_STEPS,
    }
}

struct Walk<'a> {
    remote: &'a Remote,
    on_step: &'a mut (dyn FnMut(&StepReport) + Send),
    cancel: &'a CancellationToken,
    steps: Vec<StepReport>,
    certificate_days_left: Option<i64>,
}

impl Walk<'_> {
    async fn all(&mut self) -> Result<(), Failure> {
        let dial = self.remote.dial();
        let addresses = self.step(Step::Dns, dial.resolve(), |addresses| dial.resolved(addresses)).await?;
        let connected = dial.connect(&addresses);
        let connected = self.step(Step::Connect, connected, Connected::detail).await?;
        match self.remote.transport() {
            Transport::Http(_) => self.over_http(connected).await,
            Transport::Ssh(ssh) => self.over_ssh(ssh, connected).await,
        }
    }

    async fn over_http(&mut self, connected: Connected) -> Result<(), Failure> {
        let (remote, cancel) = (self.remote, self.cancel);
        if remote.url().origin().scheme == Scheme::Https {
            let handshake = remote.dial();
            let handshake = handshake.handshake(connected);
            let secured = self.step(Step::Tls, handshake, |secured| secured.detail.clone()).await?;
            self.certificate_days_left = secured.days_left;
        } else {
            drop(connected);
            self.report(Step::Tls, StepOutcome::Skipped, "plain http".to_owned(), Duration::ZERO);
        }
        self.sign_in().await?;
        self.step(Step::Repository, list(remote, cancel), |refs| described(refs)).await.map(drop)
    }

    /// All on one session of its own.
    async fn over_ssh(&mut self, ssh: &Ssh, connected: Connected) -> Result<(), Failure> {
        let (remote, cancel) = (self.remote, self.cancel);
        let greeted = self.step(Step::HostKey, ssh.greet(connected), |greeted| greeted.detail.clone()).await?;
        let signed_in = ssh.sign_in(greeted);
        let (ssh, _) = self.step(Step::Credentials, signed_in, |(_, detail)| detail.clone()).await?;
        let remote = remote.over(Transport::Ssh(ssh));
        let listed = async {
            remote.learn(cancel).await?;
            list(&remote, cancel).await
        };
        self.step(Step::Repository, listed, |refs| described(refs)).await.map(drop)
    }

    /// The first request of a remote from the start. What it says about anything but the credentials is the next
    /// step's to tell.
    async fn sign_in(&mut self) -> Result<(), Failure> {
        let start = Instant::now();
        let learnt = self.remote.learn(self.cancel).await;
        let detail = match self.remote.transport().sent() {
            Sent::Credentials => "http 200, accepted",
            Sent::NoCredentials => "http 200, none needed",
        };
        match learnt {
            Ok(_) => self.report(Step::Credentials, StepOutcome::Ok, detail.to_owned(), start.elapsed()),
            Err(failure) if is_past_sign_in(failure.class) => {
                let detail = "not rejected".to_owned();
                self.report(Step::Credentials, StepOutcome::Ok, detail, start.elapsed());
                self.report(Step::Repository, StepOutcome::Failed, failure.message.clone(), Duration::ZERO);
                return Err(failure);
            }
            Err(failure) => {
                self.report(Step::Credentials, StepOutcome::Failed, failure.message.clone(), start.elapsed());
                return Err(failure);
            }
        }
        Ok(())
    }

    async fn step<T>(
        &mut self,
        step: Step,
        work: impl Future<Output = Result<T, Failure>>,
        detail: impl FnOnce(&T) -> String,
    ) -> Result<T, Failure> {
        let start = Instant::now();
        let done = unless_canceled(self.cancel, work).await.and_then(|done| done);
        match &done {
            Ok(found) => self.report(step, StepOutcome::Ok, detail(found), start.elapsed()),
            Err(failure) => self.report(step, StepOutcome::Failed, failure.message.clone(), start.elapsed()),
        }
        done
    }

    fn report(&mut self, step: Step, outcome: StepOutcome, detail: String, took: Duration) {
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let report = StepReport { step, outcome, detail, duration_ms };
        (self.on_step)(&report);
        self.steps.push(report);
    }
}

/// Failures of a server that had let the credentials pass, or had not looked at them.
fn is_past_sign_in(class: FailureClass) -> bool {
    matches!(
        class,
        FailureClass::RepositoryNotFound
            | FailureClass::ProjectNotFound
            | FailureClass::NotGit
            | FailureClass::Protocol
    )
}

async fn list(remote: &Remote, cancel: &CancellationToken) -> Result<Vec<Ref>, Failure> {
    let head = RefSpec::Default.full_name().into_iter();
    let prefixes: Vec<_> = head.chain(["refs/heads/".to_owned()]).collect();
    remote.list(&prefixes, cancel).await
}

/// The number of branches and the default one.
fn described(refs: &[Ref]) -> String {
    let branches = refs.iter().filter(|found| found.branch().is_some()).count();
    let count = match branches {
        0 => return "an empty repository".to_owned(),
        1 => "1 branch".to_owned(),
        many => format!("{many} branches"),
    };
    let head = refs.iter().find(|found| found.name == b"HEAD").and_then(|head| head.target.as_deref());
    match head.map(|target| target.strip_prefix(b"refs/heads/").unwrap_or(target)) {
        Some(name) => format!("{count}, default {}", suitesync_reach::shown(name)),
        None => count,
    }
}

//! The connection test over SSH: every step, up to the first that fails, on a session of its own.

use suitesync_contract::{FailureClass, HostKeys, ProbeReport, Step, StepOutcome};
use suitesync_git::{Remote, probe};
use suitesync_loopback::SshKeyKind;
use suitesync_reach::TimeLimits;

use super::world::{SshWorld, as_key, key};

const STEPS: [Step; 5] = [Step::Dns, Step::Connect, Step::HostKey, Step::Credentials, Step::Repository];

async fn report(world: &SshWorld, remote: &Remote) -> ProbeReport {
    let mut seen = Vec::new();
    let report = probe(remote, &mut |step| seen.push(step.clone()), &world.cancel).await;
    assert_eq!(seen, report.steps, "every step is called back with as it is reported");
    assert_eq!(report.steps.iter().map(|step| step.step).collect::<Vec<_>>(), STEPS);
    report
}

fn check_ends_at(report: &ProbeReport, failed: Step, class: FailureClass) {
    assert_eq!(report.failure.as_ref().map(|failure| failure.class), Some(class), "{:?}", report.failure);
    let position = STEPS.iter().position(|step| *step == failed).unwrap();
    let expect = |at: usize| match at.cmp(&position) {
        std::cmp::Ordering::Less => StepOutcome::Ok,
        std::cmp::Ordering::Equal => StepOutcome::Failed,
        std::cmp::Ordering::Greater => StepOutcome::Skipped,
    };
    let outcomes: Vec<_> = report.steps.iter().map(|step| step.outcome).collect();
    assert_eq!(outcomes, (0..STEPS.len()).map(expect).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_healthy_connection_passes_every_step_with_its_details() {
    let world = SshWorld::with(|options| options.host_keys([SshKeyKind::Ed25519]), TimeLimits::default());
    let (_, host_key) = world.server.host_key_fingerprints().remove(0);
    let report = report(&world, &world.remote()).await;
    assert_eq!(report.failure, None);
    let details: Vec<_> = report.steps.iter().map(|step| step.detail.as_str()).collect();
    assert_eq!(details[..2], ["127.0.0.1", &world.server.address().to_string()]);
    assert_eq!(details[2], format!("ED25519 {host_key}, in known_hosts"));
    assert_eq!(details[3], format!("{} with key ED25519 {}", world.server.user(), world.key.fingerprint()));
    assert_eq!(details[4], "1 branch, default main");
}

#[tokio::test]
async fn a_probe_has_a_session_of_its_own_and_one_only() {
    let world = SshWorld::new();
    world.main(&world.remote()).await.unwrap();
    report(&world, &world.remote()).await;
    assert_eq!(world.server.connections(), 2);
}

#[tokio::test]
async fn a_probe_stops_at_the_first_step_that_fails() {
    let world = SshWorld::new();
    let unknown = world.remote_trusting(HostKeys::default());
    check_ends_at(&report(&world, &unknown).await, Step::HostKey, FailureClass::HostKeyUnknown);
    let stranger = world.remote_as(as_key(&key(SshKeyKind::Rsa), None));
    check_ends_at(&report(&world, &stranger).await, Step::Credentials, FailureClass::AuthRejected);
    let missing = world.remote_to("/contoso/payments/gone");
    check_ends_at(&report(&world, &missing).await, Step::Repository, FailureClass::RepositoryNotFound);
}

#[tokio::test]
async fn a_key_that_cannot_be_read_fails_at_credentials() {
    let world = SshWorld::new();
    let (private_key, passphrase) = ("hunter2".to_owned(), None);
    let remote = world.remote_as(suitesync_git::Authorization::PrivateKey { private_key, passphrase });
    check_ends_at(&report(&world, &remote).await, Step::Credentials, FailureClass::SecretUnavailable);
}

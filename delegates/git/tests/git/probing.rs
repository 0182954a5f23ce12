//! The connection test: every step, up to the first that fails.

use suitesync_contract::{FailureClass, ProbeReport, Provider, Step, StepOutcome};
use suitesync_git::{Remote, probe};
use suitesync_loopback::{Fault, IssueOptions};
use suitesync_reach::{TimeLimits, Trust};

use crate::support::{PATH, TOKEN, World, token};

async fn report(world: &World, remote: &Remote) -> ProbeReport {
    let mut seen = Vec::new();
    let report = probe(remote, &mut |step| seen.push(step.clone()), &world.cancel).await;
    assert_eq!(seen, report.steps, "every step is called back with as it is reported");
    report
}

fn outcomes(report: &ProbeReport) -> Vec<StepOutcome> {
    report.steps.iter().map(|step| step.outcome).collect()
}

/// The report ends at `failed` with `class`.
fn check_ends_at(report: &ProbeReport, failed: Step, class: FailureClass) {
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(failure.class, class, "{failure}");
    let position = report.steps.iter().position(|step| step.step == failed).unwrap();
    let expect = |at: usize| match at.cmp(&position) {
        std::cmp::Ordering::Less => StepOutcome::Ok,
        std::cmp::Ordering::Equal => StepOutcome::Failed,
        std::cmp::Ordering::Greater => StepOutcome::Skipped,
    };
    assert_eq!(outcomes(report), (0..5).map(expect).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_healthy_connection_passes_every_step_with_its_details() {
    let world = World::with_commit();
    world.repository.branch("release", "main").unwrap();
    let report = report(&world, &world.remote()).await;
    assert_eq!(report.failure, None);
    assert_eq!(outcomes(&report), [StepOutcome::Ok; 5]);
    let details: Vec<_> = report.steps.iter().map(|step| step.detail.as_str()).collect();
    assert_eq!(details[0], "127.0.0.1");
    assert_eq!(details[1], world.server.address().to_string());
    assert!(details[2].starts_with("TLS 1.3, issued by Loopback Test CA, 36"), "{}", details[2]);
    assert_eq!(details[3..], ["http 200, accepted", "2 branches, default main"]);
    assert!(report.certificate_days_left.is_some_and(|days| (360..=366).contains(&days)));
}

#[tokio::test]
async fn a_probe_stops_at_the_first_step_that_fails() {
    let world = World::impatient();
    let (url, token_of) = (world.server.url(PATH), |text| Some(token(text)));
    let at = |url: &str| world.remote_at(url, Provider::Git, token_of(TOKEN));
    let dns = report(&world, &at("https://no-such-host.invalid/a/b")).await;
    check_ends_at(&dns, Step::Dns, FailureClass::Dns);
    let untrusted = world.remote_under(&Trust::system(), &url, Provider::Git, token_of(TOKEN));
    check_ends_at(&report(&world, &untrusted).await, Step::Tls, FailureClass::TlsUntrusted);
    let rejected = world.remote_as(token_of("wrong"));
    check_ends_at(&report(&world, &rejected).await, Step::Credentials, FailureClass::AuthRejected);
    let missing = at(&world.server.url("/contoso/payments/gone"));
    check_ends_at(&report(&world, &missing).await, Step::Repository, FailureClass::RepositoryNotFound);
    world.server.set_fault("", Fault::SilentAfterAccept);
    check_ends_at(&report(&world, &at(&url)).await, Step::Tls, FailureClass::Timeout);
}

#[tokio::test]
async fn nobody_listening_fails_at_connect() {
    let world = World::impatient();
    let remote = world.remote();
    let (server, cancel) = (world.server, world.cancel);
    server.stop();
    let report = probe(&remote, &mut |_| {}, &cancel).await;
    check_ends_at(&report, Step::Connect, FailureClass::Connect);
}

#[tokio::test]
async fn an_expired_certificate_fails_at_tls() {
    let world = World::new(&IssueOptions::expired(), TimeLimits::default());
    let report = report(&world, &world.remote()).await;
    check_ends_at(&report, Step::Tls, FailureClass::TlsExpired);
}

#[tokio::test]
async fn an_empty_repository_is_a_healthy_one() {
    let world = World::empty();
    let report = report(&world, &world.remote()).await;
    assert_eq!(report.failure, None);
    assert_eq!(report.steps.last().unwrap().detail, "an empty repository");
}

#[tokio::test]
async fn a_canceled_probe_says_so() {
    let world = World::with_commit();
    world.cancel.cancel();
    let report = report(&world, &world.remote()).await;
    check_ends_at(&report, Step::Dns, FailureClass::Canceled);
}

//! What an attempt at a task says about the delegate that made it, decided from the structure of what came back.

use suitesync_contract::{Exit, Facts, Failure, FailureClass, LinkReport, ProbeReport, Step, StopReason};

/// What is learned of a delegate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// It is gone; somebody may try again.
    Lost(Failure),
    /// It could not connect to one of the task's servers, or has no secret for it; another delegate may.
    Unconnected(Failure, Server),
    /// It has reached the repository's server.
    Connected,
    /// Nothing is learned of the way.
    Silent,
}

/// Which of a task's servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    Repository,
    Api,
}

impl Attempt {
    pub fn of(result: &Result<Facts, Failure>) -> Self {
        match result {
            Err(failure) if failure.class == FailureClass::DelegateLost => Self::Lost(failure.clone()),
            Err(failure) if is_of_the_way(failure.class) => Self::Unconnected(failure.clone(), Server::Repository),
            Err(_) => Self::Silent,
            Ok(Facts::Probe(report)) => of_probe(report),
            Ok(Facts::Sync(report)) => of_links(&report.links),
            // A commit that was at hand was executed without a request.
            Ok(Facts::Run(_)) => Self::Silent,
        }
    }
}

/// Whether a delegate says that it was told to stop, of the task or of a part of it.
pub fn is_canceled(result: &Result<Facts, Failure>) -> bool {
    let is_canceled = |failure: &Failure| failure.class == FailureClass::Canceled;
    match result {
        Err(failure) => is_canceled(failure),
        Ok(Facts::Probe(report)) => report.failure.as_ref().is_some_and(is_canceled),
        Ok(Facts::Sync(report)) => report.links.iter().any(|link| link.result.as_ref().is_err_and(is_canceled)),
        Ok(Facts::Run(report)) => report.exit == Exit::Stopped(StopReason::Canceled),
    }
}

fn of_probe(report: &ProbeReport) -> Attempt {
    match &report.failure {
        None => Attempt::Connected,
        Some(failure) if is_of_the_way(failure.class) => {
            let server = if report.failed_step() == Some(Step::Api) { Server::Api } else { Server::Repository };
            Attempt::Unconnected(failure.clone(), server)
        }
        Some(_) => Attempt::Silent,
    }
}

/// One link that came to something else shows that the server was reached.
fn of_links(links: &[LinkReport]) -> Attempt {
    let failures = || links.iter().filter_map(|link| link.result.as_ref().err());
    if failures().count() < links.len() || links.is_empty() {
        return Attempt::Connected;
    }
    match failures().find(|failure| !is_of_the_way(failure.class)) {
        Some(_) => Attempt::Silent,
        None => failures()
            .next()
            .map_or(Attempt::Silent, |failure| Attempt::Unconnected(failure.clone(), Server::Repository)),
    }
}

/// Whether it is the way to the server that failed, or a secret for it that lacks: another delegate has others.
fn is_of_the_way(class: FailureClass) -> bool {
    matches!(
        class,
        FailureClass::Dns
            | FailureClass::Connect
            | FailureClass::Timeout
            | FailureClass::Proxy
            | FailureClass::ProxyAuth
            | FailureClass::TlsUntrusted
            | FailureClass::TlsExpired
            | FailureClass::TlsHostname
            | FailureClass::TlsOther
            | FailureClass::SecretUnavailable
    )
}

#[cfg(test)]
mod tests {
    use suitesync_contract::{LinkFacts, LogSummary, RunId, RunReport, StepOutcome, StepReport, SyncReport, Transfer};

    use super::*;

    const AWAY: FailureClass = FailureClass::Connect;

    fn failure(class: FailureClass) -> Failure {
        Failure::new(class, "it failed")
    }

    fn unconnected(server: Server) -> Attempt {
        Attempt::Unconnected(failure(AWAY), server)
    }

    fn probe(failed: Option<(Step, FailureClass)>) -> Result<Facts, Failure> {
        let step = |step| StepReport { outcome: StepOutcome::Failed, ..StepReport::skipped(step) };
        let steps = failed.iter().map(|(failed, _)| step(*failed)).collect();
        let failure = failed.map(|(_, class)| failure(class));
        Ok(Facts::Probe(ProbeReport { steps, failure, certificate_days_left: None }))
    }

    fn sync(links: &[Option<FailureClass>]) -> Result<Facts, Failure> {
        let unchanged = || LinkFacts::Unchanged { commit: "1".repeat(40).parse().unwrap() };
        let report = |class: &Option<FailureClass>| LinkReport {
            link: "shop".parse().unwrap(),
            revision: 1,
            result: class.map_or_else(|| Ok(unchanged()), |class| Err(failure(class))),
        };
        let links = links.iter().map(report).collect();
        Ok(Facts::Sync(SyncReport { links, transfer: Transfer::default(), mirror_rebuilt: None }))
    }

    fn check(result: Result<Facts, Failure>, expect: Attempt) {
        assert_eq!(Attempt::of(&result), expect, "{result:?}");
    }

    #[test]
    fn a_delegate_that_is_gone_and_one_that_cannot_connect_are_told_apart() {
        check(Err(failure(FailureClass::DelegateLost)), Attempt::Lost(failure(FailureClass::DelegateLost)));
        check(Err(failure(AWAY)), unconnected(Server::Repository));
        check(Err(failure(FailureClass::AuthRejected)), Attempt::Silent);
    }

    #[test]
    fn the_step_of_a_test_tells_which_server_was_not_reached() {
        check(probe(None), Attempt::Connected);
        check(probe(Some((Step::Dns, AWAY))), unconnected(Server::Repository));
        check(probe(Some((Step::Api, AWAY))), unconnected(Server::Api));
        check(probe(Some((Step::Credentials, FailureClass::AuthRejected))), Attempt::Silent);
    }

    #[test]
    fn a_sync_is_unconnected_when_every_link_of_it_is() {
        check(sync(&[Some(AWAY), Some(AWAY)]), unconnected(Server::Repository));
        check(sync(&[Some(AWAY), None]), Attempt::Connected);
        check(sync(&[Some(AWAY), Some(FailureClass::RefNotFound)]), Attempt::Silent);
        check(sync(&[]), Attempt::Connected);
    }

    fn run(exit: Exit) -> Result<Facts, Failure> {
        let log = LogSummary { written_bytes: 0, omitted_bytes: 0 };
        Ok(Facts::Run(RunReport { run: RunId(1), fence: 1, exit, results: Vec::new(), duration_ms: 1, log }))
    }

    #[test]
    fn whoever_was_told_to_stop_says_so_of_the_task_or_of_a_part_of_it() {
        const CANCELED: FailureClass = FailureClass::Canceled;
        let stopped = |reason| run(Exit::Stopped(reason));
        let of_it = [Err(failure(CANCELED)), probe(Some((Step::Dns, CANCELED))), stopped(StopReason::Canceled)];
        assert!(of_it.iter().all(is_canceled));
        assert!(is_canceled(&sync(&[None, Some(CANCELED)])));
        let others = [Err(failure(AWAY)), probe(None), sync(&[None, Some(AWAY)]), stopped(StopReason::TimeLimit)];
        assert!(!others.iter().any(is_canceled));
    }

    #[test]
    fn the_classes_of_the_way_are_those_of_reaching_a_server_and_of_having_a_secret_for_it() {
        let of_the_way: Vec<_> = FailureClass::ALL.into_iter().filter(|class| is_of_the_way(*class)).collect();
        let codes: Vec<_> = of_the_way.iter().map(|class| class.code()).collect();
        let expect = "dns connect timeout proxy proxy_auth tls_untrusted tls_expired tls_hostname tls_other \
                      secret_unavailable";
        assert_eq!(codes.join(" "), expect);
    }
}

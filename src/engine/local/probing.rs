//! Tests of connections: the delegate's own steps, then those of Git, then the provider's API.

use suitesync_azure::{Api, ApiSettings};
use suitesync_contract::{Access, ApiAccess, Failure, ProbeReport, Progress, Step, StepOutcome, StepReport};
use suitesync_reach::{Client, Route};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::keyring::Keyring;
use super::{Job, told};

impl Job<'_> {
    pub(super) async fn probe(&self) -> Result<ProbeReport, Failure> {
        let name = self.delegate.name.to_string();
        self.tell(&StepReport { step: Step::Delegate, outcome: StepOutcome::Ok, detail: name, duration_ms: 0 });
        let begun = Instant::now();
        let keyring = self.keyring().await;
        let step = |outcome, detail| StepReport { step: Step::Secrets, outcome, detail, duration_ms: millis(begun) };
        let keyring = match keyring {
            Ok(keyring) => keyring,
            Err(failure) => {
                let failed = step(StepOutcome::Failed, failure.message.clone());
                self.tell(&failed);
                return Ok(stopped_at_secrets(failed, failure, &self.access));
            }
        };
        let secrets = step(StepOutcome::Ok, self.shown_secrets());
        self.tell(&secrets);
        let Keyring { authorization, identity, proxy, api_token, hidden } = keyring;
        let client = self.client(Route { trust: self.trust()?, proxy, identity })?;
        let remote = self.remote(client.clone(), authorization)?;
        let clean = |step: &StepReport| StepReport { detail: hidden.clean(&step.detail), ..step.clone() };
        let mut on_step = |step: &StepReport| self.tell(&clean(step));
        let mut report = suitesync_git::probe(&remote, &mut on_step, &self.cancel).await;
        if let (Some(api), Some(token)) = (&self.access.api, api_token) {
            let asked =
                if report.failure.is_none() { self.ask_api(client, api, token).await } else { Asked::default() };
            on_step(&asked.step);
            report.steps.push(asked.step);
            report.failure = report.failure.or(asked.failure);
        }
        let steps = std::iter::once(secrets).chain(report.steps.iter().map(clean)).collect();
        let failure = report.failure.map(|failure| told(failure, &hidden));
        Ok(ProbeReport { steps, failure, certificate_days_left: report.certificate_days_left })
    }

    fn tell(&self, step: &StepReport) {
        (self.progress)(Progress::Step(step.clone()));
    }

    async fn ask_api(&self, client: Client, api: &ApiAccess, token: Zeroizing<String>) -> Asked {
        let begun = Instant::now();
        let settings = ApiSettings {
            url: api.url.clone(),
            token,
            repository: self.access.url.clone(),
            allow_plain_http: self.access.allow_plain_http,
            delegate: self.delegate.name.clone(),
        };
        let asked = match Api::new(client, settings) {
            Ok(api) => api.with_servers(&self.delegate.workshop.servers).probe(&self.cancel).await,
            Err(failure) => Err(failure),
        };
        let (outcome, detail, failure) = match asked {
            Ok(report) => (StepOutcome::Ok, report.detail, None),
            Err(failure) => (StepOutcome::Failed, failure.message.clone(), Some(failure)),
        };
        Asked { step: StepReport { step: Step::Api, outcome, detail, duration_ms: millis(begun) }, failure }
    }

    /// Where the secrets come from, never what they are.
    fn shown_secrets(&self) -> String {
        let mut shown: Vec<_> = self.access.secrets().map(ToString::to_string).collect();
        shown.dedup();
        if shown.is_empty() { "none needed".to_owned() } else { shown.join(", ") }
    }
}

/// The answer of a provider's API.
struct Asked {
    step: StepReport,
    failure: Option<Failure>,
}

impl Default for Asked {
    /// Nobody was asked.
    fn default() -> Self {
        Self { step: StepReport::skipped(Step::Api), failure: None }
    }
}

fn millis(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn stopped_at_secrets(failed: StepReport, failure: Failure, access: &Access) -> ProbeReport {
    let after = access.steps().into_iter().skip_while(|step| *step != Step::Secrets).skip(1);
    let steps = std::iter::once(failed).chain(after.map(StepReport::skipped)).collect();
    ProbeReport { steps, failure: Some(failure), certificate_days_left: None }
}

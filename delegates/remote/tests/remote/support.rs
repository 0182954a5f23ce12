//! A site: a NATS of its own, an agent's fleet and delegates with executors that do what a test tells them to.

mod executors;
mod relay;
mod tasks;
mod under_way;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use suitesync_contract::DelegateName;
use suitesync_contract::rpc::WorkKind;
use suitesync_loopback::{NatsOptions, NatsServer};
use suitesync_remote::{
    BusSettings, Executor, Fleet, FleetSettings, Guard, Login, MemberStatus, Notice, Offer, Refusal, Station,
    StationSettings,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) use executors::{Gate, answering, counting, gated, stubborn};
pub(crate) use relay::Relay;
pub(crate) use tasks::{access, probe, probe_report, run, run_report, sync, sync_report};
pub(crate) use under_way::{begin, begun, both_begun, both_done, carry, keeping};

/// The longest that anything may take in a test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

pub(crate) struct Site {
    pub(crate) nats: NatsServer,
    pub(crate) notices: Arc<Mutex<Vec<Notice>>>,
    folder: TempDir,
}

/// A delegate that serves, on threads of its own: it can be killed without anybody's help.
pub(crate) struct Serving {
    pub(crate) station: Arc<Station>,
    pub(crate) stop: CancellationToken,
    serving: Option<JoinHandle<()>>,
    runtime: Option<Runtime>,
}

impl Serving {
    /// Ends it as it should be ended.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        self.serving.take().unwrap().await.unwrap();
    }

    /// Ends it as if it were killed: nothing more comes from it, and nothing of it is left.
    pub(crate) async fn kill(mut self) {
        let runtime = self.runtime.take().unwrap();
        tokio::task::spawn_blocking(move || runtime.shutdown_timeout(PATIENCE)).await.unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub(crate) fn name(text: &str) -> DelegateName {
    text.parse().unwrap()
}

/// Whom nobody is trusted by: for connections without TLS.
pub(crate) fn no_tls() -> rustls::ClientConfig {
    trusting(rustls::RootCertStore::empty())
}

pub(crate) fn trusting(roots: rustls::RootCertStore) -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    versions.with_root_certificates(roots).with_no_client_auth()
}

pub(crate) fn bus(url: String) -> BusSettings {
    BusSettings { url, login: Login::Nobody, tls: no_tls() }
}

pub(crate) fn offer() -> Offer {
    Offer {
        tags: ["linux"].into_iter().collect(),
        capacity: 4,
        work: vec![WorkKind::Probe, WorkKind::Sync, WorkKind::Run],
        program: "test 1.0".to_owned(),
        guard: Guard { executes_runs: true, ..Guard::default() },
    }
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(&NatsOptions::default())
    }

    pub(crate) fn with(options: &NatsOptions) -> Self {
        let nats = NatsServer::start(options).unwrap();
        Self { nats, notices: Arc::default(), folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn bus(&self) -> BusSettings {
        bus(self.nats.url())
    }

    pub(crate) fn settings(&self) -> FleetSettings {
        let notices = Arc::clone(&self.notices);
        FleetSettings {
            agent: name("agent.example"),
            admission: Arc::new(|delegate| (delegate.as_str() == "stranger").then_some(Refusal::NotAccepted)),
            notice: Arc::new(move |notice| notices.lock().unwrap().push(notice)),
        }
    }

    pub(crate) fn fleet(&self) -> Fleet {
        Fleet::begin(self.bus(), self.settings())
    }

    pub(crate) fn journal(&self, delegate: &str) -> PathBuf {
        self.folder.path().join(delegate)
    }

    pub(crate) fn station(&self, delegate: &str, executor: Arc<dyn Executor>) -> Serving {
        self.station_over(self.bus(), delegate, executor)
    }

    /// An agent's fleet and a delegate `dc1` that has come to it.
    pub(crate) async fn pair(&self, executor: Arc<dyn Executor>) -> (Arc<Fleet>, Serving) {
        self.pair_over(self.bus(), executor).await
    }

    /// The same with a delegate that has another way to NATS.
    pub(crate) async fn pair_over(&self, bus: BusSettings, executor: Arc<dyn Executor>) -> (Arc<Fleet>, Serving) {
        let (fleet, station) = (Arc::new(self.fleet()), self.station_over(bus, "dc1", executor));
        connected(&fleet, "dc1").await;
        (fleet, station)
    }

    pub(crate) fn station_over(&self, bus: BusSettings, delegate: &str, executor: Arc<dyn Executor>) -> Serving {
        serve(bus, delegate, &self.journal(delegate), executor)
    }
}

pub(crate) fn serve(bus: BusSettings, delegate: &str, journal: &Path, executor: Arc<dyn Executor>) -> Serving {
    let settings = StationSettings {
        name: name(delegate),
        agent: name("agent.example"),
        offer: offer(),
        journal: journal.to_owned(),
        grace: Duration::from_secs(2),
    };
    let station = Arc::new(Station::new(bus, settings, executor).unwrap());
    let stop = CancellationToken::new();
    let (serves, until) = (Arc::clone(&station), stop.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let serving = runtime.spawn(async move { serves.serve(until).await });
    Serving { station, stop, serving: Some(serving), runtime: Some(runtime) }
}

/// Waits until a delegate is as wanted.
pub(crate) async fn until(fleet: &Fleet, delegate: &str, is_so: impl Fn(&MemberStatus) -> bool) {
    let (mut members, delegate) = (fleet.members(), name(delegate));
    let seen = members.wait_for(|members| members.get(&delegate).is_some_and(|member| is_so(&member.status)));
    tokio::time::timeout(PATIENCE, seen).await.expect("the delegate is not as wanted in time").unwrap();
}

pub(crate) async fn connected(fleet: &Fleet, delegate: &str) {
    until(fleet, delegate, |status| *status == MemberStatus::Connected).await;
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let looked = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looked).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

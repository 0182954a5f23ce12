//! Somebody who speaks in the agent's name and asks for more than the delegate's file allows.

use std::sync::Arc;

use suitesync::config::{Environment, RemoteConfig, RemoteLogin, Secrets};
use suitesync::engine::remote::bus_settings;
use suitesync_contract::{
    Access, Credentials, EnvironmentValue, Failure, FailureClass, HostKeys, ObjectId, ProbeTask, Provider, RepoUrl,
    RunId, RunTask, SecretRef, Task, TaskId, Work,
};
use suitesync_loopback::{RawAnswer, RawServer};
use suitesync_remote::{Fleet, FleetSettings, MemberStatus};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::support::nats::Nats;
use crate::support::{PATIENCE, Site, TOKEN};

/// The agent's login in the hands of somebody else.
struct Intruder {
    fleet: Fleet,
}

impl Intruder {
    /// Waits until the delegate `dc1` is there.
    async fn new(site: &Site, nats: &Nats) -> Self {
        let remote = RemoteConfig {
            url: nats.url(),
            login: Some(RemoteLogin::NKey(SecretRef::File(site.path("agent.nk").display().to_string()))),
            accept: vec!["*".to_owned()],
            additional_certs: Some(suitesync::config::Certificates {
                path: site.path("nats-ca.pem"),
                pem: std::fs::read_to_string(site.path("nats-ca.pem")).unwrap(),
            }),
        };
        let secrets = Secrets::new(Default::default(), Environment::of([("", ""); 0]));
        let settings =
            FleetSettings { agent: "test".parse().unwrap(), admission: Arc::new(|_| None), notice: Arc::new(drop) };
        let fleet = Fleet::begin(bus_settings(&remote, &secrets).unwrap(), settings);
        let mut members = fleet.members();
        let there = members.wait_for(|members| {
            members.values().any(|member| member.name.as_str() == "dc1" && member.status == MemberStatus::Connected)
        });
        tokio::time::timeout(PATIENCE, there).await.unwrap().unwrap();
        Self { fleet }
    }

    async fn ask(&self, access: Access, work: Work) -> Failure {
        let task = Task { id: TaskId(1), time_limit_ms: 30_000, access, work };
        let (dc1, cancel) = ("dc1".parse().unwrap(), CancellationToken::new());
        let asked = self.fleet.carry_out(&dc1, task, Arc::new(drop), cancel);
        tokio::time::timeout(PATIENCE, asked).await.unwrap().unwrap_err()
    }

    async fn check_refused(&self, access: Access, work: Work) {
        let failure = self.ask(access, work).await;
        assert_eq!(failure.class, FailureClass::SecretUnavailable, "{failure}");
        assert!(!failure.message.contains(TOKEN) && !failure.hint.contains(TOKEN));
    }
}

fn access(url: &str, password: SecretRef) -> Access {
    Access {
        connection: "server".parse().unwrap(),
        url: RepoUrl::parse(url, Provider::Git).unwrap().repository,
        credentials: Some(Credentials::Basic { username: String::new(), password }),
        host_keys: HostKeys::default(),
        client_certificate: None,
        additional_certs: None,
        allow_plain_http: true,
        api: None,
    }
}

fn token() -> SecretRef {
    SecretRef::Secret("token".parse().unwrap())
}

fn probe() -> Work {
    Work::Probe(ProbeTask { revision: 1 })
}

/// A run that prints a secret which is none of its business.
fn run(commit: ObjectId) -> Work {
    Work::Run(RunTask {
        run: RunId(1),
        fence: 1,
        link: "shop".parse().unwrap(),
        commit,
        root: String::new(),
        suite: "Smoke".to_owned(),
        command: ["/bin/sh", "-c", "echo $TOKEN"].map(str::to_owned).to_vec(),
        environment: [("TOKEN".to_owned(), EnvironmentValue::Secret(token()))].into(),
        results: Vec::new(),
        timeout_ms: 10_000,
    })
}

#[test]
fn an_agent_gets_no_secret_to_another_host_and_has_nothing_read_on_the_delegates() {
    let (site, _, commit) = Site::with_shop();
    let nats = Nats::start(&site);
    let _station = site.station(&nats, "dc1");
    let canary = RawServer::start(RawAnswer::http()).unwrap();
    let elsewhere = format!("http://127.0.0.1:{}/x", canary.address().port());
    let here = site.server.url("/shop.git");
    let touched = site.path("touched");
    let command = SecretRef::Command(vec!["/usr/bin/touch".to_owned(), touched.display().to_string()]);
    Runtime::new().unwrap().block_on(async {
        let intruder = Intruder::new(&site, &nats).await;
        intruder.check_refused(access(&elsewhere, token()), probe()).await;
        intruder.check_refused(access(&here, SecretRef::Env("ELSEWHERE".to_owned())), probe()).await;
        intruder.check_refused(access(&here, SecretRef::File("/etc/passwd".to_owned())), probe()).await;
        intruder.check_refused(access(&here, command), probe()).await;
        intruder.check_refused(access(&here, token()), run(commit.parse().unwrap())).await;
    });
    assert!(!touched.exists());
    assert_eq!((canary.connections(), site.server.request_count()), (0, 0));
    let log = std::fs::read_to_string(site.path("dc1.log")).unwrap();
    assert!(!log.contains(TOKEN), "{log}");
    assert_eq!(log.matches("a task is refused: ").count(), 5, "{log}");
}

//! Tasks to a delegate on another host and their outcomes back, over NATS, beside the two messages that each of them is made
//! of: stored on the disk, pulled and acknowledged through the same server, and nothing more.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::stream::{Config, RetentionPolicy};
use async_nats::jetstream::{self, Message};
use futures_util::{StreamExt, TryStreamExt, stream};
use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{
    Access, Facts, Failure, HostKeys, ProbeReport, ProbeTask, Provider, RepoUrl, Tags, Task, TaskId, Work,
};
use suitesync_loopback::{NatsOptions, NatsServer};
use suitesync_reach::Trust;
use suitesync_remote::{
    BusSettings, Executor, Fleet, FleetSettings, Guard, Login, MemberStatus, Offer, ProgressSink, Station,
    StationSettings,
};
use tokio_util::sync::CancellationToken;

use crate::site::Site;
use crate::table::{Amount, Budget, Line};

const TASKS: u64 = 4_000;
const AT_ONCE: usize = 256;
const PART_OF_PEER: f64 = 0.5;
const PEER: &str = "two bare messages";

pub(crate) fn measure(site: &Site) -> anyhow::Result<Vec<Line>> {
    let nats = NatsServer::start(&NatsOptions::default()).context("`./dev bench` installs nats-server")?;
    let runtime = tokio::runtime::Runtime::new()?;
    let message = runtime.block_on(bare(nats.url()))? / u32::try_from(TASKS)?;
    let task = runtime.block_on(carried(&nats, &site.path("remote-journal")))? / u32::try_from(TASKS)?;
    let rate = |each: Duration| Amount::TasksPerSecond(1.0 / each.as_secs_f64());
    let line =
        Line::new(format!("tasks that do nothing, {AT_ONCE} at once"), rate(task), Budget::AtLeastOfPeer(PART_OF_PEER));
    Ok(vec![line.beside(PEER, rate(message * 2))])
}

fn task(id: u64) -> anyhow::Result<Task> {
    let access = Access {
        connection: "loopback".parse()?,
        url: RepoUrl::parse("https://localhost/shop", Provider::Git)?.repository,
        credentials: None,
        host_keys: HostKeys::default(),
        client_certificate: None,
        additional_certs: None,
        allow_plain_http: false,
        api: None,
    };
    Ok(Task { id: TaskId(id), time_limit_ms: 60_000, access, work: Work::Probe(ProbeTask { revision: 1 }) })
}

/// As many messages as tasks, of a task's size.
async fn bare(url: String) -> anyhow::Result<Duration> {
    let jetstream = jetstream::new(async_nats::connect(url).await?);
    let (name, subjects) = ("bare".to_owned(), vec!["bare".to_owned()]);
    let config = Config { name, subjects, retention: RetentionPolicy::WorkQueue, ..Config::default() };
    let stream = jetstream.create_stream(config).await?;
    let config = pull::Config { ack_policy: AckPolicy::Explicit, max_ack_pending: -1, ..pull::Config::default() };
    let messages = stream.create_consumer(config).await?.messages().await?;
    let body = bytes::Bytes::from(serde_json::to_vec(&task(1)?)?);
    let begun = Instant::now();
    let stored = stream::iter(0..TASKS).map(Ok).try_for_each_concurrent(AT_ONCE, |_| async {
        jetstream.publish("bare", body.clone()).await?.await?;
        anyhow::Ok(())
    });
    let acknowledge = |message: Message| async move { message.double_ack().await.map_err(anyhow::Error::from_boxed) };
    let taken = messages.take(usize::try_from(TASKS)?).map_err(anyhow::Error::from);
    tokio::try_join!(stored, taken.try_for_each_concurrent(AT_ONCE, acknowledge))?;
    Ok(begun.elapsed())
}

/// Has nothing to do.
struct Idler;

impl Executor for Idler {
    fn carry_out(
        &self,
        _: Task,
        _: ProgressSink,
        _: CancellationToken,
    ) -> Pin<Box<dyn Future<Output = Result<Facts, Failure>> + Send + '_>> {
        let report = ProbeReport { steps: Vec::new(), failure: None, certificate_days_left: None };
        Box::pin(std::future::ready(Ok(Facts::Probe(report))))
    }
}

async fn carried(nats: &NatsServer, journal: &Path) -> anyhow::Result<Duration> {
    let bus = BusSettings { url: nats.url(), login: Login::Nobody, tls: Trust::system().client_config()? };
    let settings = FleetSettings { agent: "bench".parse()?, admission: Arc::new(|_| None), notice: Arc::new(drop) };
    let fleet = Fleet::begin(bus.clone(), settings);
    let capacity = u32::try_from(AT_ONCE)?;
    let guard = Guard { secrets: BTreeMap::new(), executes_runs: false };
    let offer =
        Offer { tags: Tags::default(), capacity, work: vec![WorkKind::Probe], program: "bench".to_owned(), guard };
    let (name, agent, grace) = ("idler".parse()?, "bench".parse()?, Duration::from_secs(1));
    let settings = StationSettings { name, agent, offer, journal: journal.to_owned(), grace };
    let station = Station::new(bus, settings, Arc::new(Idler))?;
    let stop = CancellationToken::new();
    let asked = async {
        let mut members = fleet.members();
        members.wait_for(|members| members.values().any(|member| member.status == MemberStatus::Connected)).await?;
        let begun = Instant::now();
        stream::iter(0..TASKS).map(Ok).try_for_each_concurrent(AT_ONCE, |id| ask(&fleet, id)).await?;
        stop.cancel();
        anyhow::Ok(begun.elapsed())
    };
    let (took, ()) = tokio::join!(asked, station.serve(stop.clone()));
    took
}

async fn ask(fleet: &Fleet, id: u64) -> anyhow::Result<()> {
    fleet.carry_out(&"idler".parse()?, task(id)?, Arc::new(drop), CancellationToken::new()).await?;
    Ok(())
}

//! The worker: carries out one order after the other from standard input and answers what each cost.

mod blobs;
mod hiring;

use std::io::{self, BufRead, Write};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use suitesync::engine::delegate::Delegate;
use suitesync::engine::local::LocalDelegate;
use suitesync_contract::{Facts, Failure, FailureClass, LinkFacts, ObjectId, Progress};
use suitesync_loopback::clean_git;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::measuring::{Answer, Cost, Knowing, Link, Order, Terms};

/// A pack that has come so far is in the midst of it.
const UNDER_WAY: u64 = 1 << 20;
/// Far more than anything here takes.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Serves until the input ends.
pub(crate) fn serve() -> anyhow::Result<()> {
    let mut lines = io::stdin().lock().lines();
    let terms = serde_json::from_str(&lines.next().context("there are no terms")??)?;
    let mut bench = Bench { terms, runtime: Builder::new_multi_thread().enable_all().build()?, delegate: None };
    for line in lines {
        let answer: Answer = bench.carry_out(serde_json::from_str(&line?)?).map_err(|error| format!("{error:#}"));
        writeln!(io::stdout(), "{}", serde_json::to_string(&answer)?)?;
    }
    Ok(())
}

struct Bench {
    terms: Terms,
    runtime: Runtime,
    delegate: Option<Arc<LocalDelegate>>,
}

impl Bench {
    fn carry_out(&mut self, order: Order) -> anyhow::Result<Cost> {
        match order {
            Order::Hire { folder } => {
                self.delegate = Some(Arc::new(hiring::hire(&self.terms, &folder)?));
                Ok(Cost::default())
            }
            Order::Sync { links, times } => self.sync(&links, times),
            Order::Cancel { link } => self.cancel(&link),
            Order::Git { invocations, times } => self.git(&invocations, times),
            Order::ReadBlobs { folder, link, commit, knowing } => {
                let mirror = self.runtime.block_on(blobs::open_mirror(&folder, &link))?;
                let wanted = blobs::wanted(&mirror, &link, commit)?;
                measured(UsageWho::RUSAGE_SELF, || {
                    let files = match knowing {
                        Knowing::Commit => blobs::find_and_read(mirror.path(), commit, wanted)?,
                        Knowing::Ids => blobs::read(mirror.path(), &wanted)?,
                    };
                    Ok(Found { commit: Some(commit), files })
                })
            }
        }
    }

    /// Syncs as the agent does: on a thread of the runtime, by a task of its own each time.
    fn sync(&self, links: &[Link], times: u32) -> anyhow::Result<Cost> {
        let delegate = self.delegate()?;
        let tasks = links.iter().map(|link| hiring::sync_task(&self.terms, link)).collect::<Result<Vec<_>, _>>()?;
        measured(UsageWho::RUSAGE_SELF, || {
            let work = async move {
                let mut found = Found::default();
                for task in std::iter::repeat_n(&tasks, times as usize).flatten() {
                    let outcome = delegate.carry_out(task.clone(), Arc::new(|_| ()), CancellationToken::new()).await;
                    found = Found::of(outcome.result)?;
                }
                anyhow::Ok(found)
            };
            self.runtime.block_on(self.runtime.spawn(work))?
        })
    }

    /// The wall of it is from the cancellation on.
    fn cancel(&self, link: &Link) -> anyhow::Result<Cost> {
        let (delegate, task) = (self.delegate()?, hiring::sync_task(&self.terms, link)?);
        let (under_way, cancel) = (Arc::new(Notify::new()), CancellationToken::new());
        let (told, canceled) = (Arc::clone(&under_way), cancel.clone());
        let sink = Arc::new(move |progress| {
            if matches!(progress, Progress::Received { bytes } if bytes >= UNDER_WAY) {
                told.notify_one();
            }
        });
        self.runtime.block_on(async {
            let carrying = self.runtime.spawn(async move { delegate.carry_out(task, sink, canceled).await });
            tokio::time::timeout(TIME_LIMIT, under_way.notified()).await.context("no pack came")?;
            let began = Instant::now();
            cancel.cancel();
            let outcome = carrying.await?;
            let wall = began.elapsed();
            ensure!(is_canceled(&outcome.result), "it ended otherwise: {:?}", outcome.result);
            Ok(Cost { wall, ..Cost::default() })
        })
    }

    fn delegate(&self) -> anyhow::Result<Arc<LocalDelegate>> {
        Ok(Arc::clone(self.delegate.as_ref().context("no delegate was hired")?))
    }

    fn git(&self, invocations: &[Vec<String>], times: u32) -> anyhow::Result<Cost> {
        measured(UsageWho::RUSAGE_CHILDREN, || {
            for _ in 0..times {
                invocations.iter().try_for_each(|arguments| self.run_git(arguments))?;
            }
            Ok(Found::default())
        })
    }

    /// Git with one certificate to read and no clean-up of its own, which is the cheapest that it can be.
    fn run_git(&self, arguments: &[String]) -> anyhow::Result<()> {
        let authority = self.terms.authority.display().to_string();
        let no_certificates = self.terms.empty_folder.display().to_string();
        let header = format!("Authorization: Basic {}", STANDARD.encode(format!(":{}", self.terms.token)));
        let settings = [
            ("http.sslCAInfo", authority.as_str()),
            ("http.sslCAPath", &no_certificates),
            ("http.extraHeader", &header),
            ("gc.auto", "0"),
            ("maintenance.auto", "false"),
            ("safe.bareRepository", "all"),
        ];
        let mut command = clean_git();
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (index, (key, value)) in settings.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{index}"), key).env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        let output = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).output()?;
        if !output.status.success() {
            bail!("git {} ended with {}: {}", arguments.join(" "), output.status, output.stderr.escape_ascii());
        }
        Ok(())
    }
}

/// What the last sync of an order found.
#[derive(Debug, Default)]
struct Found {
    commit: Option<ObjectId>,
    files: u64,
}

impl Found {
    fn of(result: Result<Facts, Failure>) -> anyhow::Result<Self> {
        let failed = |failure: Failure| anyhow!("{}: {}", failure.class.code(), failure.message);
        let Facts::Sync(report) = result.map_err(failed)? else { bail!("it was no sync") };
        let link = report.links.into_iter().next().context("the report names no link")?;
        Ok(match link.result.map_err(failed)? {
            LinkFacts::Unchanged { commit } => Self { commit: Some(commit), files: 0 },
            LinkFacts::Found { commit, parsed, .. } => Self { commit, files: parsed },
        })
    }
}

fn is_canceled(result: &Result<Facts, Failure>) -> bool {
    let mut failures = match result {
        Ok(Facts::Sync(report)) => report.links.iter().filter_map(|link| link.result.as_ref().err()).collect(),
        Ok(Facts::Probe(_) | Facts::Run(_)) => Vec::new(),
        Err(failure) => vec![failure],
    };
    failures.retain(|failure| failure.class == FailureClass::Canceled);
    !failures.is_empty()
}

fn measured(whose: UsageWho, work: impl FnOnce() -> anyhow::Result<Found>) -> anyhow::Result<Cost> {
    let (cpu_before, began) = (processor_time(whose)?, Instant::now());
    let Found { commit, files } = work()?;
    let wall = began.elapsed();
    let cpu = processor_time(whose)?.saturating_sub(cpu_before);
    Ok(Cost { cpu, wall, commit, files, ..Cost::default() })
}

/// User and system time so far.
fn processor_time(whose: UsageWho) -> anyhow::Result<Duration> {
    let usage = getrusage(whose)?;
    let microseconds = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(u64::try_from(microseconds)?))
}

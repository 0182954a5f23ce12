//! The worker: carries out one order after the other from standard input and answers what each cost.

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use suitesync::config::{Certificates, DelegateConfig, Environment, Secrets};
use suitesync::engine::delegate::Delegate;
use suitesync::engine::local::{LocalDelegate, Workshop};
use suitesync_contract::{
    Access, Credentials, DelegateName, Facts, HostKeys, LinkFacts, LinkView, ObjectId, Provider, RefSpec, RepoUrl,
    SecretRef, SyncTask, Tags, Task, TaskId, Work,
};
use suitesync_git::Mirrors;
use suitesync_loopback::clean_git;
use suitesync_suites::files_to_parse;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::measuring::{Answer, Cost, Link, Order, Terms};

/// Where the delegate looks for the token, in an environment made for it.
const TOKEN_VARIABLE: &str = "TOKEN";
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
                self.delegate = Some(Arc::new(hire(&self.terms, &folder)?));
                Ok(Cost::default())
            }
            Order::Sync { link, times } => self.sync(&link, times),
            Order::Git { invocations, times } => self.git(&invocations, times),
            Order::ReadBlobs { folder, link, commit } => self.read_blobs(&folder, &link, commit),
        }
    }

    /// Syncs as the agent does: on a thread of the runtime, by a task of its own each time.
    fn sync(&self, link: &Link, times: u32) -> anyhow::Result<Cost> {
        let delegate = Arc::clone(self.delegate.as_ref().context("no delegate was hired")?);
        let task = sync_task(link)?;
        measured(UsageWho::RUSAGE_SELF, || {
            let work = async move {
                let mut found = Found::default();
                for _ in 0..times {
                    let outcome = delegate.carry_out(task.clone(), Arc::new(|_| ()), CancellationToken::new()).await;
                    found = Found::of(outcome.result)?;
                }
                anyhow::Ok(found)
            };
            self.runtime.block_on(self.runtime.spawn(work))?
        })
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

    fn read_blobs(&self, folder: &Path, link: &Link, commit: ObjectId) -> anyhow::Result<Cost> {
        let mirrors = Mirrors::new(folder.join("mirrors"), delegate_name()?);
        let (connection, url, cancel) = ("bench".parse()?, repository(link)?, CancellationToken::new());
        let mirror = self
            .runtime
            .block_on(mirrors.open(&connection, &url, &cancel))
            .map_err(|failure| anyhow!(failure.message))?;
        let entries = mirror.snapshot(commit).map_err(|failure| anyhow!(failure.message))?;
        let files = files_to_parse(&entries, &link.directory);
        // As libgit2 comes: the mirror's own setting is the process's, and this process does nothing else.
        git2::opts::strict_hash_verification(true);
        measured(UsageWho::RUSAGE_SELF, || {
            let repository = git2::Repository::open_bare(mirror.path())?;
            let odb = repository.odb()?;
            let mut bytes = 0;
            for file in &files {
                bytes += odb.read(git2::Oid::from_bytes(file.blob.as_bytes())?)?.len();
            }
            std::hint::black_box(bytes);
            Ok(Found { commit: Some(commit), files: files.len() as u64 })
        })
    }
}

/// What the last sync of an order found.
#[derive(Debug, Default)]
struct Found {
    commit: Option<ObjectId>,
    files: u64,
}

impl Found {
    fn of(result: Result<Facts, suitesync_contract::Failure>) -> anyhow::Result<Self> {
        let failed = |failure: suitesync_contract::Failure| anyhow!("{}: {}", failure.class.code(), failure.message);
        let Facts::Sync(report) = result.map_err(failed)? else { bail!("it was no sync") };
        let link = report.links.into_iter().next().context("the report names no link")?;
        Ok(match link.result.map_err(failed)? {
            LinkFacts::Unchanged { commit } => Self { commit: Some(commit), files: 0 },
            LinkFacts::Found { commit, parsed, .. } => Self { commit, files: parsed },
        })
    }
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

fn hire(terms: &Terms, folder: &Path) -> anyhow::Result<LocalDelegate> {
    let authority = Certificates { path: terms.authority.clone(), pem: std::fs::read_to_string(&terms.authority)? };
    let config = DelegateConfig {
        name: delegate_name()?,
        tags: Tags::default(),
        capacity: 1,
        additional_certs: Some(authority),
        proxy: None,
        no_proxy: Vec::new(),
    };
    let environment = Environment::of([(TOKEN_VARIABLE, terms.token.as_str())]);
    let secrets = Arc::new(ArcSwap::from_pointee(Secrets::new(Default::default(), environment)));
    Ok(LocalDelegate::new(&config, 4, Arc::new(Workshop::open(folder, secrets)?)))
}

fn delegate_name() -> anyhow::Result<DelegateName> {
    Ok("bench".parse()?)
}

fn repository(link: &Link) -> anyhow::Result<RepoUrl> {
    Ok(RepoUrl::parse(&link.url, Provider::Git)?.repository)
}

fn sync_task(link: &Link) -> anyhow::Result<Task> {
    let credentials =
        Credentials::Basic { username: String::new(), password: SecretRef::Env(TOKEN_VARIABLE.to_owned()) };
    let access = Access {
        connection: "bench".parse()?,
        url: repository(link)?,
        credentials: Some(credentials),
        host_keys: HostKeys::default(),
        client_certificate: None,
        additional_certs: None,
        allow_plain_http: false,
        api: None,
    };
    let view = LinkView {
        link: "bench".parse()?,
        revision: 0,
        reference: RefSpec::Branch("main".to_owned()),
        directory: link.directory.clone(),
        known: link.known,
    };
    let time_limit_ms = u64::try_from(TIME_LIMIT.as_millis())?;
    Ok(Task { id: TaskId(1), time_limit_ms, access, work: Work::Sync(SyncTask { links: vec![view] }) })
}

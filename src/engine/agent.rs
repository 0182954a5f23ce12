//! The actor: owns the plan, and does one thing at a time as commands, returned tasks, records and due times come in.

mod attending;
mod configuring;
mod draining;
mod explaining;
mod operating;
mod placing;
mod running;
mod scheduling;
mod syncing;
mod testing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta, Utc};
use suitesync_contract::{DelegateName, Progress, RunId, TaskId};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::control::{AgentState, Command, Control};
use super::delegate::{Delegate, Standing};
use super::dispatcher::{Dispatcher, Ended, Returned};
use super::plan::{Job, Plan, Purpose};
use super::remote::{Members, RemoteDelegates};
use super::run_logs::RunLogs;
use super::work::Update;
use crate::catalog::{Catalog, CatalogError, audit, connection, delegate, report_write};
use crate::config::Config;
use crate::config::Diagnostic;
use crate::config::Secrets;
use crate::domain::event::{Event, EventName};

/// Commands that may wait; each takes the actor microseconds.
const WAITING_COMMANDS: usize = 64;

/// How often old ones are looked for.
const FORGET_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Makes the delegates that a configuration asks for.
pub(crate) type Hire = Box<dyn Fn(&Config) -> Vec<Arc<dyn Delegate>> + Send + Sync>;

/// What the actor needs from outside.
pub(crate) struct Parts {
    pub catalog: Catalog,
    pub config: Config,
    pub content_hash: String,
    /// Shared with delegates in this process, which resolve secrets when they need them.
    pub secrets: Arc<ArcSwap<Secrets>>,
    pub hire: Hire,
    /// The delegates of other hosts, where there is a way to them.
    pub remote: Option<Arc<RemoteDelegates>>,
    pub logs: RunLogs,
    pub stop: CancellationToken,
    pub tracker: TaskTracker,
}

/// What the actor's own tasks tell it.
enum Note {
    Progress(TaskId, Progress),
    Tested(Box<testing::RecordedTest>),
    Synced(syncing::RecordedSync),
    FallenDue(scheduling::FallenDue),
    NotFallenDue(scheduling::Unrecorded),
    /// A run that went on elsewhere while the agent was away is over.
    Resumed(Box<running::ResumedRun>),
    /// A run that nobody has begun is handed out anew, for another delegate.
    HandedOut(Box<placing::HandedOut>),
    /// Whoever asked for a task waits no longer for a delegate.
    WaitedInVain(TaskId),
    Standing(DelegateName, Standing),
    Members(Members),
    /// What was found of runs that may have begun elsewhere before the agent started.
    Left(running::Left),
    /// Delegates on other hosts were met for the first time.
    AllKnown,
}

pub(crate) struct Agent {
    catalog: Catalog,
    config: Arc<Config>,
    started_with: Arc<Config>,
    content_hash: String,
    generation: u64,
    started_at: DateTime<Utc>,
    slot_watch: scheduling::SlotWatch,
    configured_at: DateTime<Utc>,
    rejected: Vec<Diagnostic>,
    secrets: Arc<ArcSwap<Secrets>>,
    hire: Hire,
    plan: Plan,
    dispatcher: Dispatcher,
    /// Delegates that are watched.
    attended: HashMap<DelegateName, attending::Attended>,
    /// Those of other hosts.
    remote: Option<Arc<RemoteDelegates>>,
    under_way: HashMap<TaskId, Purpose>,
    /// Runs that are not over.
    runs: HashMap<RunId, running::RunWork>,
    /// Users under whom delegates execute runs, from when they first said so: what a run left may outlive its delegate.
    run_users: BTreeSet<u32>,
    logs: RunLogs,
    last_task: u64,
    notes: mpsc::UnboundedSender<Note>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

/// Starts the agent: its configuration is taken up before this returns. It works until `stop` is cancelled; the
/// returned task ends when the actor has.
pub(crate) async fn start(parts: Parts) -> Result<(Control, tokio::task::JoinHandle<()>), CatalogError> {
    let (commands, command_queue) = mpsc::channel(WAITING_COMMANDS);
    let (returned, returned_queue) = mpsc::unbounded_channel();
    let (notes, note_queue) = mpsc::unbounded_channel();
    let control = Control::new(commands, parts.catalog.clone());
    let now = Utc::now();
    let config = Arc::new(parts.config);
    let mut agent = Agent {
        catalog: parts.catalog,
        config: Arc::clone(&config),
        started_with: config,
        content_hash: parts.content_hash,
        generation: 1,
        started_at: now,
        slot_watch: scheduling::SlotWatch::begun(now),
        configured_at: now,
        rejected: Vec::new(),
        secrets: parts.secrets,
        hire: parts.hire,
        plan: Plan::default(),
        dispatcher: Dispatcher::new(returned, parts.tracker.clone()),
        attended: HashMap::new(),
        remote: parts.remote,
        under_way: HashMap::new(),
        runs: HashMap::new(),
        run_users: BTreeSet::new(),
        logs: parts.logs,
        last_task: 0,
        notes,
        stop: parts.stop,
        tracker: parts.tracker,
    };
    let version = env!("CARGO_PKG_VERSION");
    let message = format!("suitesync {version} begins to work as {}", agent.config.agent.name);
    agent.catalog.tell(Event::new(now, EventName::AgentStarted, message).field("version", version)).await?;
    agent.dispatcher.set_drained(agent.catalog.read(delegate::drained).await?);
    agent.attend_members();
    agent.set_delegates().await;
    agent.take_up(now).await?;
    agent.resume_runs().await?;
    agent.plan.agenda.set(Job::Forget, Instant::now());
    let running = tokio::spawn(agent.run(command_queue, returned_queue, note_queue));
    Ok((control, running))
}

impl Agent {
    async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut returned: mpsc::UnboundedReceiver<Returned>,
        mut notes: mpsc::UnboundedReceiver<Note>,
    ) {
        let stop = self.stop.clone();
        loop {
            let next = self.plan.agenda.next();
            tokio::select! {
                biased;
                // What comes back because of the end of the agent says nothing of its task.
                () = stop.cancelled() => break,
                // What was said of a task comes before its end.
                Some(note) = notes.recv() => self.hear(note).await,
                Some(returned) = returned.recv() => self.take_back(returned),
                Some(command) = commands.recv() => self.obey(command).await,
                () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => self.run_due().await,
            }
        }
    }

    async fn obey(&mut self, command: Command) {
        // Whoever asked may have gone: then nobody misses the answer.
        match command {
            Command::Apply { loaded, answer } => drop(answer.send(self.apply(*loaded).await)),
            Command::Test { connection, waiter, answer } => drop(answer.send(self.test_now(&connection, waiter))),
            Command::Sync { link, waiter, answer } => drop(answer.send(self.sync_now(&link, waiter))),
            Command::Proceed { link, waiter, answer } => drop(answer.send(self.proceed_now(&link, waiter).await)),
            Command::Tick => self.tick().await,
            Command::Start { schedule, suite, by, answer } => {
                drop(answer.send(self.start_schedule(&schedule, suite, &by).await));
            }
            Command::Cancel { run, by, answer } => drop(answer.send(self.cancel_run(run, &by).await)),
            Command::Act { act, by, answer } => drop(answer.send(self.act(act, &by).await)),
            Command::Explain { subject, answer } => drop(answer.send(self.explain(&subject))),
            Command::State { answer } => drop(answer.send(Ok(self.state()))),
        }
    }

    fn state(&self) -> AgentState {
        AgentState {
            config: Arc::clone(&self.config),
            now: Utc::now(),
            generation: self.generation,
            started_at: self.started_at,
            configured_at: self.configured_at,
            rejected: self.rejected.clone(),
            delegates: self.dispatcher.views(),
            candidates: self.dispatcher.candidates(),
            drained: self.dispatcher.drained().clone(),
            handed: self.handed(),
            started_with: Arc::clone(&self.started_with),
            remote: self.remote.as_ref().and_then(|remote| remote.trouble()),
            all_known: self.dispatcher.all_known(),
            executes_runs: self.executes_runs(),
            run_users: self.run_users.clone(),
            unwritable: self.catalog.unwritable(),
        }
    }

    async fn run_due(&mut self) {
        while let Some(job) = self.plan.agenda.pop_due(Instant::now()) {
            match job {
                Job::Test(name) => self.begin_test(&name, None),
                Job::Sync(key) => self.begin_sync(&key),
                Job::Remove(name) => self.remove_link(&name).await,
                Job::Forget => self.forget(),
            }
        }
    }

    /// Lets go of what is too old to be asked for; again tomorrow.
    fn forget(&mut self) {
        self.plan.agenda.set(Job::Forget, Instant::now() + FORGET_EVERY);
        self.forget_runs();
        let kept = TimeDelta::from_std(self.config.retention.events).unwrap_or(TimeDelta::MAX / 2);
        let (catalog, before) = (self.catalog.clone(), Utc::now() - kept);
        let forget = move |change: &mut crate::catalog::Change<'_>| {
            audit::forget(change.sql(), before)?;
            connection::forget_tests(change.sql(), before)
        };
        self.tracker.spawn(async move { report_write("to forget old events and tests", catalog.write(forget).await) });
    }

    async fn hear(&mut self, note: Note) {
        match note {
            Note::Progress(task, progress) => self.pass_on(task, progress),
            Note::Tested(recorded) => self.tested(*recorded),
            Note::Synced(recorded) => self.synced(recorded),
            Note::FallenDue(fallen) => self.recorded_due(fallen),
            Note::NotFallenDue(before) => self.not_fallen_due(before),
            Note::Resumed(resumed) => self.end_resumed(*resumed),
            Note::HandedOut(again) => self.handed_out(*again),
            Note::WaitedInVain(task) => self.give_up(task),
            Note::Standing(name, standing) => self.note_standing(&name, &standing),
            Note::Members(members) => self.note_members(&members).await,
            Note::Left(left) => report_write("to queue runs again", self.take_up_left(left).await),
            Note::AllKnown => self.know_all().await,
        }
    }

    fn pass_on(&mut self, task: TaskId, progress: Progress) {
        if let (Some(Purpose::Run(run)), Progress::Started { marker }) = (self.under_way.get(&task), &progress) {
            let (run, delegate) = (*run, self.dispatcher.holder(task).cloned());
            return self.begun(run, delegate, marker.clone());
        }
        let update = Update::Progress(progress);
        match self.under_way.get(&task) {
            Some(Purpose::Test(name)) => {
                if let Some(work) = self.plan.connections.get(name).and_then(|entry| entry.work.as_ref()) {
                    work.tell(&update);
                }
            }
            Some(Purpose::Sync(key)) => {
                for waiting in self.plan.repositories.get(key).into_iter().flat_map(|entry| &entry.waiting) {
                    // Whoever asked may have gone.
                    let _ = waiting.waiter.send(update.clone());
                }
            }
            Some(Purpose::Run(_)) | None => {}
        }
    }

    fn next_task(&mut self) -> TaskId {
        self.last_task += 1;
        TaskId(self.last_task)
    }
}

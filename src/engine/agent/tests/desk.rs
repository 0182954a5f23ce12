//! An agent without a host: its configuration is a text, its catalog can be made to refuse, and its one delegate passes
//! every test of a connection and holds each sync until it is answered.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{
    DelegateName, Discovery, Facts, Failure, FailureClass, LinkFacts, LinkReport, LinkView, ObjectId, Outcome,
    ProbeReport, SyncReport, Tags, Task, Transfer, Work,
};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::super::{Parts, start};
use crate::catalog::{Catalog, Change};
use crate::config::{self, Environment, Loaded, Location, Secrets};
use crate::engine::control::{Control, Refusal, ReloadReport};
use crate::engine::delegate::{Carrying, Delegate, DelegateStatus, ProgressSink};
use crate::engine::run_logs::RunLogs;

/// A connection and a link that is polled twice a day at most.
pub(super) const ONE_LINK: &str = r#"
    [[connection]]
    name = "server"
    provider = "git"
    url = "https://git.example/shop.git"

    [[link]]
    name = "shop"
    connection = "server"
    url = "https://git.example/shop.git"
    sync_every = "24h"
"#;

/// Long enough for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is due at once comes when the runtime next looks at its clock: some of these turns take it there.
const TURNS: usize = 64;

pub(super) struct Desk {
    folder: TempDir,
    pub(super) catalog: Catalog,
    pub(super) control: Control,
    syncs: mpsc::UnboundedReceiver<HeldSync>,
    _stop: DropGuard,
}

/// A sync that the delegate has in hand.
pub(super) struct HeldSync {
    task: Task,
    answer: oneshot::Sender<Facts>,
}

impl HeldSync {
    pub(super) fn links(&self) -> Vec<String> {
        let Work::Sync(sync) = &self.task.work else { return Vec::new() };
        sync.links.iter().map(|view| view.link.to_string()).collect()
    }

    /// Finds a commit without tests.
    pub(super) fn answer(self) {
        let Work::Sync(sync) = self.task.work else { return };
        let found = |commit| LinkFacts::Found { commit, discovery: Discovery::default(), parsed: 0, remembered: 0 };
        let commit = Some(ObjectId::from_bytes([7; 20]));
        let report =
            |view: LinkView| LinkReport { link: view.link, revision: view.revision, result: Ok(found(commit)) };
        let links = sync.links.into_iter().map(report).collect();
        let report = SyncReport { links, transfer: Transfer::default(), mirror_rebuilt: None };
        self.answer.send(Facts::Sync(report)).unwrap();
    }
}

impl Desk {
    pub(super) async fn start(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite3")).unwrap();
        let loaded = load(&folder, text);
        let (held, syncs) = mpsc::unbounded_channel();
        let delegate = Arc::new(Stand { name: "stand".parse().unwrap(), tags: ["stand"].into_iter().collect(), held });
        let stop = CancellationToken::new();
        let config = loaded.config.unwrap();
        let secrets = Secrets::of(&config, Environment::of::<&str, &str>([]));
        let parts = Parts {
            catalog: catalog.clone(),
            config,
            content_hash: loaded.content_hash,
            secrets: Arc::new(ArcSwap::from_pointee(secrets)),
            hire: Box::new(move |_| vec![Arc::clone(&delegate) as Arc<dyn Delegate>]),
            remote: None,
            logs: RunLogs::open(folder.path().join("runs")).unwrap(),
            stop: stop.clone(),
            tracker: TaskTracker::new(),
        };
        let (control, _running) = start(parts).await.unwrap();
        Self { folder, catalog, control, syncs, _stop: stop.drop_guard() }
    }

    /// The next sync that the delegate gets.
    pub(super) async fn next_sync(&mut self) -> HeldSync {
        tokio::time::timeout(PATIENCE, self.syncs.recv()).await.expect("a sync in time").unwrap()
    }

    /// Lets the actor deal with what is due now.
    pub(super) async fn settle(&self) {
        for _ in 0..TURNS {
            self.catalog.read(|_| Ok(())).await.unwrap();
        }
    }

    pub(super) async fn reload(&self, text: &str) -> Result<ReloadReport, Refusal> {
        self.control.apply(load(&self.folder, text)).await
    }

    /// Has the catalog refuse writes such as `INSERT ON event`.
    pub(super) async fn forbid(&self, name: &str, what: &str) {
        let trigger = format!("CREATE TRIGGER no_{name} BEFORE {what} BEGIN SELECT RAISE(ABORT, 'no'); END");
        self.execute(trigger).await;
    }

    pub(super) async fn allow(&self, name: &str) {
        self.execute(format!("DROP TRIGGER no_{name}")).await;
    }

    async fn execute(&self, sql: String) {
        self.catalog.write(move |change: &mut Change<'_>| Ok(change.sql().execute_batch(&sql)?)).await.unwrap();
    }
}

fn load(folder: &TempDir, text: &str) -> Loaded {
    let main = folder.path().join("suitesync.toml");
    let agent = format!("[agent]\nstate_dir = {:?}\n", folder.path());
    std::fs::write(&main, agent + text).unwrap();
    let loaded = config::load(&Location::new(main), &Environment::of::<&str, &str>([]));
    assert!(loaded.config.is_some(), "{:?}", loaded.diagnostics);
    loaded
}

/// Passes what it gets on to the test.
#[derive(Debug)]
struct Stand {
    name: DelegateName,
    tags: Tags,
    held: mpsc::UnboundedSender<HeldSync>,
}

impl std::fmt::Debug for HeldSync {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("HeldSync").field(&self.task.id).finish()
    }
}

impl Delegate for Stand {
    fn name(&self) -> &DelegateName {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "stand"
    }

    fn work(&self) -> Vec<WorkKind> {
        vec![WorkKind::Probe, WorkKind::Sync, WorkKind::Run]
    }

    fn status(&self) -> DelegateStatus {
        DelegateStatus::Connected
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn capacity(&self) -> u32 {
        4
    }

    fn running(&self) -> u32 {
        0
    }

    fn carry_out(&self, task: Task, _: ProgressSink, cancel: CancellationToken) -> Carrying<'_> {
        Box::pin(async move {
            let id = task.id;
            let canceled = || Failure::new(FailureClass::Canceled, "canceled");
            let result = match &task.work {
                Work::Probe(_) => {
                    Ok(Facts::Probe(ProbeReport { steps: Vec::new(), failure: None, certificate_days_left: None }))
                }
                Work::Sync(_) => {
                    let (answer, answered) = oneshot::channel();
                    // The test may be over.
                    let _ = self.held.send(HeldSync { task, answer });
                    cancel.run_until_cancelled(answered).await.and_then(Result::ok).ok_or_else(canceled)
                }
                Work::Run(_) => Err(canceled()),
            };
            Outcome { task: id, result }
        })
    }
}

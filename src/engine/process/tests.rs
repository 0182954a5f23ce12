//! Delegates that behave and delegates that do not, as small shell scripts.

mod documented;
mod misbehaving;
mod relentless;
mod serving;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use suitesync_contract::rpc::{Initialize, Initialized, Message, PROTOCOL, RunTaskResult, WorkKind};
use suitesync_contract::{
    Access, Facts, Failure, FailureClass, HostKeys, Outcome, ProbeReport, ProbeTask, Progress, Provider, RepoUrl, Task,
    TaskId, Work,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Patience, ProcessDelegate, ProcessSettings, Seat};
use crate::engine::delegate::{Delegate, DelegateStatus, ProgressSink};

/// Long enough for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a script begins with: it hears `initialize` and says who it is.
const INTRODUCE: &str = "read -r line; printf '%s\\n' \"$HELLO\"; ";

/// A delegate made of a shell script, in a folder of its own.
struct Fake {
    folder: TempDir,
    delegate: ProcessDelegate,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Fake {
    /// `$HELLO` is the answer to `initialize`, `$ANSWER` that to the first request, for task 7.
    fn new(script: &str) -> Self {
        Self::with_patience(script, Patience { first_retry: Duration::from_millis(10), ..Patience::default() })
    }

    fn with_patience(script: &str, patience: Patience) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let work = vec![WorkKind::Probe, WorkKind::Run];
        let hello = Initialized { protocol: 1, program: "fake".to_owned(), work, user: None };
        let hello = serde_json::to_string(&Message::answer(0, &hello)).unwrap();
        let (answer, path) = (answer(1, 7), folder.path().display());
        let script = format!("HELLO='{hello}'; ANSWER='{answer}'; cd {path}; {script}");
        let words = ["/bin/sh", "-c", &script].map(str::to_owned).to_vec();
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let delegate = ProcessDelegate::start(settings(Seat::Child(words), patience), &tracker, stop.clone());
        Self { folder, delegate, tracker, stop }
    }

    /// What comes of a task, with all that was told of it on the way.
    async fn told(&self, task: u64, cancel: &CancellationToken) -> (Result<Facts, Failure>, Vec<Progress>) {
        self.told_of(probe(task), cancel).await
    }

    async fn told_of(&self, task: Task, cancel: &CancellationToken) -> (Result<Facts, Failure>, Vec<Progress>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&told);
        let progress: ProgressSink = Arc::new(move |progress| sink.lock().unwrap().push(progress));
        let id = task.id;
        let carried = self.delegate.carry_out(task, progress, cancel.clone());
        let outcome = tokio::time::timeout(PATIENCE, carried).await.unwrap();
        assert_eq!(outcome.task, id);
        let told = told.lock().unwrap().clone();
        (outcome.result, told)
    }

    async fn result(&self, task: u64) -> Result<Facts, Failure> {
        self.told(task, &CancellationToken::new()).await.0
    }

    /// What comes of a task that is canceled once a file is there; and the process whose number is in it.
    async fn canceled_at(&self, file: &str) -> (Failure, i32) {
        let cancel = CancellationToken::new();
        let ((result, _), process) = tokio::join!(self.told(7, &cancel), async {
            let process = self.process(file).await;
            cancel.cancel();
            process
        });
        (result.unwrap_err(), process)
    }

    async fn until(&self, status: DelegateStatus) {
        let mut standing = self.delegate.follow().unwrap();
        tokio::time::timeout(PATIENCE, standing.wait_for(|standing| standing.status == status)).await.unwrap().unwrap();
    }

    /// The process whose number the script wrote into a file, once it is there.
    async fn process(&self, file: &str) -> i32 {
        let path = self.folder.path().join(file);
        until(|| std::fs::read_to_string(&path).is_ok_and(|text| text.ends_with('\n'))).await;
        std::fs::read_to_string(path).unwrap().trim().parse().unwrap()
    }
}

async fn until(is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap();
}

/// Whether a process is there and has not ended.
fn is_alive(process: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn settings(seat: Seat, patience: Patience) -> ProcessSettings {
    let initialize = Initialize {
        protocol: PROTOCOL,
        agent: "test".to_owned(),
        delegate: "fake".parse().unwrap(),
        state_dir: String::new(),
        capacity: 4,
        per_host: 4,
        secrets: Default::default(),
        additional_certs: None,
        proxy: None,
        no_proxy: Vec::new(),
        runs_disk_bytes: None,
        mirrors_keep_s: None,
    };
    ProcessSettings { seat, initialize, tags: ["fake"].into_iter().collect(), runs: true, patience }
}

fn probe(task: u64) -> Task {
    let url = RepoUrl::parse("https://git.example.org/shop", Provider::Git).unwrap().repository;
    let access = Access {
        connection: "contoso".parse().unwrap(),
        url,
        credentials: None,
        host_keys: HostKeys::default(),
        client_certificate: None,
        additional_certs: None,
        allow_plain_http: false,
        api: None,
    };
    Task { id: TaskId(task), time_limit_ms: 60_000, access, work: Work::Probe(ProbeTask { revision: 1 }) }
}

fn facts() -> Facts {
    Facts::Probe(ProbeReport { steps: Vec::new(), failure: None, certificate_days_left: Some(3) })
}

/// The line that answers a request with the facts of a probe.
fn answer(request: u64, task: u64) -> String {
    let outcome = Outcome { task: TaskId(task), result: Ok(facts()) };
    serde_json::to_string(&Message::answer(request, &RunTaskResult { outcome })).unwrap()
}

#[tokio::test]
async fn a_task_is_carried_out_and_told_of() {
    let progress = r#"{"jsonrpc":"2.0","method":"progress","params":{"task":7,"progress":{"received":{"bytes":9}}}}"#;
    let fake = Fake::new(&format!("{INTRODUCE} read -r task; echo '{progress}'; echo \"$ANSWER\"; cat >/dev/null"));
    let (result, told) = fake.told(7, &CancellationToken::new()).await;
    assert_eq!((result, told), (Ok(facts()), vec![Progress::Received { bytes: 9 }]));
    assert_eq!(fake.delegate.work(), [WorkKind::Probe, WorkKind::Run]);
    assert_eq!(fake.delegate.status(), DelegateStatus::Connected);
}

#[tokio::test]
async fn tasks_are_in_its_hands_together_and_answered_in_any_order() {
    let script = format!("{INTRODUCE} read -r a; read -r b; echo '{}'; echo \"$ANSWER\"; cat >/dev/null", answer(2, 8));
    let fake = Fake::new(&script);
    fake.until(DelegateStatus::Connected).await;
    let (first, second) = tokio::join!(biased; fake.result(7), fake.result(8));
    assert_eq!((first, second), (Ok(facts()), Ok(facts())));
}

#[tokio::test]
async fn what_is_unknown_is_passed_over() {
    let unknown = [
        r#"{"jsonrpc":"2.0","method":"weather","params":{"sun":true}}"#,
        r#"{"jsonrpc":"2.0","method":"progress","params":{"task":99,"progress":{"received":{"bytes":9}}}}"#,
        r#"{"jsonrpc":"2.0","method":"progress","params":{"task":"seven"}}"#,
        r#"{"jsonrpc":"2.0","id":99,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"who_are_you"}"#,
        r#"{"jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"2.0","method":"progress","colour":1,"params":{"task":99,"mood":"good","progress":{"sung":{}}}}"#,
    ];
    let lines = unknown.map(|line| format!("echo '{line}'; ")).concat();
    let fake = Fake::new(&format!("{INTRODUCE} read -r task; {lines} echo \"$ANSWER\"; cat >/dev/null"));
    let (result, told) = fake.told(7, &CancellationToken::new()).await;
    assert_eq!((result, told), (Ok(facts()), Vec::new()));
}

#[tokio::test]
async fn a_canceled_task_is_told_and_its_answer_waited_for() {
    let canceled = Outcome { task: TaskId(7), result: Err(Failure::new(FailureClass::Canceled, "stopped")) };
    let canceled = serde_json::to_string(&Message::answer(1, &RunTaskResult { outcome: canceled })).unwrap();
    let script = format!(
        "{INTRODUCE} read -r task; echo $$ >taken; read -r cancel; echo \"$cancel\" >heard; echo '{canceled}'; cat >/dev/null"
    );
    let fake = Fake::new(&script);
    assert_eq!(fake.canceled_at("taken").await.0.message, "stopped");
    let heard = std::fs::read_to_string(fake.folder.path().join("heard")).unwrap();
    assert_eq!(heard, "{\"jsonrpc\":\"2.0\",\"method\":\"cancel\",\"params\":{\"task\":7}}\n");
}

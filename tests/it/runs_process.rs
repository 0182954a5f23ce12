//! Runs in a delegate of its own process: the real binary on one side, the agent's code or bare pipes on the other.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use suitesync::engine::delegate::{Delegate, ProgressSink};
use suitesync::engine::process::{Patience, ProcessDelegate, ProcessSettings, Seat};
use suitesync_contract::rpc::{Initialize, Message, PROTOCOL, RunTaskParams};
use suitesync_contract::{
    Access, Credentials, EnvironmentValue, Exit, Facts, Failure, FailureClass, HostKeys, LogSummary, Progress,
    Provider, RepoUrl, RunId, RunReport, RunTask, SecretRef, StopReason, Task, TaskId, Work,
};
use suitesync_loopback::Change;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::support::processes::{folders_of_runs, is_running};
use crate::support::{PATIENCE, Site, TOKEN, wait_for};

const SECRET: &str = "canary-run-secret";

/// A site with a repository that is to be run, and what a delegate is told.
struct Stage {
    site: Site,
    commit: String,
}

impl Stage {
    fn new() -> Self {
        let made = std::thread::spawn(|| {
            let site = Site::new();
            let changes = [Change::write("tests/data.txt", "from the repository\n"), Change::write("other", "x")];
            let commit = site.repository("shop.git").commit("main", "first", &changes).unwrap();
            for (name, value) in [("token", TOKEN), ("secret", SECRET)] {
                std::fs::write(site.path(name), value).unwrap();
            }
            Self { site, commit }
        });
        made.join().unwrap()
    }

    fn secret(&self, name: &str) -> SecretRef {
        SecretRef::File(self.site.path(name).to_string_lossy().into_owned())
    }

    fn initialize(&self) -> Initialize {
        Initialize {
            protocol: PROTOCOL,
            agent: "test".to_owned(),
            delegate: "runner".parse().unwrap(),
            state_dir: self.site.path("delegate").to_string_lossy().into_owned(),
            capacity: 4,
            per_host: 4,
            secrets: BTreeMap::from([("password".parse().unwrap(), self.secret("secret"))]),
            additional_certs: Some(std::fs::read_to_string(self.site.path("ca.pem")).unwrap()),
            proxy: None,
            no_proxy: Vec::new(),
            runs_disk_bytes: None,
            mirrors_keep_s: None,
        }
    }

    fn task(&self, script: &str) -> Task {
        let url = RepoUrl::parse(&self.site.server.url("/shop.git"), Provider::Git).unwrap().repository;
        let credentials = Credentials::Basic { username: String::new(), password: self.secret("token") };
        let access = Access {
            connection: "server".parse().unwrap(),
            url,
            credentials: Some(credentials),
            host_keys: HostKeys::default(),
            client_certificate: None,
            additional_certs: None,
            allow_plain_http: false,
            api: None,
        };
        let password = EnvironmentValue::Secret(SecretRef::Secret("password".parse().unwrap()));
        let run = RunTask {
            run: RunId(12),
            fence: 3,
            link: "shop".parse().unwrap(),
            commit: self.commit.parse().unwrap(),
            root: "tests".to_owned(),
            suite: "Smoke".to_owned(),
            command: ["/bin/sh", "-c", script, "sh", "{root}", "{suite}"].map(str::to_owned).to_vec(),
            environment: BTreeMap::from([("PASSWORD".to_owned(), password)]),
            results: vec!["out/*.xml".to_owned()],
            timeout_ms: 60_000,
        };
        Task { id: TaskId(5), time_limit_ms: 120_000, access, work: Work::Run(run) }
    }

    fn delegate(&self) -> Hired {
        let words = [env!("CARGO_BIN_EXE_suitesync"), "delegate", "run", "--stdio"].map(str::to_owned);
        let (initialize, tags) = (self.initialize(), ["runner"].into_iter().collect());
        let seat = Seat::Child(words.to_vec());
        let settings = ProcessSettings { seat, initialize, tags, runs: true, patience: Patience::default() };
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let delegate = ProcessDelegate::start(settings, &tracker, stop.clone());
        Hired { delegate, tracker, stop, log: Arc::default(), cancel: CancellationToken::new() }
    }

    /// Folders of runs that are there.
    fn places(&self) -> Vec<PathBuf> {
        folders_of_runs(&self.site.path("delegate/runs/runner"))
    }

    /// A run is answered for before its folder has gone.
    fn wait_for_no_places(&self) {
        wait_for("the folder of the run to go", || self.places().is_empty().then_some(()));
    }
}

/// The agent's side.
struct Hired {
    delegate: ProcessDelegate,
    tracker: TaskTracker,
    stop: CancellationToken,
    log: Arc<Mutex<Vec<u8>>>,
    cancel: CancellationToken,
}

impl Hired {
    async fn run(&self, task: Task) -> Result<RunReport, Failure> {
        let log = Arc::clone(&self.log);
        let progress: ProgressSink = Arc::new(move |progress| {
            if let Progress::Log { piece, .. } = progress {
                log.lock().unwrap().extend(STANDARD.decode(piece).unwrap());
            }
        });
        let carried = self.delegate.carry_out(task, progress, self.cancel.clone());
        let facts = tokio::time::timeout(PATIENCE, carried).await.unwrap().result?;
        let Facts::Run(report) = facts else { panic!("{facts:?}") };
        Ok(report)
    }

    fn log(&self) -> String {
        String::from_utf8(self.log.lock().unwrap().clone()).unwrap()
    }

    /// The numbers that the run has printed, once there are so many.
    async fn printed(&self, count: usize) -> Vec<i32> {
        let printed = || self.log().lines().filter_map(|line| line.parse().ok()).collect::<Vec<i32>>();
        let wait = async {
            while printed().len() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap();
        printed()
    }

    /// Ends it as the agent does when it stops.
    async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        tokio::time::timeout(PATIENCE, self.tracker.wait()).await.unwrap();
    }
}

/// Prints its own number, its parent's and a daemon's that has left it, then waits; SIGTERM does nothing to any of them.
const STUBBORN: &str = "trap '' TERM; setsid sleep 600 & echo $$; echo $PPID; echo $!; while :; do sleep 1; done";

fn is_alive(process: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn kill(process: i32) {
    assert!(Command::new("kill").args(["-9", &process.to_string()]).status().unwrap().success());
}

#[tokio::test]
async fn a_run_has_the_files_of_its_root_and_its_log_and_results_come_back() {
    let stage = Stage::new();
    let hired = stage.delegate();
    let report = "<testsuite name='s'><testcase name='a' classname='a'/></testsuite>";
    let script = format!(
        "cat data.txt; ls ..; [ \"$1\" = \"$PWD\" ] && echo \"$2 $SUITESYNC_SUITE $SUITESYNC_LINK\"; mkdir out; echo \"{report}\" >out/a.xml; exit 3"
    );
    let report = hired.run(stage.task(&script)).await.unwrap();
    let log = "from the repository\ntests\nSmoke Smoke shop\n";
    assert_eq!(hired.log(), log);
    assert_eq!((report.run, report.fence, &report.exit), (RunId(12), 3, &Exit::Code(3)));
    assert_eq!(report.log, LogSummary { written_bytes: log.len() as u64, omitted_bytes: 0 });
    let [result] = report.results.as_slice() else { panic!("{report:?}") };
    assert_eq!((result.path.as_str(), result.cases.len()), ("out/a.xml", 1));
    stage.wait_for_no_places();
    hired.stop().await;
}

#[tokio::test]
async fn a_run_knows_its_secrets_and_its_log_does_not() {
    let stage = Stage::new();
    let hired = stage.delegate();
    let report = hired.run(stage.task("echo \"${#PASSWORD} $PASSWORD\"; env | grep -c TOKEN")).await.unwrap();
    assert_eq!(report.exit, Exit::Code(1));
    assert_eq!(hired.log(), format!("{} [secret password]\n0\n", SECRET.len()));
    hired.stop().await;
}

#[tokio::test]
async fn a_commit_that_is_at_hand_is_run_without_the_server_or_its_token() {
    let stage = Stage::new();
    let hired = stage.delegate();
    hired.run(stage.task("exit 0")).await.unwrap();
    // The same one again, which no agent hands out.
    stage.wait_for_no_places();
    stage.site.server.reset_counters();
    std::fs::remove_file(stage.site.path("token")).unwrap();
    assert_eq!(hired.run(stage.task("exit 0")).await.unwrap().exit, Exit::Code(0));
    assert_eq!(stage.site.server.request_count(), 0);
    hired.stop().await;
}

#[tokio::test]
async fn a_root_that_is_not_there_is_told() {
    let stage = Stage::new();
    let hired = stage.delegate();
    let mut task = stage.task("exit 0");
    if let Work::Run(run) = &mut task.work {
        run.root = "nowhere".to_owned();
    }
    assert_eq!(hired.run(task).await.unwrap_err().class, FailureClass::PathNotFound);
    stage.wait_for_no_places();
    hired.stop().await;
}

#[tokio::test]
async fn a_canceled_run_is_answered_when_nothing_of_it_is_left() {
    let stage = Stage::new();
    let hired = stage.delegate();
    let (report, processes) = tokio::join!(hired.run(stage.task(STUBBORN)), async {
        let processes = hired.printed(3).await;
        hired.cancel.cancel();
        processes
    });
    assert_eq!(report.unwrap().exit, Exit::Stopped(StopReason::Canceled));
    let [run, _delegate, daemon] = processes.as_slice() else { panic!("{processes:?}") };
    assert!(!is_alive(*run) && !is_alive(*daemon));
    hired.stop().await;
}

#[tokio::test]
async fn a_killed_delegate_leaves_nothing_and_is_begun_again() {
    let stage = Stage::new();
    let hired = stage.delegate();
    let (report, processes) = tokio::join!(hired.run(stage.task(STUBBORN)), async {
        let processes = hired.printed(3).await;
        kill(processes[1]);
        processes
    });
    let failure = report.unwrap_err();
    assert_eq!(failure.class, FailureClass::DelegateLost);
    assert!(failure.message.contains("it was ended by signal 9"), "{failure}");
    assert!(!is_alive(processes[0]), "{processes:?}");
    let again = hired.run(stage.task("exit 0"));
    // It may still be on its way back.
    if let Err(failure) = again.await {
        assert_eq!(failure.class, FailureClass::DelegateLost, "{failure}");
    }
    hired.stop().await;
}

#[tokio::test]
async fn a_killed_delegate_leaves_no_daemon_however_it_hides() {
    let mark = "30291.5";
    let stage = Stage::new();
    let hired = stage.delegate();
    let hides = format!("(cd / && env -i setsid setsid -f sh -c 'trap \"\" TERM; exec sleep {mark} <&- >&- 2>&-' &)");
    let script = format!("{hides}; {STUBBORN}");
    let (report, ()) = tokio::join!(hired.run(stage.task(&script)), async {
        let processes = hired.printed(3).await;
        wait_for("the daemon to hide", || is_running(mark).then_some(()));
        kill(processes[1]);
    });
    assert_eq!(report.unwrap_err().class, FailureClass::DelegateLost);
    assert!(!is_running(mark));
    hired.stop().await;
}

/// A delegate on bare pipes, as an agent has it that is then killed.
fn on_pipes(stage: &Stage, task: Task) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_suitesync"))
        .args(["delegate", "run", "--stdio"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = [
        Message::request(0, "initialize", &stage.initialize()),
        Message::request(1, "run_task", &RunTaskParams { task }),
    ];
    let input = child.stdin.as_mut().unwrap();
    lines.iter().for_each(|line| writeln!(input, "{}", serde_json::to_string(line).unwrap()).unwrap());
    child
}

#[test]
fn a_delegate_whose_agent_was_killed_stops_its_runs_and_ends() {
    let stage = Stage::new();
    std::fs::create_dir(stage.site.path("told")).unwrap();
    let told = stage.site.path("told").display().to_string();
    let script = format!("trap '' TERM; setsid sleep 600 & echo $! >{told}/daemon; echo $$ >{told}/run; sleep 600");
    let mut child = on_pipes(&stage, stage.task(&script));
    let number = |name: &str| std::fs::read_to_string(format!("{told}/{name}")).ok()?.trim().parse::<i32>().ok();
    let (run, daemon) = wait_for("the run to begin", || Some((number("run")?, number("daemon")?)));
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!is_alive(run) && !is_alive(daemon));
    assert_eq!(stage.places(), Vec::<PathBuf>::new());
}

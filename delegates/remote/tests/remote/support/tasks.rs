//! Tasks of each kind, and what comes of them.

use std::collections::BTreeMap;

use suitesync_contract::{
    Access, Case, Discovery, Exit, FileState, HostKeys, LinkFacts, LinkReport, LinkView, LogSummary, ObjectId,
    ProbeReport, ProbeTask, Provider, RefSpec, RepoUrl, RunId, RunReport, RunTask, SyncReport, SyncTask, Task, TaskId,
    Transfer, Work,
};

fn commit() -> ObjectId {
    "1234567890123456789012345678901234567890".parse().unwrap()
}

pub(crate) fn access() -> Access {
    Access {
        connection: "contoso".parse().unwrap(),
        url: RepoUrl::parse("https://git.example.org/shop.git", Provider::Git).unwrap().repository,
        credentials: None,
        host_keys: HostKeys::default(),
        client_certificate: None,
        additional_certs: None,
        allow_plain_http: false,
        api: None,
    }
}

fn task(id: u64, work: Work) -> Task {
    Task { id: TaskId(id), time_limit_ms: 600_000, access: access(), work }
}

pub(crate) fn probe(id: u64) -> Task {
    task(id, Work::Probe(ProbeTask { revision: 1 }))
}

pub(crate) fn sync(id: u64, links: usize) -> Task {
    let link = |number: usize| LinkView {
        link: format!("link-{number}").parse().unwrap(),
        revision: 1,
        reference: RefSpec::Branch("main".to_owned()),
        directory: format!("projects/{number}"),
        known: Some(commit()),
    };
    task(id, Work::Sync(SyncTask { links: (0..links).map(link).collect() }))
}

pub(crate) fn run(id: u64, run: u64, fence: u64) -> Task {
    let work = RunTask {
        run: RunId(run),
        fence,
        link: "shop".parse().unwrap(),
        commit: commit(),
        root: String::new(),
        suite: "Test Suites/Smoke".to_owned(),
        command: vec!["katalonc".to_owned()],
        environment: BTreeMap::new(),
        results: Vec::new(),
        timeout_ms: 600_000,
    };
    task(id, Work::Run(work))
}

pub(crate) fn probe_report() -> ProbeReport {
    ProbeReport { steps: Vec::new(), failure: None, certificate_days_left: Some(30) }
}

/// A report with so many cases, of about 200 bytes each.
pub(crate) fn sync_report(cases: usize) -> SyncReport {
    let case = |number: usize| Case {
        root: String::new(),
        id: format!("Test Cases/{number:08}"),
        path: format!("Test Cases/{number:08}.tc"),
        state: FileState::Ok,
        name: format!("case {number:08}"),
        guid: None,
        tags: Vec::new(),
        description: String::new(),
        blob: commit(),
        scripts: None,
    };
    let discovery = Discovery { cases: (0..cases).map(case).collect(), ..Discovery::default() };
    let found = LinkFacts::Found { commit: Some(commit()), discovery, parsed: 0, remembered: 0 };
    let link = LinkReport { link: "shop".parse().unwrap(), revision: 1, result: Ok(found) };
    SyncReport { links: vec![link], transfer: Transfer::default(), mirror_rebuilt: None }
}

pub(crate) fn run_report(run: u64, fence: u64) -> RunReport {
    RunReport {
        run: RunId(run),
        fence,
        exit: Exit::Code(0),
        results: Vec::new(),
        duration_ms: 7,
        log: LogSummary::default(),
    }
}

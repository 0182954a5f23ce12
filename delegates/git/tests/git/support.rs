//! A repository behind a loopback server, and what a worker makes to reach it. No assertions here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use suitesync_contract::{
    ConnectionName, DelegateName, Failure, HostKeys, ObjectId, Provider, RefSpec, RepoUrl, TreeEntryKind,
};
use suitesync_git::{
    Authorization, BlobContent, FetchProgress, Mirror, Mirrors, PlainHttp, Remote, RemoteSettings, Remotes, Tip,
};
use suitesync_loopback::{
    Authority, Change, GitServer, IssueOptions, Login, Protocol, SampleRepository, ServerOptions, clean_git,
};
use suitesync_reach::{Clients, Route, TimeLimits, Trust};
use tokio_util::sync::CancellationToken;

pub(crate) const TOKEN: &str = "a-token-for-tests";
pub(crate) const PATH: &str = "/contoso/payments/checkout";

/// Short enough for tests that wait for them to pass.
pub(crate) const SHORT: TimeLimits = TimeLimits {
    connect: Duration::from_millis(500),
    first_byte: Duration::from_millis(500),
    stall: Duration::from_millis(500),
    rate_window: Duration::from_secs(1),
    rate_bytes: 1024,
};

/// A way in which a server is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) protocol: Protocol,
    /// Whether parts of commits are sent, and blobs singly.
    pub(crate) config: &'static [(&'static str, &'static str)],
}

const NO_FILTER: (&str, &str) = ("uploadpack.allowFilter", "false");
const NO_SINGLE_OBJECTS: (&str, &str) = ("uploadpack.allowAnySHA1InWant", "false");

pub(crate) const V2_FILTER: Setup = Setup { protocol: Protocol::V2, config: &[] };
pub(crate) const V2_PLAIN: Setup = Setup { protocol: Protocol::V2, config: &[NO_FILTER] };
pub(crate) const V0_FILTER: Setup = Setup { protocol: Protocol::V0, config: &[] };
pub(crate) const V0_REACHABLE: Setup =
    Setup { protocol: Protocol::V0, config: &[NO_SINGLE_OBJECTS, ("uploadpack.allowReachableSHA1InWant", "true")] };
/// Parts are sent, but blobs cannot be wanted.
pub(crate) const V0_NO_SINGLE_OBJECTS: Setup = Setup { protocol: Protocol::V0, config: &[NO_SINGLE_OBJECTS] };
pub(crate) const V0_BARE: Setup = Setup { protocol: Protocol::V0, config: &[NO_FILTER, NO_SINGLE_OBJECTS] };

/// Every setup, for what must work on each.
pub(crate) const SETUPS: [Setup; 6] = [V2_FILTER, V2_PLAIN, V0_FILTER, V0_REACHABLE, V0_NO_SINGLE_OBJECTS, V0_BARE];

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) authority: Authority,
    pub(crate) server: GitServer,
    pub(crate) repository: SampleRepository,
    pub(crate) clients: Clients,
    pub(crate) remotes: Remotes,
    pub(crate) cancel: CancellationToken,
}

impl World {
    /// A repository without commits that only the token opens.
    pub(crate) fn empty() -> Self {
        Self::new(&IssueOptions::default(), TimeLimits::default())
    }

    /// A repository with one commit on `main`.
    pub(crate) fn with_commit() -> Self {
        let world = Self::empty();
        world.commit("main", "Test Cases/login.tc", b"<login/>");
        world
    }

    /// A server that will be faulty, and a client without patience.
    pub(crate) fn impatient() -> Self {
        let world = Self::new(&IssueOptions::default(), SHORT);
        world.commit("main", "Test Cases/login.tc", b"<login/>");
        world
    }

    pub(crate) fn new(certificate: &IssueOptions, limits: TimeLimits) -> Self {
        Self::set_up(V2_FILTER, certificate, limits)
    }

    /// A server that sends commits whole or not at all, with one commit on `main`.
    pub(crate) fn without_filter() -> Self {
        let world = Self::served(V2_PLAIN);
        world.commit("main", "Test Cases/login.tc", b"<login/>");
        world
    }

    /// An empty repository behind a server of some setup.
    pub(crate) fn served(setup: Setup) -> Self {
        Self::set_up(setup, &IssueOptions::default(), TimeLimits::default())
    }

    pub(crate) fn set_up(setup: Setup, certificate: &IssueOptions, limits: TimeLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("served");
        let authority = Authority::new("Loopback Test CA").unwrap();
        let repository = SampleRepository::create(format!("{}{PATH}", root.display())).unwrap();
        let options = ServerOptions::new(root).identity(authority.issue(certificate).unwrap());
        let options = options.login(Login::Token(TOKEN.to_owned())).protocol(setup.protocol);
        let options = setup.config.iter().fold(options, |options, (key, value)| options.git_config(key, value));
        let server = start(options);
        let (clients, cancel) = (Clients::new(limits), CancellationToken::new());
        Self { folder, authority, server, repository, clients, remotes: Remotes::default(), cancel }
    }

    pub(crate) fn commit(&self, branch: &str, path: &str, content: &[u8]) -> ObjectId {
        self.commit_all(branch, &[Change::write(path, content)])
    }

    pub(crate) fn commit_all(&self, branch: &str, changes: &[Change]) -> ObjectId {
        self.repository.commit(branch, "change", changes).unwrap().parse().unwrap()
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::with_additional([self.authority.pem()]).unwrap()
    }

    pub(crate) fn remote(&self) -> Remote {
        self.remote_as(Some(token(TOKEN)))
    }

    pub(crate) fn remote_as(&self, authorization: Option<Authorization>) -> Remote {
        self.remote_at(&self.server.url(PATH), Provider::Git, authorization)
    }

    pub(crate) fn remote_at(&self, url: &str, provider: Provider, authorization: Option<Authorization>) -> Remote {
        self.remote_under(&self.trust(), url, provider, authorization)
    }

    pub(crate) fn remote_under(
        &self,
        trust: &Trust,
        url: &str,
        provider: Provider,
        authorization: Option<Authorization>,
    ) -> Remote {
        let url = RepoUrl::parse(url, provider).unwrap().repository;
        let (plain_http, host_keys) = (PlainHttp::Refused, HostKeys::default());
        let settings = RemoteSettings { url, authorization, plain_http, host_keys, delegate: delegate() };
        self.remotes.remote(self.clients.client(&Route::new(trust.clone())).unwrap(), settings).unwrap()
    }

    /// What one ref of the remote points to.
    pub(crate) async fn tip(&self, remote: &Remote, wanted: RefSpec) -> Result<Tip, Failure> {
        remote.resolve(&[wanted], &self.cancel).await?.tips.pop().unwrap().1
    }

    pub(crate) async fn main(&self, remote: &Remote) -> Result<Tip, Failure> {
        self.tip(remote, RefSpec::Branch("main".to_owned())).await
    }

    pub(crate) fn mirrors_folder(&self) -> PathBuf {
        self.folder.path().join("mirrors")
    }

    pub(crate) fn mirrors(&self) -> Mirrors {
        Mirrors::new(self.mirrors_folder(), delegate())
    }

    pub(crate) async fn mirror(&self, remote: &Remote) -> Mirror {
        self.mirrors().open(&connection(), remote.url(), &self.cancel).await.unwrap()
    }

    /// The tip of `main` as a worker comes to it: polled, fetched, and the files below a directory read.
    pub(crate) async fn sync(&self, reference: RefSpec, directory: &str) -> Result<Files, Failure> {
        let remote = self.remote();
        let Tip::Commit(commit) = self.tip(&remote, reference).await? else { return Ok(Files::new()) };
        let mut mirror = self.mirror(&remote).await;
        self.fetch(&mut mirror, &remote, commit).await?;
        read_files(&mut mirror, commit, directory).await
    }

    pub(crate) async fn fetch(&self, mirror: &mut Mirror, remote: &Remote, commit: ObjectId) -> Result<(), Failure> {
        mirror.fetch(remote, &[commit], &mut |_: FetchProgress| {}, &self.cancel).await
    }
}

/// Starts a server; on a thread of its own, as that may block and tests are async.
pub(crate) fn start(options: ServerOptions) -> GitServer {
    std::thread::spawn(|| GitServer::start(options)).join().unwrap().unwrap()
}

pub(crate) fn token(token: &str) -> Authorization {
    Authorization::Basic { username: String::new(), password: token.to_owned() }
}

pub(crate) fn delegate() -> DelegateName {
    "local".parse().unwrap()
}

pub(crate) fn connection() -> ConnectionName {
    "contoso".parse().unwrap()
}

/// Files by their paths.
pub(crate) type Files = BTreeMap<String, String>;

/// The files below a directory, as text.
pub(crate) async fn read_files(mirror: &mut Mirror, commit: ObjectId, directory: &str) -> Result<Files, Failure> {
    let entries = mirror.snapshot(commit)?;
    let below: Vec<_> = entries
        .iter()
        .filter(|entry| entry.kind == TreeEntryKind::File && entry.path.starts_with(directory.as_bytes()))
        .collect();
    let blobs: Vec<_> = below.iter().map(|entry| entry.id).collect();
    mirror.ensure_blobs(&blobs).await?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let read = |id| match mirror.read_blob(id, 1 << 20)? {
        BlobContent::Bytes(bytes) => Ok(text(&bytes)),
        BlobContent::TooLarge(size) => Ok(format!("{size} bytes")),
    };
    below.into_iter().map(|entry| read(entry.id).map(|content| (text(&entry.path), content))).collect()
}

/// What Git has to say against a mirror.
pub(crate) fn fsck(mirror: &Mirror, commits: &[ObjectId]) -> String {
    let commits = commits.iter().map(ObjectId::to_string);
    let output = clean_git().arg("-C").arg(mirror.path()).args(["fsck", "--full", "--strict"]).args(commits).output();
    let output = output.unwrap();
    if output.status.success() { String::new() } else { String::from_utf8_lossy(&output.stderr).into_owned() }
}

/// Whether the mirror says of itself that it lacks blobs.
pub(crate) fn is_partial(mirror: &Mirror) -> bool {
    let config = ["config", "--file", "config", "--get", "extensions.partialClone"];
    clean_git().current_dir(mirror.path()).args(config).output().unwrap().status.success()
}

/// The paths of a snapshot, as text.
pub(crate) fn paths(mirror: &Mirror, commit: ObjectId) -> Vec<String> {
    let entries = mirror.snapshot(commit).unwrap();
    entries.iter().map(|entry| String::from_utf8(entry.path.clone()).unwrap()).collect()
}

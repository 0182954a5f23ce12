//! A repository behind a loopback server, and what a worker makes to reach it. No assertions here.

use std::path::PathBuf;
use std::time::Duration;

use suitesync_contract::{ConnectionName, DelegateName, Failure, ObjectId, Provider, RefSpec, RepoUrl};
use suitesync_git::{
    Authorization, Clients, FetchProgress, Mirror, Mirrors, PlainHttp, Remote, RemoteSettings, TimeLimits, Tip, Trust,
};
use suitesync_loopback::{Authority, Change, GitServer, IssueOptions, Login, SampleRepository, ServerOptions};
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

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) authority: Authority,
    pub(crate) server: GitServer,
    pub(crate) repository: SampleRepository,
    pub(crate) clients: Clients,
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
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("served");
        let authority = Authority::new("Loopback Test CA").unwrap();
        let repository = SampleRepository::create(format!("{}{PATH}", root.display())).unwrap();
        let options = ServerOptions::new(root).identity(authority.issue(certificate).unwrap());
        let server = start(options.login(Login::Token(TOKEN.to_owned())));
        let (clients, cancel) = (Clients::new(limits), CancellationToken::new());
        Self { folder, authority, server, repository, clients, cancel }
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
        let settings = RemoteSettings { url, authorization, plain_http: PlainHttp::Refused, delegate: delegate() };
        Remote::new(self.clients.client(trust).unwrap(), settings).unwrap()
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

/// The paths of a snapshot, as text.
pub(crate) fn paths(mirror: &Mirror, commit: ObjectId) -> Vec<String> {
    let entries = mirror.snapshot(commit).unwrap();
    entries.into_iter().map(|entry| String::from_utf8(entry.path).unwrap()).collect()
}

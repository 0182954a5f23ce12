//! A repository behind a loopback `sshd`, and what a worker makes to reach it. No assertions here.

use std::path::PathBuf;

use suitesync_contract::{Failure, HostKeys, ObjectId, Provider, RefSpec, RepoUrl};
use suitesync_git::{Authorization, Mirror, Mirrors, PlainHttp, Remote, RemoteSettings, Remotes, Tip};
use suitesync_loopback::{Change, SampleRepository, SshKey, SshKeyFormat, SshKeyKind, SshOptions, SshServer};
use suitesync_reach::{Clients, Route, TimeLimits, Trust};
use tokio_util::sync::CancellationToken;

use crate::support::{connection, delegate};

pub(crate) const PATH: &str = "/contoso/payments/checkout";

pub(crate) struct SshWorld {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) server: SshServer,
    pub(crate) repository: SampleRepository,
    pub(crate) key: SshKey,
    pub(crate) clients: Clients,
    pub(crate) remotes: Remotes,
    pub(crate) cancel: CancellationToken,
}

impl SshWorld {
    /// A repository with one commit on `main`.
    pub(crate) fn new() -> Self {
        Self::with(|options| options, TimeLimits::default())
    }

    pub(crate) fn with(set: impl FnOnce(SshOptions) -> SshOptions, limits: TimeLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("served");
        let repository = SampleRepository::create(format!("{}{PATH}", root.display())).unwrap();
        let key = key(SshKeyKind::Ed25519);
        let server = start(set(SshOptions::new(root).authorize(&key)));
        let (clients, remotes, cancel) = (Clients::new(limits), Remotes::default(), CancellationToken::new());
        let world = Self { folder, server, repository, key, clients, remotes, cancel };
        world.commit("Test Cases/login.tc", b"<login/>");
        world
    }

    pub(crate) fn commit(&self, path: &str, content: &[u8]) -> ObjectId {
        self.repository.commit("main", "change", &[Change::write(path, content)]).unwrap().parse().unwrap()
    }

    /// What is trusted unless a test is about that.
    pub(crate) fn known_hosts(&self) -> HostKeys {
        HostKeys { known_hosts: Some(self.server.known_hosts("127.0.0.1")), fingerprints: Vec::new() }
    }

    pub(crate) fn remote(&self) -> Remote {
        self.remote_trusting(self.known_hosts())
    }

    pub(crate) fn remote_trusting(&self, host_keys: HostKeys) -> Remote {
        self.remote_at(&self.server.url(PATH), as_key(&self.key, None), host_keys)
    }

    pub(crate) fn remote_as(&self, authorization: Authorization) -> Remote {
        self.remote_at(&self.server.url(PATH), authorization, self.known_hosts())
    }

    pub(crate) fn remote_to(&self, path: &str) -> Remote {
        self.remote_at(&self.server.url(path), as_key(&self.key, None), self.known_hosts())
    }

    pub(crate) fn remote_at(&self, url: &str, authorization: Authorization, host_keys: HostKeys) -> Remote {
        let url = RepoUrl::parse(url, Provider::Git).unwrap().repository;
        let (authorization, plain_http) = (Some(authorization), PlainHttp::Refused);
        let settings = RemoteSettings { url, authorization, plain_http, host_keys, delegate: delegate() };
        self.remotes.remote(self.clients.client(&Route::new(Trust::system())).unwrap(), settings).unwrap()
    }

    pub(crate) async fn main(&self, remote: &Remote) -> Result<Tip, Failure> {
        main_of(remote, &self.cancel).await
    }

    pub(crate) fn mirrors_folder(&self) -> PathBuf {
        self.folder.path().join("mirrors")
    }

    pub(crate) async fn mirror(&self, remote: &Remote) -> Mirror {
        let mirrors = Mirrors::new(self.mirrors_folder(), delegate());
        mirrors.open(&connection(), remote.url(), &self.cancel).await.unwrap()
    }
}

pub(crate) async fn main_of(remote: &Remote, cancel: &CancellationToken) -> Result<Tip, Failure> {
    remote.resolve(&[RefSpec::Branch("main".to_owned())], cancel).await?.tips.pop().unwrap().1
}

pub(crate) fn key(kind: SshKeyKind) -> SshKey {
    SshKey::generate(kind, SshKeyFormat::OpenSsh, None).unwrap()
}

pub(crate) fn as_key(key: &SshKey, passphrase: Option<&str>) -> Authorization {
    let (private_key, passphrase) = (key.private_text().to_owned(), passphrase.map(str::to_owned));
    Authorization::PrivateKey { private_key, passphrase }
}

/// Starts a server; on a thread of its own, as that may block and tests are async.
pub(crate) fn start(options: SshOptions) -> SshServer {
    std::thread::spawn(|| SshServer::start(options)).join().unwrap().unwrap()
}

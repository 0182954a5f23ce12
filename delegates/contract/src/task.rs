//! What a delegate is asked to do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::rpc::WorkKind;
use crate::{ConnectionName, LinkName, ObjectId, RepoUrl, RunTask, Scheme, SecretRef, Step};

/// Identity of a task, unique for one agent's state folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaskId(pub u64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One piece of work, whole in itself: it can be handed to any delegate, and twice does no harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Task {
    pub id: TaskId,
    /// How long it may take in all, in milliseconds from when the delegate takes it.
    pub time_limit_ms: u64,
    pub access: Access,
    pub work: Work,
}

/// How a repository is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Access {
    pub connection: ConnectionName,
    pub url: RepoUrl,
    pub credentials: Option<Credentials>,
    /// Which keys an SSH server may have.
    #[serde(default)]
    pub host_keys: HostKeys,
    /// Who we are to a server that asks for a certificate.
    #[serde(default)]
    pub client_certificate: Option<ClientCertificate>,
    /// Certificates trusted besides the system's and the delegate's own: PEM, as content.
    pub additional_certs: Option<String>,
    /// Whether credentials may be sent without TLS.
    pub allow_plain_http: bool,
    /// The provider's API, where it is to be used.
    #[serde(default)]
    pub api: Option<ApiAccess>,
}

impl Access {
    /// The steps that a test of this access walks, in their order.
    pub fn steps(&self) -> Vec<Step> {
        let is_ssh = self.url.origin().scheme == Scheme::Ssh;
        let applies = |step: &Step| match step {
            Step::Tls => !is_ssh,
            Step::HostKey => is_ssh,
            Step::Api => self.api.is_some(),
            Step::Delegate | Step::Secrets | Step::Dns | Step::Connect | Step::Credentials | Step::Repository => true,
        };
        Step::ALL.into_iter().filter(applies).collect()
    }

    /// Every secret that has to be at hand before anything is sent.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        let credentials = self.credentials.iter().flat_map(Credentials::secrets);
        let certificate = self.client_certificate.iter().map(|certificate| &certificate.key);
        credentials.chain(certificate).chain(self.api.iter().map(|api| &api.token))
    }
}

/// The keys that an SSH server may show. Where nothing is said, only keys that the provider publishes are accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostKeys {
    /// The content of a `known_hosts` file (sshd(8)).
    pub known_hosts: Option<String>,
    /// Pinned fingerprints as OpenSSH shows them, such as `SHA256:…`; any of them will do.
    pub fingerprints: Vec<String>,
}

/// A certificate of our own, for a server that asks for one (mutual TLS).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientCertificate {
    /// PEM, as content: our certificate first, then what it is built on.
    pub chain: String,
    /// Where its private key comes from: PEM.
    pub key: SecretRef,
}

/// The provider's REST API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApiAccess {
    /// The organization's or collection's URL, without a slash at the end.
    pub url: String,
    /// A personal access token, or a token of Entra ID.
    pub token: SecretRef,
}

/// Who we are to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    /// HTTP Basic; the user may be empty, as it is with a personal access token.
    Basic { username: String, password: SecretRef },
    /// HTTP Bearer.
    Bearer { token: SecretRef },
    /// An SSH key, in OpenSSH's format or as PEM. The login name is the URL's.
    PrivateKey { private_key: SecretRef, passphrase: Option<SecretRef> },
}

impl Credentials {
    /// Where the password, the token or the key comes from.
    pub fn secret(&self) -> &SecretRef {
        match self {
            Self::Basic { password, .. } => password,
            Self::Bearer { token } => token,
            Self::PrivateKey { private_key, .. } => private_key,
        }
    }

    /// Everything that has to be resolved.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        let passphrase = match self {
            Self::PrivateKey { passphrase, .. } => passphrase.as_ref(),
            Self::Basic { .. } | Self::Bearer { .. } => None,
        };
        std::iter::once(self.secret()).chain(passphrase)
    }
}

/// The kind of a task with what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Work {
    Probe(ProbeTask),
    Sync(SyncTask),
    Run(RunTask),
}

impl Work {
    pub fn kind(&self) -> WorkKind {
        match self {
            Self::Probe(_) => WorkKind::Probe,
            Self::Sync(_) => WorkKind::Sync,
            Self::Run(_) => WorkKind::Run,
        }
    }
}

/// Test a connection: one attempt, step by step, up to the first that fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProbeTask {
    /// Revision of the connection that asked.
    pub revision: u64,
}

/// Bring the links of one repository up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SyncTask {
    pub links: Vec<LinkView>,
}

/// What one link looks at in the repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LinkView {
    pub link: LinkName,
    /// Revision of the link that asked.
    pub revision: u64,
    pub reference: RefSpec,
    /// `/`-separated, without slashes at the ends; empty for the whole repository.
    pub directory: String,
    /// The commit that the catalog holds for this revision, if any.
    pub known: Option<ObjectId>,
}

/// Which commit of a repository is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefSpec {
    /// Whatever the server's `HEAD` points to.
    Default,
    Branch(String),
    Tag(String),
    Commit(ObjectId),
}

impl RefSpec {
    /// The name to look for among the server's refs; a commit id has none.
    pub fn full_name(&self) -> Option<String> {
        match self {
            Self::Default => Some("HEAD".to_owned()),
            Self::Branch(name) => Some(format!("refs/heads/{name}")),
            Self::Tag(name) => Some(format!("refs/tags/{name}")),
            Self::Commit(_) => None,
        }
    }
}

impl fmt::Display for RefSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => write!(f, "the default branch"),
            Self::Branch(name) => write!(f, "branch `{name}`"),
            Self::Tag(name) => write!(f, "tag `{name}`"),
            Self::Commit(id) => write!(f, "commit {id}"),
        }
    }
}

impl FromStr for RefSpec {
    type Err = std::convert::Infallible;

    /// A text from a command line: a full ref name, a commit id, or else a branch.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(branch) = text.strip_prefix("refs/heads/") {
            return Ok(Self::Branch(branch.to_owned()));
        }
        if let Some(tag) = text.strip_prefix("refs/tags/") {
            return Ok(Self::Tag(tag.to_owned()));
        }
        Ok(text.parse().map_or_else(|_| Self::Branch(text.to_owned()), Self::Commit))
    }
}

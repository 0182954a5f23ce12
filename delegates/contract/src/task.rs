//! What a delegate is asked to do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ConnectionName, LinkName, ObjectId, RepoUrl, SecretRef};

/// Identity of a task, unique for one agent's state folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId(pub u64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One piece of work, whole in itself: it can be handed to any delegate, and twice does no harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub id: TaskId,
    /// How long it may take in all, in milliseconds from when the delegate takes it.
    pub time_limit_ms: u64,
    pub access: Access,
    pub work: Work,
}

/// How a repository is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    pub connection: ConnectionName,
    pub url: RepoUrl,
    pub credentials: Option<Credentials>,
    /// Certificates trusted besides the system's and the delegate's own: PEM, as content.
    pub additional_certs: Option<String>,
    /// Whether credentials may be sent without TLS.
    pub allow_plain_http: bool,
}

/// Who we are to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    /// HTTP Basic; the user may be empty, as it is with a personal access token.
    Basic { username: String, password: SecretRef },
    /// HTTP Bearer.
    Bearer { token: SecretRef },
}

impl Credentials {
    /// Where the password or the token comes from.
    pub fn secret(&self) -> &SecretRef {
        match self {
            Self::Basic { password, .. } => password,
            Self::Bearer { token } => token,
        }
    }
}

/// The kind of a task with what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    Probe(ProbeTask),
    Sync(SyncTask),
}

/// Test a connection: one attempt, step by step, up to the first that fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeTask {
    /// Revision of the connection that asked.
    pub revision: u64,
}

/// Bring the links of one repository up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncTask {
    pub links: Vec<LinkView>,
}

/// What one link looks at in the repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

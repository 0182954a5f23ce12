//! What the server is started with, and the words for what it can be told later.

use std::path::PathBuf;

use crate::identity::ServerIdentity;
use crate::options::{Login, Protocol, ServerOptions};

/// The version of REST that Services and Server 2022.1 have released.
const LATEST_VERSION: &str = "7.1";

/// How a look-alike of Azure DevOps is to serve.
#[derive(Debug, Clone)]
pub struct AzureOptions {
    /// The part that is Git: root, port, certificate, protocol. Its login stays open, as tokens are asked for here.
    pub server: ServerOptions,
    pub deployment: AzureDeployment,
    /// The latest version of REST that is answered, such as `6.0` for Server 2020.
    pub latest_version: String,
}

impl AzureOptions {
    /// Services as they are today: protocol 0 of Git, version 7.1 of REST, and no token that is known.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            server: ServerOptions::new(root).protocol(Protocol::V0).login(Login::Open),
            deployment: AzureDeployment::Services,
            latest_version: LATEST_VERSION.to_owned(),
        }
    }

    #[must_use]
    pub fn identity(mut self, identity: ServerIdentity) -> Self {
        self.server = self.server.identity(identity);
        self
    }

    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.server = self.server.protocol(protocol);
        self
    }

    #[must_use]
    pub fn deployment(mut self, deployment: AzureDeployment) -> Self {
        self.deployment = deployment;
        self
    }

    #[must_use]
    pub fn latest_version(mut self, version: &str) -> Self {
        self.latest_version = version.to_owned();
        self
    }
}

/// Whose Azure DevOps it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AzureDeployment {
    /// `/ORGANISATION/…`
    Services,
    /// `/VIRTUAL_FOLDER/COLLECTION/…`, or `/COLLECTION/…` where the folder is empty.
    Server { virtual_folder: String },
}

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AzureScope {
    /// `vso.code`: Git, repositories, and service hooks as well.
    CodeRead,
    /// `vso.code_status`
    CodeStatus,
    /// `vso.project`
    ProjectRead,
}

impl AzureScope {
    /// The permission that a refusal names.
    pub(super) fn permission(self) -> &'static str {
        match self {
            Self::CodeRead => "GenericRead",
            Self::CodeStatus => "Contribute to status",
            Self::ProjectRead => "View project-level information",
        }
    }
}

/// What a request with no token, or one that is not known, is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AzureRefusal {
    /// 203 and a page of HTML to sign in.
    SignInPage,
    /// 302 to `/_signin`.
    SignInRedirect,
    /// 401: JSON with TF400813 from REST, a challenge from Git.
    Unauthorized,
}

/// How a token that lacks a scope is refused by REST, which does both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AzureScopeRefusal {
    /// 403 with TF401027.
    Forbidden,
    /// 401 with TF400813.
    Unauthorized,
}

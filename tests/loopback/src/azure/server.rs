//! The look-alike as its users hold it: tokens, refusals, versions, and the server underneath.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::azure::inventory::id_of;
use crate::azure::options::{AzureOptions, AzureRefusal, AzureScope, AzureScopeRefusal};
use crate::azure::state::{Azure, Token};
use crate::error::LoopbackError;
use crate::server::GitServer;

/// A look-alike of Azure DevOps on 127.0.0.1; it ends when it is stopped or dropped.
#[derive(Debug)]
pub struct AzureServer {
    server: GitServer,
    azure: Arc<Azure>,
}

impl AzureServer {
    /// Listens at once: the first connection may be made as soon as this returns.
    pub fn start(options: AzureOptions) -> Result<Self, LoopbackError> {
        let scheme = if options.server.identity.is_some() { "https" } else { "http" };
        let root = options.server.root.clone();
        let azure = Arc::new(Azure::new(root, scheme, options.deployment, &options.latest_version));
        let server = GitServer::start_behind(options.server, Arc::<Azure>::clone(&azure))?;
        Ok(Self { server, azure })
    }

    /// The server underneath: requests seen, counters, faults (`AzureFault` makes some), certificates.
    pub fn server(&self) -> &GitServer {
        &self.server
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The URL of a decoded path such as `/contoso/my project/_git/checkout`.
    pub fn url(&self, path: &str) -> String {
        self.server.url(path)
    }

    /// The same under another name for this host.
    pub fn url_at(&self, host: &str, path: &str) -> String {
        self.server.url_at(host, path)
    }

    /// Makes a token known, good for these scopes and no others.
    pub fn set_token(&self, secret: &str, scopes: &[AzureScope]) {
        self.azure.changing().tokens.insert(secret.to_owned(), Token::Valid(scopes.to_vec()));
    }

    /// Makes a token one that was known and has expired.
    pub fn expire_token(&self, secret: &str) {
        self.azure.changing().tokens.insert(secret.to_owned(), Token::Expired);
    }

    /// Makes a token one that was never known.
    pub fn revoke_token(&self, secret: &str) {
        self.azure.changing().tokens.remove(secret);
    }

    /// What REST answers to a token that is not known; a page to sign in, unless told otherwise.
    pub fn set_rest_refusal(&self, refusal: AzureRefusal) {
        self.azure.changing().rest_refusal = refusal;
    }

    /// What Git is answered with a token that is not known; 401, unless told otherwise.
    pub fn set_git_refusal(&self, refusal: AzureRefusal) {
        self.azure.changing().git_refusal = refusal;
    }

    /// What REST answers to a token that lacks a scope; 403, unless told otherwise.
    pub fn set_scope_refusal(&self, refusal: AzureScopeRefusal) {
        self.azure.changing().scope_refusal = refusal;
    }

    /// The latest version of REST that is answered from now on, such as `6.0`.
    pub fn set_latest_version(&self, version: &str) {
        self.azure.changing().latest_version = version.to_owned();
    }

    /// Lets answers of REST that succeed ask for so many seconds of quiet, by `Retry-After`.
    pub fn slow_down(&self, seconds: u32) {
        self.azure.changing().slow_down = Some(seconds);
    }

    pub fn end_slow_down(&self) {
        self.azure.changing().slow_down = None;
    }

    /// Disables a repository: still listed, gone for everything else.
    pub fn disable(&self, organisation: &str, project: &str, repository: &str) {
        self.azure.changing().disabled.insert(id_of(&[organisation, project, repository]));
    }

    pub fn enable(&self, organisation: &str, project: &str, repository: &str) {
        self.azure.changing().disabled.remove(&id_of(&[organisation, project, repository]));
    }

    /// The id of a repository, the same every time.
    pub fn repository_id(&self, organisation: &str, project: &str, repository: &str) -> String {
        id_of(&[organisation, project, repository])
    }

    /// The id of a project, the same every time.
    pub fn project_id(&self, organisation: &str, project: &str) -> String {
        id_of(&[organisation, project])
    }

    /// What every `sshUrl` starts with, up to the organisation: `git@ssh.dev.azure.com:v3`, unless told otherwise.
    pub fn set_ssh_base(&self, base: &str) {
        self.azure.changing().ssh_base = base.to_owned();
    }

    /// Closes every connection and returns when all that is done.
    pub fn stop(self) {
        drop(self);
    }
}

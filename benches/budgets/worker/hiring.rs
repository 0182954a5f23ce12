//! The delegate that is measured, and the tasks that it gets.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use suitesync::config::{Certificates, DelegateConfig, DelegateKind, Environment, RUNS_DISK, Secrets};
use suitesync::engine::local::{LocalDelegate, Workshop};
use suitesync_contract::{
    Access, Credentials, DelegateName, HostKeys, LinkView, Provider, RefSpec, RepoUrl, Scheme, SecretRef, SyncTask,
    Tags, Task, TaskId, Work,
};

use super::TIME_LIMIT;
use crate::measuring::{Link, Terms};

/// Where the delegate looks for the token, in an environment made for it.
const TOKEN_VARIABLE: &str = "TOKEN";

/// A delegate that works in a folder, as the agent makes them.
pub(super) fn hire(terms: &Terms, folder: &Path) -> anyhow::Result<LocalDelegate> {
    let authority = Certificates { path: terms.authority.clone(), pem: std::fs::read_to_string(&terms.authority)? };
    let config = DelegateConfig {
        name: delegate_name()?,
        tags: Tags::default(),
        capacity: 1,
        kind: DelegateKind::Local,
        runs: false,
        runs_disk: RUNS_DISK,
        additional_certs: Some(authority),
        proxy: None,
        no_proxy: Vec::new(),
    };
    let environment = Environment::of([(TOKEN_VARIABLE, terms.token.as_str())]);
    let secrets = Arc::new(ArcSwap::from_pointee(Secrets::new(Default::default(), environment)));
    Ok(LocalDelegate::new(&config, 4, Arc::new(Workshop::open(folder, secrets)?)))
}

pub(super) fn delegate_name() -> anyhow::Result<DelegateName> {
    Ok("bench".parse()?)
}

pub(super) fn repository(link: &Link) -> anyhow::Result<RepoUrl> {
    Ok(RepoUrl::parse(&link.url, Provider::Git)?.repository)
}

pub(super) fn sync_task(terms: &Terms, link: &Link) -> anyhow::Result<Task> {
    let url = repository(link)?;
    let is_ssh = url.origin().scheme == Scheme::Ssh;
    let access = Access {
        connection: "bench".parse()?,
        credentials: Some(if is_ssh { private_key(terms) } else { token() }),
        host_keys: if is_ssh { host_keys(terms)? } else { HostKeys::default() },
        url,
        client_certificate: None,
        additional_certs: None,
        allow_plain_http: false,
        api: None,
    };
    let view = LinkView {
        link: "bench".parse()?,
        revision: 0,
        reference: RefSpec::Branch("main".to_owned()),
        directory: link.directory.clone(),
        known: link.known,
    };
    let time_limit_ms = u64::try_from(TIME_LIMIT.as_millis())?;
    Ok(Task { id: TaskId(1), time_limit_ms, access, work: Work::Sync(SyncTask { links: vec![view] }) })
}

fn token() -> Credentials {
    Credentials::Basic { username: String::new(), password: SecretRef::Env(TOKEN_VARIABLE.to_owned()) }
}

fn private_key(terms: &Terms) -> Credentials {
    let private_key = SecretRef::File(terms.ssh_key.display().to_string());
    Credentials::PrivateKey { private_key, passphrase: None }
}

fn host_keys(terms: &Terms) -> anyhow::Result<HostKeys> {
    Ok(HostKeys { known_hosts: Some(std::fs::read_to_string(&terms.known_hosts)?), ..HostKeys::default() })
}

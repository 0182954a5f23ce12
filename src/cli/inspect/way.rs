//! The way to a repository as it is typed: who we are to the server, and what the server is known by.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use suitesync_contract::{Access, Credentials, HostKeys, RepoUrl, SecretRef, Tags};

use crate::cli::arguments::{InspectArguments, SignInArguments, WayArguments};
use crate::cli::fault::Fault;
use crate::config::{
    Certificates, DelegateConfig, DelegateKind, Environment, ProxySetting, RUNS_DISK, Secrets, read_certificates,
    read_fingerprint, read_known_hosts, read_proxy_url,
};
use crate::engine::local::{LocalDelegate, Workshop};

/// The delegate that looks, with its folder for what is fetched.
pub(super) fn delegate(way: &WayArguments, folder: &Path) -> Result<LocalDelegate, Fault> {
    let certificates = |path: &PathBuf| {
        let pem = read_certificates(path).map_err(|error| usage(&error, error.help()))?;
        Ok::<_, Fault>(Certificates { path: path.clone(), pem })
    };
    let config = DelegateConfig {
        name: "inspect".parse().map_err(|error| usage(error, "report it"))?,
        tags: Tags::default(),
        capacity: 1,
        kind: DelegateKind::Local,
        runs: false,
        runs_disk: RUNS_DISK,
        additional_certs: way.ca.as_ref().map(certificates).transpose()?,
        proxy: way.proxy.as_deref().map(proxy).transpose()?,
        no_proxy: Vec::new(),
    };
    let secrets = Arc::new(ArcSwap::from_pointee(Secrets::new(BTreeMap::new(), Environment::of_process())));
    let workshop = Workshop::open(folder, secrets)
        .map_err(|error| usage(error, "check that the folder for temporary files can be written to"))?;
    Ok(LocalDelegate::new(&config, 1, Arc::new(workshop)).reading_folders())
}

pub(super) fn access(arguments: &InspectArguments, url: &RepoUrl) -> Result<Access, Fault> {
    Ok(Access {
        connection: "inspect".parse().map_err(|error| usage(error, "report it"))?,
        url: url.clone(),
        credentials: credentials(&arguments.sign_in),
        host_keys: host_keys(&arguments.way)?,
        client_certificate: None,
        additional_certs: None,
        allow_plain_http: arguments.way.allow_plain_http,
        api: None,
    })
}

fn credentials(sign_in: &SignInArguments) -> Option<Credentials> {
    let variable = |name: &Option<String>| name.clone().map(SecretRef::Env);
    let token = variable(&sign_in.token_env).map(|secret| match sign_in.bearer {
        true => Credentials::Bearer { token: secret },
        false => Credentials::Basic { username: sign_in.username.clone().unwrap_or_default(), password: secret },
    });
    let key = sign_in.key.as_ref().map(|path| Credentials::PrivateKey {
        private_key: SecretRef::File(path.to_string_lossy().into_owned()),
        passphrase: variable(&sign_in.passphrase_env),
    });
    token.or(key)
}

fn host_keys(way: &WayArguments) -> Result<HostKeys, Fault> {
    let known_hosts = way.known_hosts.as_ref();
    let known_hosts =
        known_hosts.map(|path| read_known_hosts(path).map_err(|error| usage(&error, error.help()))).transpose()?;
    let fingerprint = |text: &String| {
        read_fingerprint(text).map_err(|fault| usage(format!("`{text}` {fault}"), "as `ssh-keygen -lf` shows it"))
    };
    Ok(HostKeys { known_hosts, fingerprints: way.host_key.iter().map(fingerprint).collect::<Result<_, _>>()? })
}

fn proxy(text: &str) -> Result<ProxySetting, Fault> {
    read_proxy_url(text)
        .map(|url| ProxySetting { url, login: None })
        .map_err(|fault| usage(format!("the proxy cannot be used: {fault}"), "write it as http://HOST:PORT"))
}

fn usage(message: impl Display, hint: impl Display) -> Fault {
    Fault::Usage { message: message.to_string(), hint: hint.to_string() }
}

//! Everything secret that one task needs: resolved when it begins, wiped when it ends.

use suitesync_contract::{Access, Credentials, Failure, FailureClass, SecretRef};
use suitesync_git::Authorization;
use suitesync_reach::{ClientIdentity, NoProxy, Proxy, ProxySettings};
use zeroize::Zeroizing;

use super::hidden::Hidden;
use crate::config::{DelegateConfig, ProxySetting, Secrets};

/// How a delegate gets out of its network, but for the secrets in it.
#[derive(Debug, Clone)]
pub(super) struct Outlet {
    proxy: Option<ProxySetting>,
    no_proxy: NoProxy,
}

#[derive(Debug)]
pub(super) struct Keyring {
    pub(super) authorization: Option<Authorization>,
    pub(super) identity: Option<ClientIdentity>,
    pub(super) proxy: Option<Proxy>,
    pub(super) api_token: Option<Zeroizing<String>>,
    /// Knows all of these.
    pub(super) hidden: Hidden,
}

impl Outlet {
    pub(super) fn new(config: &DelegateConfig) -> Self {
        // What cannot be read was refused when the configuration was.
        let rules = config.no_proxy.iter().filter_map(|rule| NoProxy::parse(rule).ok());
        Self { proxy: config.proxy.clone(), no_proxy: NoProxy::of(rules) }
    }

    fn proxy(&self, secrets: &Secrets, hidden: &mut Hidden) -> Result<Option<Proxy>, Failure> {
        let Some(config) = &self.proxy else { return Ok(None) };
        let login = config.login.as_ref().map(|login| secrets.resolve_proxy_login(login)).transpose()?;
        if let Some((username, password)) = &login {
            hidden.login(username, password);
        }
        let (username, password) = login.unzip();
        let password = password.map(|password| Zeroizing::new(password.expose().to_owned()));
        Proxy::new(ProxySettings { url: &config.url, username, password }, self.no_proxy.clone())
            .map(Some)
            .map_err(|error| Failure::new(FailureClass::Proxy, error.to_string()))
    }
}

impl Keyring {
    /// Blocks: secrets come out of files and commands. A failure names the source of the one that lacks.
    pub(super) fn resolve(secrets: &Secrets, access: &Access, outlet: &Outlet) -> Result<Self, Failure> {
        let mut hidden = Hidden::default();
        let authorization = access.credentials.as_ref();
        let authorization =
            authorization.map(|credentials| authorize(secrets, credentials, &mut hidden)).transpose()?;
        let identity = match &access.client_certificate {
            None => None,
            Some(certificate) => {
                let key = secrets.resolve_key(&certificate.key)?;
                hidden.key(&key);
                let identity = ClientIdentity::from_pem(&certificate.chain, key.expose());
                Some(identity.map_err(|error| unusable(&certificate.key, &error))?)
            }
        };
        let api_token = access.api.as_ref().map(|api| secrets.resolve(&api.token)).transpose()?;
        if let Some(token) = &api_token {
            hidden.login("", token);
        }
        let api_token = api_token.map(|token| Zeroizing::new(token.expose().to_owned()));
        let proxy = outlet.proxy(secrets, &mut hidden)?;
        Ok(Self { authorization, identity, proxy, api_token, hidden })
    }
}

fn authorize(secrets: &Secrets, credentials: &Credentials, hidden: &mut Hidden) -> Result<Authorization, Failure> {
    Ok(match credentials {
        Credentials::Basic { username, password } => {
            let password = secrets.resolve(password)?;
            hidden.login(username, &password);
            Authorization::Basic { username: username.clone(), password: password.expose().to_owned() }
        }
        Credentials::Bearer { token } => {
            let token = secrets.resolve(token)?;
            hidden.login("", &token);
            Authorization::Bearer { token: token.expose().to_owned() }
        }
        Credentials::PrivateKey { private_key, passphrase } => {
            let key = secrets.resolve_key(private_key)?;
            hidden.key(&key);
            let passphrase = passphrase.as_ref().map(|passphrase| secrets.resolve(passphrase)).transpose()?;
            if let Some(passphrase) = &passphrase {
                hidden.secret(passphrase);
            }
            Authorization::PrivateKey {
                private_key: key.expose().to_owned(),
                passphrase: passphrase.map(|passphrase| passphrase.expose().to_owned()),
            }
        }
    })
}

fn unusable(source: &SecretRef, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureClass::SecretUnavailable, format!("{source} cannot be used: {error}"))
}

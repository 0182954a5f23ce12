//! The proxy of a delegate: where it is, who we are to it, and which servers are reached without it.

mod no_proxy;
mod tunnel;

use std::fmt;

use reqwest::Url;
use reqwest::header::HeaderValue;
use suitesync_contract::Origin;
use url::Host;
use zeroize::Zeroizing;

use crate::basic::basic;
use crate::fingerprint::Fingerprint;
pub use no_proxy::{InvalidRule, NoProxy};
pub(crate) use tunnel::{TunnelError, open};

/// A proxy as it is set.
pub struct ProxySettings<'a> {
    /// `http://HOST:PORT` or `https://HOST:PORT`; without a port it is the scheme's own.
    pub url: &'a str,
    pub username: Option<String>,
    pub password: Option<Zeroizing<String>>,
}

/// An HTTP proxy, spoken to in plain or over TLS.
#[derive(Clone)]
pub struct Proxy {
    /// Never holds credentials.
    url: Url,
    /// Without brackets.
    host: String,
    port: u16,
    authorization: Option<HeaderValue>,
    rules: NoProxy,
}

/// How the proxy itself is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProxyScheme {
    Plain,
    Tls,
}

/// Why settings are no proxy. Never holds a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProxy {
    #[error("failed to read the proxy's URL; write it as `http://HOST:PORT` or `https://HOST:PORT`")]
    Url,
    #[error("failed to use the proxy: only `http://` and `https://` proxies are supported")]
    Scheme,
    #[error("failed to use the proxy: its URL holds credentials; put them into `username` and `password`")]
    Credentials,
    #[error("failed to use the proxy: its URL goes on after the port; a proxy has no path")]
    Path,
    #[error("failed to use the proxy: its user name holds a colon or a control character, which cannot be sent")]
    Username,
}

impl Proxy {
    pub fn new(settings: ProxySettings<'_>, rules: NoProxy) -> Result<Self, InvalidProxy> {
        let url = Url::parse(settings.url).map_err(|_| InvalidProxy::Url)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidProxy::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidProxy::Credentials);
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidProxy::Path);
        }
        let (host, port) = endpoint(&url).ok_or(InvalidProxy::Url)?;
        let authorization = match (&settings.username, &settings.password) {
            (None, None) => None,
            (username, password) => Some(login(username.as_deref(), password.as_ref().map(|text| text.as_str()))?),
        };
        Ok(Self { url, host, port, authorization, rules })
    }

    /// Whether a server is reached through this proxy.
    pub fn applies_to(&self, origin: &Origin) -> bool {
        !self.rules.exempts(&origin.host, origin.port)
    }

    /// Host and port, for messages and details.
    pub fn address(&self) -> String {
        authority(&self.host, self.port)
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn scheme(&self) -> ProxyScheme {
        if self.url.scheme() == "https" { ProxyScheme::Tls } else { ProxyScheme::Plain }
    }

    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// Of everything about it: a new password is another proxy.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let authorization = self.authorization.as_ref().map(HeaderValue::as_bytes).unwrap_or_default();
        Fingerprint::of([self.url.as_str().as_bytes(), authorization, self.rules.to_string().as_bytes()])
    }

    /// The same for the HTTP client, deciding by our rules.
    pub(crate) fn for_http(&self) -> reqwest::Proxy {
        let (url, rules) = (self.url.clone(), self.rules.clone());
        let proxy = reqwest::Proxy::custom(move |target| {
            let (host, port) = endpoint(target)?;
            (!rules.exempts(&host, port)).then(|| url.clone())
        });
        match &self.authorization {
            Some(authorization) => proxy.custom_http_auth(authorization.clone()),
            None => proxy,
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authorization = self.authorization.as_ref().map(|_| "[secret]");
        let mut shown = f.debug_struct("Proxy");
        shown.field("url", &self.url.as_str()).field("authorization", &authorization);
        shown.field("rules", &self.rules.to_string()).finish()
    }
}

impl fmt::Debug for ProxySettings<'_> {
    /// The URL may hold credentials by mistake, so nothing is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySettings").finish_non_exhaustive()
    }
}

/// Host and port as a request names them: a numeric host of version 6 in brackets.
pub(crate) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn endpoint(url: &Url) -> Option<(String, u16)> {
    let host = match url.host()? {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    Some((host, url.port_or_known_default()?))
}

fn login(username: Option<&str>, password: Option<&str>) -> Result<HeaderValue, InvalidProxy> {
    let username = username.unwrap_or_default();
    if username.contains(|c: char| c == ':' || c.is_control()) {
        return Err(InvalidProxy::Username);
    }
    Ok(basic(username, password.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use suitesync_contract::Scheme;

    use super::*;

    fn proxy(url: &str, password: Option<&str>) -> Result<Proxy, InvalidProxy> {
        let password = password.map(|password| Zeroizing::new(password.to_owned()));
        let username = password.is_some().then(|| "svc".to_owned());
        Proxy::new(ProxySettings { url, username, password }, NoProxy::parse(".corp").unwrap())
    }

    fn check_refused(url: &str, expect: InvalidProxy) {
        assert_eq!(proxy(url, None).unwrap_err(), expect, "{url}");
    }

    #[test]
    fn addresses_are_read_with_their_ports() {
        let check = |url: &str, expect: &str| assert_eq!(proxy(url, None).unwrap().address(), expect);
        check("http://proxy.dc1:3128", "proxy.dc1:3128");
        check("HTTPS://Proxy.DC1", "proxy.dc1:443");
        check("http://proxy.dc1/", "proxy.dc1:80");
        check("http://[fd00::1]:3128", "[fd00::1]:3128");
    }

    #[test]
    fn what_is_no_proxy_is_refused() {
        check_refused("proxy.dc1", InvalidProxy::Url);
        check_refused("proxy.dc1:3128", InvalidProxy::Scheme);
        check_refused("socks5://proxy.dc1:1080", InvalidProxy::Scheme);
        check_refused("http://svc:hunter2@proxy.dc1:3128", InvalidProxy::Credentials);
        check_refused("http://proxy.dc1:3128/path", InvalidProxy::Path);
        let username = Some("a:b".to_owned());
        let settings = ProxySettings { url: "http://proxy.dc1:3128", username, password: None };
        assert_eq!(Proxy::new(settings, NoProxy::default()).unwrap_err(), InvalidProxy::Username);
    }

    #[test]
    fn any_difference_makes_another_fingerprint() {
        let fingerprint = |url, password| proxy(url, password).unwrap().fingerprint();
        let one = fingerprint("http://proxy.dc1:3128", Some("hunter2"));
        assert_eq!(one, fingerprint("http://PROXY.dc1:3128/", Some("hunter2")));
        assert_ne!(one, fingerprint("https://proxy.dc1:3128", Some("hunter2")));
        assert_ne!(one, fingerprint("http://proxy.dc1:3128", Some("hunter3")));
        assert_ne!(one, fingerprint("http://proxy.dc1:3128", None));
    }

    #[test]
    fn credentials_are_never_shown() {
        let shown = format!("{:?}", proxy("http://proxy.dc1:3128", Some("hunter2")).unwrap());
        assert!(!shown.contains("hunter2") && !shown.contains(&STANDARD.encode("svc:hunter2")), "{shown}");
        assert!(shown.contains("[secret]") && shown.contains("proxy.dc1"), "{shown}");
    }

    #[test]
    fn servers_are_exempt_by_the_rules() {
        let proxy = proxy("http://proxy.dc1:3128", None).unwrap();
        let origin = |host: &str| Origin { scheme: Scheme::Https, host: host.to_owned(), port: 443 };
        assert!(proxy.applies_to(&origin("dev.azure.com")));
        assert!(!proxy.applies_to(&origin("git.corp")));
    }
}

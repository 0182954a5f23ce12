//! The URL of a proxy, taken apart: where it is, and who we are to it.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;
use zeroize::Zeroizing;

/// A proxy's URL. It has no `Debug`: it may hold a password.
pub(super) struct ProxyUrl {
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub(super) url: String,
    pub(super) login: Option<Login>,
}

/// User and password in the clear.
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: Zeroizing<String>,
}

/// Why a text is no proxy's URL. Nothing of the text is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyFault {
    Socks,
    Scheme,
    Path,
    Host,
    /// User or password where only the proxy's place is wanted.
    Login,
}

impl fmt::Display for ProxyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Socks => "a SOCKS proxy is not supported",
            Self::Scheme => "the URL's scheme is neither http nor https",
            Self::Path => "the URL goes on behind the proxy's host and port",
            Self::Host => "the URL names no host and port",
            Self::Login => "the URL holds a user or a password",
        })
    }
}

/// Reads a proxy's URL as the usual environment variables have it: one without a scheme is of `http`.
pub(super) fn read(text: &str) -> Result<ProxyUrl, ProxyFault> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let scheme = scheme.to_ascii_lowercase();
    if scheme.starts_with("socks") {
        return Err(ProxyFault::Socks);
    }
    if !matches!(scheme.as_str(), "http" | "https") {
        return Err(ProxyFault::Scheme);
    }
    let (userinfo, place) = match rest.rsplit_once('@') {
        Some((userinfo, place)) => (Some(userinfo), place),
        None => (None, rest),
    };
    let place = place.strip_suffix('/').unwrap_or(place);
    if place.contains(['/', '?', '#', '\\']) {
        return Err(ProxyFault::Path);
    }
    let url = Url::parse(&format!("{scheme}://{place}")).map_err(|_| ProxyFault::Host)?;
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return Err(ProxyFault::Host) };
    Ok(ProxyUrl { url: format!("{scheme}://{host}:{port}"), login: userinfo.and_then(login) })
}

/// Reads the URL of a proxy that asks for no login.
pub fn read_proxy_url(text: &str) -> Result<String, ProxyFault> {
    let proxy = read(text)?;
    if proxy.login.is_some() { Err(ProxyFault::Login) } else { Ok(proxy.url) }
}

fn login(userinfo: &str) -> Option<Login> {
    let (username, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    if username.is_empty() && password.is_empty() {
        return None;
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some(Login { username: decoded(username), password: Zeroizing::new(decoded(password)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, url: &str, login: Option<(&str, &str)>) {
        let proxy = read(text).unwrap_or_else(|fault| panic!("{text:?}: {fault}"));
        let read = proxy.login.as_ref().map(|login| (login.username.as_str(), login.password.as_str()));
        assert_eq!((proxy.url.as_str(), read), (url, login), "{text:?}");
    }

    #[test]
    fn a_proxys_url_is_brought_to_scheme_host_and_port() {
        check("http://proxy.dc1:3128", "http://proxy.dc1:3128", None);
        check("HTTPS://Proxy.DC1/", "https://proxy.dc1:443", None);
        check("http://proxy.dc1", "http://proxy.dc1:80", None);
        check("proxy.dc1:3128", "http://proxy.dc1:3128", None);
        check("http://[::1]:3128", "http://[::1]:3128", None);
    }

    #[test]
    fn user_and_password_are_decoded_and_not_part_of_the_url() {
        check("http://svc:p%40ss@proxy.dc1:3128", "http://proxy.dc1:3128", Some(("svc", "p@ss")));
        check("svc:a/b@c@proxy.dc1:3128/", "http://proxy.dc1:3128", Some(("svc", "a/b@c")));
        check("http://svc@proxy.dc1:3128", "http://proxy.dc1:3128", Some(("svc", "")));
        check("http://@proxy.dc1:3128", "http://proxy.dc1:3128", None);
    }

    #[test]
    fn what_is_no_proxys_url_is_refused() {
        for (text, expect) in [
            ("socks5h://proxy.dc1:1080", ProxyFault::Socks),
            ("ftp://proxy.dc1", ProxyFault::Scheme),
            ("http://proxy.dc1/pac", ProxyFault::Path),
            ("http://proxy.dc1?x", ProxyFault::Path),
            ("http://", ProxyFault::Host),
            ("http://proxy dc1", ProxyFault::Host),
            ("http://proxy.dc1:70000", ProxyFault::Host),
        ] {
            assert_eq!(read(text).err(), Some(expect), "{text:?}");
        }
    }
}

//! Which hosts are meant: `dev.azure.com`, `*.example.org`, `git.example.org:8443`, `[2001:db8::7]:443`.

use std::fmt;
use std::str::FromStr;

/// A host, or everything below a domain, at one port or any. Letter case does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    /// In lower case; what follows `*` with its dot where subdomains are meant.
    host: String,
    is_domain: bool,
    port: Option<u16>,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    #[error("a host is missing")]
    Empty,
    #[error("a host name may not hold {0:?}: write `dev.azure.com`, `*.example.org` or `host:port`")]
    Character(char),
    #[error("`*` may only stand for what is before a domain, as in `*.example.org`")]
    Star,
    #[error("a port is a number from 1 to 65535")]
    Port,
}

impl HostPattern {
    /// Whether this host at this port is meant. `host` has no brackets.
    pub fn fits(&self, host: &str, port: u16) -> bool {
        let host = host.to_lowercase();
        let fits_host = if self.is_domain { below(&host, &self.host) } else { host == self.host };
        fits_host && self.port.is_none_or(|wanted| wanted == port)
    }

    pub fn names_port(&self) -> bool {
        self.port.is_some()
    }
}

/// Whether something stands before the domain, which begins with its dot.
fn below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|name| !name.is_empty())
}

/// Host and port, which follows a bracket or the only colon.
fn parts(text: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        return (host, rest.strip_prefix(':').or((!rest.is_empty()).then_some(rest)));
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

impl FromStr for HostPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let text = text.trim().to_lowercase();
        let (host, port) = parts(&text);
        let port = match port.map(str::parse) {
            None => None,
            Some(Ok(0) | Err(_)) => return Err(InvalidPattern::Port),
            Some(Ok(port)) => Some(port),
        };
        let (host, is_domain) = match host.strip_prefix('*') {
            Some(domain) if domain.len() > 1 && domain.starts_with('.') => (domain, true),
            Some(_) => return Err(InvalidPattern::Star),
            None => (host, false),
        };
        let is_of_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        match host.chars().find(|c| !is_of_host(*c)) {
            Some('*') => Err(InvalidPattern::Star),
            Some(c) => Err(InvalidPattern::Character(c)),
            None if host.is_empty() => Err(InvalidPattern::Empty),
            None => Ok(Self { host: host.to_owned(), is_domain, port }),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.is_domain { "*" } else { "" };
        match self.port {
            Some(port) if self.host.contains(':') => write!(f, "[{}]:{port}", self.host),
            Some(port) => write!(f, "{star}{}:{port}", self.host),
            None => write!(f, "{star}{}", self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, host: &str, expect: bool) {
        let (host, port) = host.rsplit_once('@').map_or((host, 443), |(host, port)| (host, port.parse().unwrap()));
        let pattern: HostPattern = pattern.parse().unwrap();
        assert_eq!(pattern.fits(host, port), expect, "{pattern} {host} {port}");
    }

    #[test]
    fn a_pattern_means_its_host_and_no_other() {
        check("dev.azure.com", "dev.azure.com", true);
        check("Dev.Azure.Com", "dev.azure.com", true);
        check("dev.azure.com", "DEV.azure.com@8443", true);
        check("dev.azure.com", "dev.azure.com.evil.org", false);
        check("dev.azure.com", "evil-dev.azure.com", false);
        check("*.example.org", "git.example.org", true);
        check("*.example.org", "a.b.example.org", true);
        check("*.example.org", "example.org", false);
        check("*.example.org", ".example.org", false);
        check("*.example.org", "evilexample.org", false);
        check("git.example.org:8443", "git.example.org@8443", true);
        check("git.example.org:8443", "git.example.org@443", false);
        check("2001:db8::7", "2001:db8::7@22", true);
        check("[2001:db8::7]:22", "2001:db8::7@22", true);
        check("[2001:db8::7]:22", "2001:db8::7@23", false);
    }

    #[test]
    fn other_texts_are_refused_with_the_reason() {
        let refusal = |text: &str| text.parse::<HostPattern>().unwrap_err();
        assert_eq!(refusal(""), InvalidPattern::Empty);
        assert_eq!(refusal("https://dev.azure.com"), InvalidPattern::Port);
        assert_eq!(refusal("dev.azure.com/org"), InvalidPattern::Character('/'));
        assert_eq!(refusal("*"), InvalidPattern::Star);
        assert_eq!(refusal("*example.org"), InvalidPattern::Star);
        assert_eq!(refusal("git.*.org"), InvalidPattern::Star);
        assert_eq!(refusal("git.example.org:0"), InvalidPattern::Port);
    }
}

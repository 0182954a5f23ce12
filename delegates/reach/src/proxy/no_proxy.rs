//! Which servers are reached directly though there is a proxy.
//!
//! A rule is, in any letter case and with or without a `:port` at its end:
//!
//! | rule | exempts |
//! |---|---|
//! | `corp.example` | that host and its subdomains, as curl, Git and Go have it |
//! | `.corp.example`, `*.corp.example` | its subdomains only, as Go has it |
//! | `10.1.2.3`, `::1`, `[::1]` | that address |
//! | `10.0.0.0/8`, `fd00::/8`, `[fd00::/8]` | the addresses of that block |
//! | `*` | everything |
//!
//! Addresses and blocks are compared with what stands in the URL: a name is never resolved to find out, as the proxy
//! may be the only one that can.

mod block;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use url::Host;

use block::Block;

/// What separates rules in one text, as in the variable `NO_PROXY`.
const SEPARATORS: [char; 2] = [',', ' '];

/// A set of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoProxy {
    /// Sorted, each once.
    rules: Vec<Rule>,
}

/// A text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the rule `{rule}`: {reason}")]
pub struct InvalidRule {
    pub rule: String,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("it is empty; write a host name, `.suffix`, an address, a block such as `10.0.0.0/8`, or `*`")]
    Empty,
    #[error("it is a URL; write the host alone, or `host:port`")]
    Url,
    #[error("its port is no number from 1 to 65535")]
    Port,
    #[error("its block is not an address, a slash, and the number of leading bits that count, such as `10.0.0.0/8`")]
    Block,
    #[error("it is neither a host name nor an address; a `*` may stand alone or before the first dot")]
    Name,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    hosts: Hosts,
    /// Any port where there is none.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Hosts {
    All,
    /// The host and its subdomains.
    Name(String),
    /// The subdomains alone; without the dot.
    Below(String),
    Block(Block),
}

impl NoProxy {
    /// Reads one rule, or several with commas or spaces between them, as the variable `NO_PROXY` has them.
    pub fn parse(text: &str) -> Result<Self, InvalidRule> {
        let written: Vec<_> = text.split(SEPARATORS).map(str::trim).filter(|rule| !rule.is_empty()).collect();
        if written.is_empty() {
            return Err(InvalidRule { rule: text.to_owned(), reason: Reason::Empty });
        }
        let read = |rule: &str| Rule::read(rule).map_err(|reason| InvalidRule { rule: rule.to_owned(), reason });
        written.into_iter().map(read).collect::<Result<_, _>>().map(Self::sorted)
    }

    /// All rules of several sets.
    pub fn of(sets: impl IntoIterator<Item = Self>) -> Self {
        Self::sorted(sets.into_iter().flat_map(|set| set.rules).collect())
    }

    /// Whether a server is reached directly. An address of version 6 stands without brackets.
    pub fn exempts(&self, host: &str, port: u16) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        self.rules.iter().any(|rule| rule.port.is_none_or(|only| only == port) && rule.hosts.hold(&host, address))
    }

    fn sorted(mut rules: Vec<Rule>) -> Self {
        rules.sort_unstable();
        rules.dedup();
        Self { rules }
    }
}

impl fmt::Display for NoProxy {
    /// The rules as they are understood; equal sets have equal texts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules: Vec<_> = self.rules.iter().map(Rule::to_string).collect();
        f.write_str(&rules.join(","))
    }
}

impl Rule {
    fn read(text: &str) -> Result<Self, Reason> {
        if text.contains("://") {
            return Err(Reason::Url);
        }
        let (hosts, port) = split_port(text)?;
        let port = port.map(|port| port.parse().ok().filter(|port| *port > 0).ok_or(Reason::Port)).transpose()?;
        Ok(Self { hosts: Hosts::read(hosts)?, port })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hosts {
            Hosts::All => f.write_str("*")?,
            Hosts::Name(name) => f.write_str(name)?,
            Hosts::Below(name) => write!(f, ".{name}")?,
            Hosts::Block(block) => write!(f, "[{block}]")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Hosts {
    fn read(text: &str) -> Result<Self, Reason> {
        if text == "*" {
            return Ok(Self::All);
        }
        if text.contains('/') {
            return Block::read(text).map(Self::Block).ok_or(Reason::Block);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Block(Block::single(address)));
        }
        match text.strip_prefix("*.").or_else(|| text.strip_prefix('.')) {
            Some(suffix) => match host(suffix)? {
                Host::Domain(name) => Ok(Self::Below(name)),
                Host::Ipv4(_) | Host::Ipv6(_) => Err(Reason::Name),
            },
            None => host(text).map(|host| match host {
                Host::Domain(name) => Self::Name(name),
                Host::Ipv4(address) => Self::Block(Block::single(address.into())),
                Host::Ipv6(address) => Self::Block(Block::single(address.into())),
            }),
        }
    }

    fn hold(&self, host: &str, address: Option<IpAddr>) -> bool {
        match (self, address) {
            (Self::All, _) => true,
            (Self::Block(block), Some(address)) => block.holds(address),
            (Self::Block(_), None) | (Self::Name(_) | Self::Below(_), Some(_)) => false,
            (Self::Name(name), None) => host == name || is_below(host, name),
            (Self::Below(name), None) => is_below(host, name),
        }
    }
}

/// The hosts of a rule without brackets, and the text of its port. Only in brackets can an address of version 6 have
/// a port: its own colons are not told from one.
fn split_port(text: &str) -> Result<(&str, Option<&str>), Reason> {
    if let Some((inside, after)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return match after.strip_prefix(':') {
            Some(port) => Ok((inside, Some(port))),
            None if after.is_empty() => Ok((inside, None)),
            None => Err(Reason::Name),
        };
    }
    match text.split_once(':') {
        Some((hosts, port)) if !port.contains(':') => Ok((hosts, Some(port))),
        _ => Ok((text, None)),
    }
}

/// A host as a URL would have it, so that both sides are spelled alike: lower case, punycode, no dot at the end.
fn host(text: &str) -> Result<Host, Reason> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_plain =
        !text.is_empty() && !text.contains(['*', '[', ']']) && text.split('.').all(|label| !label.is_empty());
    if is_plain { Host::parse(text).map_err(|_| Reason::Name) } else { Err(Reason::Name) }
}

fn is_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

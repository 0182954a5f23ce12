//! The parts of an address as it was pasted: URL, scp form or local path, before more is known of the provider than its
//! host.
//!
//! The path is split here and not by the `url` crate, which would resolve dot segments, turn backslashes into slashes
//! and drop line ends without a word. Hosts are read by that crate, so that what is compared is what is connected to.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use url::Host;

use super::azure;
use super::origin::{Origin, Scheme};
use super::segment::{self, Writing};
use super::{RepositoryIdentity, UrlError};

/// An address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) origin: Origin,
    /// The login name of SSH; over HTTP a user is dropped.
    pub(super) user: Option<String>,
    /// The path, decoded.
    pub(super) segments: Vec<String>,
    pub(super) start: PathStart,
    pub(super) query: Option<String>,
    pub(super) fragment: Option<String>,
}

/// Where the path begins that an SSH server is asked for.
///
/// `ssh://host/a` is the folder at the top, `host:a` and `ssh://host/~/a` the one in the login's home. Hosting services
/// know no such difference, so neither does the identity: in whichever form a repository is named, it is one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum PathStart {
    #[default]
    Top,
    Home,
}

impl PathStart {
    pub(super) fn is_top(&self) -> bool {
        *self == Self::Top
    }
}

impl Address {
    pub(super) fn read(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if text.contains(char::is_control) {
            return Err(UrlError::new("the URL holds a control character"));
        }
        if text.contains('\\') {
            return Err(UrlError::new("the URL holds a backslash"));
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return match Scheme::read(scheme) {
                Some(Scheme::File) => Self::read_file(rest),
                Some(scheme) => Self::read_url(scheme, rest),
                None => Err(UrlError::new("the URL's scheme is none of https, http, ssh and file")),
            };
        }
        if text.starts_with('/') {
            return Ok(Self::of_file(segment::split(text, Writing::Literal)?));
        }
        if is_scp(text) { Self::read_scp(text) } else { Err(without_scheme(text)) }
    }

    fn read_url(scheme: Scheme, rest: &str) -> Result<Self, UrlError> {
        let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, place) = match authority.rsplit_once('@') {
            Some((userinfo, place)) => (Some(userinfo), place),
            None => (None, authority),
        };
        if user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !password.is_empty()) {
            let corrected = format!("{scheme}://{place}{}", path_of(tail));
            return Err(
                UrlError::new("the URL holds a password, which belongs into `credentials`").corrected(corrected)
            );
        }
        let user = read_user(scheme, user)?;
        let (host, port) = split_colon(place);
        let host = read_host(host)?;
        let port = match port {
            None | Some("") => scheme.default_port(),
            Some(word) => read_port(word).ok_or_else(|| not_a_port(scheme, user.as_deref(), &host, word, tail))?,
        };
        Self::read_tail(Origin { scheme, host, port }, user, tail, Writing::Encoded)
    }

    /// `[user@]host:path`, as SSH clients write it. Of the path nothing is decoded, but where Azure wrote it.
    fn read_scp(text: &str) -> Result<Self, UrlError> {
        let (authority, path) = match split_colon(text) {
            (authority, Some(path)) => (authority, path),
            (_, None) => return Err(without_scheme(text)),
        };
        if let Some(scheme) = Scheme::read(authority) {
            return Err(without_slashes(scheme, path));
        }
        if !authority.contains('@') && begins_with_login(path) {
            return Err(UrlError::new("the URL seems to hold a password, which belongs into `credentials`"));
        }
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let (host, port) = split_bracketed_port(host);
        let port = match port {
            Some(word) => read_port(word).ok_or_else(port_refused)?,
            None => Scheme::Ssh.default_port(),
        };
        let origin = Origin { scheme: Scheme::Ssh, host: read_host(host)?, port };
        let writing = if azure::is_encoded(&origin.host, path) { Writing::Encoded } else { Writing::Literal };
        let address = Self::read_tail(origin, read_user(Scheme::Ssh, user)?, path, writing)?;
        Ok(if path.starts_with('/') { address } else { Self { start: PathStart::Home, ..address } })
    }

    fn read_file(rest: &str) -> Result<Self, UrlError> {
        let path = rest.strip_prefix("localhost").unwrap_or(rest);
        if !path.starts_with('/') {
            return Err(UrlError::new("a file URL begins with `file:///`"));
        }
        Self::read_tail(Origin::of_files(), None, path, Writing::Encoded)
    }

    fn of_file(segments: Vec<String>) -> Self {
        let (origin, start) = (Origin::of_files(), PathStart::Top);
        Self { origin, user: None, segments, start, query: None, fragment: None }
    }

    fn read_tail(origin: Origin, user: Option<String>, tail: &str, writing: Writing) -> Result<Self, UrlError> {
        let (tail, fragment) = split_mark(tail, '#');
        let (path, query) = split_mark(tail, '?');
        let mut address = Self { origin, user, segments: Vec::new(), start: PathStart::Top, query, fragment };
        if let Some(path) = decoded_slashes(path).filter(|_| writing == Writing::Encoded) {
            let corrected = format!("{address}/{}", path.trim_start_matches('/'));
            return Err(UrlError::new("the path holds an encoded slash (`%2F`)").corrected(corrected));
        }
        address.segments = segment::split(path, writing)?;
        if address.origin.scheme == Scheme::Ssh && address.segments.first().is_some_and(|first| first == "~") {
            address.segments.remove(0);
            address.start = PathStart::Home;
        }
        Ok(address)
    }

    pub(super) fn has_view(&self) -> bool {
        self.query.is_some() || self.fragment.is_some()
    }

    /// Refuses a query or a fragment, which only a web URL has.
    pub(super) fn without_view(&self) -> Result<(), UrlError> {
        if self.has_view() {
            return Err(UrlError::new("the URL holds a query or a fragment").corrected(self.to_string()));
        }
        Ok(())
    }

    /// The identity of a repository of which no more is known than its address: letter case counts.
    pub(super) fn identity(&self) -> RepositoryIdentity {
        let scheme = match self.origin.scheme {
            Scheme::Https | Scheme::Http => "",
            Scheme::Ssh => "ssh://",
            Scheme::File => "file://",
        };
        RepositoryIdentity(format!("{scheme}{}/{}", self.origin, self.segments.join("/")))
    }
}

impl fmt::Display for Address {
    /// Without query and fragment, and with no user but the login of SSH.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.origin.scheme)?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        write!(f, "{}{}", self.origin, segment::join(&self.segments))
    }
}

/// Whether a text without `://` is of the form `host:path`.
pub(super) fn is_scp(text: &str) -> bool {
    text.split('/').next().is_some_and(|before| before.contains(':'))
}

pub(super) fn read_user(scheme: Scheme, userinfo: Option<&str>) -> Result<Option<String>, UrlError> {
    if scheme != Scheme::Ssh {
        return Ok(None);
    }
    let Some(userinfo) = userinfo else { return Ok(None) };
    let user = userinfo.strip_suffix(':').unwrap_or(userinfo);
    let user = percent_decode_str(user).decode_utf8().map_err(|_| UrlError::new("the login is not UTF-8"))?;
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '+' | '~');
    if user.starts_with('-') || !user.chars().all(is_plain) {
        return Err(UrlError::new("the login holds characters that no login name has"));
    }
    Ok(Some(user.into_owned()).filter(|user| !user.is_empty()))
}

/// The host in lower case and without brackets, and without the dot that may end a full name.
pub(super) fn read_host(text: &str) -> Result<String, UrlError> {
    let refused = || UrlError::new("the URL's host is not a host name");
    let name = match Host::parse(text).map_err(|_| refused())? {
        Host::Domain(name) => name.strip_suffix('.').unwrap_or(&name).to_owned(),
        Host::Ipv4(number) => number.to_string(),
        Host::Ipv6(number) => return Ok(number.to_string()),
    };
    // A host that begins with a dash would be an option to programs such as `ssh`.
    if name.starts_with('-') || name.split('.').any(str::is_empty) { Err(refused()) } else { Ok(name) }
}

/// What stands before and behind the first colon; those of a host in brackets do not count.
fn split_colon(text: &str) -> (&str, Option<&str>) {
    let mut in_brackets = false;
    let colon = text.find(|c| {
        in_brackets = (in_brackets || c == '[') && c != ']';
        c == ':' && !in_brackets
    });
    match colon {
        Some(colon) => (text.get(..colon).unwrap_or_default(), text.get(colon + 1..)),
        None => (text, None),
    }
}

/// `[host:port]:path`: the form with a path behind a colon has no other place for a port.
fn split_bracketed_port(host: &str) -> (&str, Option<&str>) {
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match inside.and_then(|inside| inside.split_once(':')).filter(|(_, port)| !port.contains(':')) {
        Some((host, port)) => (host, Some(port)),
        None => (host, None),
    }
}

fn read_port(word: &str) -> Option<u16> {
    let is_number = word.chars().all(|c| c.is_ascii_digit());
    word.parse().ok().filter(|&port| is_number && port != 0)
}

fn port_refused() -> UrlError {
    UrlError::new("the URL's port is not a number from 1 to 65535")
}

/// `ssh://host:path` mixes the two forms of SSH. Nothing is repeated where an `@` behind it hints at a password.
fn not_a_port(scheme: Scheme, user: Option<&str>, host: &str, word: &str, tail: &str) -> UrlError {
    let refused = port_refused();
    if scheme != Scheme::Ssh || tail.contains('@') || word.chars().all(|c| c.is_ascii_digit()) {
        return refused;
    }
    let login = user.map(|user| format!("{user}@")).unwrap_or_default();
    refused.corrected(format!("ssh://{login}{host}/{word}{}", path_of(tail)))
}

fn without_scheme(text: &str) -> UrlError {
    let refused = UrlError::new("the text is no URL: it has no scheme such as `https://`");
    let names_host = text.split_once('/').is_some_and(|(host, _)| host.contains('.')) && !text.contains('@');
    if names_host { refused.corrected(format!("https://{}", path_of(text))) } else { refused }
}

/// Whether a path begins as `password@host` or `/user:password@host`.
fn begins_with_login(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    first.rsplit_once('@').is_some_and(|(before, _)| !path.starts_with('/') || before.contains(':'))
}

/// `https:/host/a`: as the form `host:path` it would be of a host that is called like the scheme.
fn without_slashes(scheme: Scheme, path: &str) -> UrlError {
    if scheme == Scheme::File {
        return UrlError::new("a file URL begins with `file:///`");
    }
    let refused = UrlError::new(format!("the URL lacks a slash behind `{scheme}:/`"));
    // What is offered has been read, and so is without a password.
    match Address::read_url(scheme, path.trim_start_matches('/')) {
        Ok(address) => refused.corrected(address.to_string()),
        Err(UrlError { corrected: Some(text), .. }) => refused.corrected(text),
        Err(_) => refused,
    }
}

fn path_of(tail: &str) -> &str {
    tail.split(['?', '#']).next().unwrap_or_default()
}

fn split_mark(text: &str, mark: char) -> (&str, Option<String>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after.to_owned())),
        None => (text, None),
    }
}

/// The path with its encoded slashes as slashes, if it has any.
fn decoded_slashes(path: &str) -> Option<String> {
    let decoded = path.replace("%2F", "/").replace("%2f", "/");
    (decoded != path).then_some(decoded)
}

//! `[remote]`: the NATS server where an agent and its delegates on other hosts meet.

use std::net::IpAddr;

use globset::Glob;
use url::{Host, Url};

use super::Context;
use super::secret::read_reference;
use crate::config::place::Placed;
use crate::config::report::Finding;
use crate::config::section::Section;
use crate::config::settings::{RemoteConfig, RemoteLogin};

/// Where NATS listens unless told otherwise.
const DEFAULT_PORT: u16 = 4222;

/// All delegates that can log in.
const ANYBODY: &str = "*";

/// How the address is written.
const URL_HELP: &str = "write \"tls://HOST:PORT\", or \"nats://HOST:PORT\" for a server on this host";

/// The keys that say who we are; each excludes the other.
const LOGINS: [&str; 2] = ["credentials", "nkey"];

/// Where a NATS server is.
struct ServerUrl {
    shown: String,
    is_plain: bool,
    is_loopback: bool,
}

pub(super) fn read(section: &Section<'_>, context: &Context<'_>) -> Option<RemoteConfig> {
    let login = read_login(section, context);
    let accept = read_accept(section);
    let additional_certs = match section.value("additional_certs_path") {
        Some(_) => context.certificates(section),
        None => context.certificates_of_environment(),
    };
    let is_plain_allowed = section.flag("allow_plain_nats").unwrap_or(false);
    let url = read_url(section)?;
    if url.value.is_plain && !url.value.is_loopback && login.is_some() && !is_plain_allowed {
        let finding =
            Finding::error(url.place, "`url` would have credentials and tasks go unencrypted to another host");
        section.report.add(finding.help("write \"tls://HOST:PORT\", or add `allow_plain_nats = true`"));
    }
    Some(RemoteConfig { url: url.value.shown, login, accept, additional_certs })
}

fn read_login(section: &Section<'_>, context: &Context<'_>) -> Option<RemoteLogin> {
    let key = section.only_one_of(&LOGINS)?;
    let reference = read_reference(section, key, context)?;
    Some(if key == "nkey" { RemoteLogin::NKey(reference) } else { RemoteLogin::Credentials(reference) })
}

fn read_accept(section: &Section<'_>) -> Vec<String> {
    let Some(globs) = section.texts("accept") else { return vec![ANYBODY.to_owned()] };
    for glob in &globs {
        if let Err(fault) = Glob::new(glob.value) {
            let finding = Finding::error(glob.place, format!("`accept` is not usable: {}", fault.kind()));
            section.report.add(finding.help("such as \"dc*\": `*` stands for any part of a delegate's name"));
        }
    }
    globs.into_iter().map(|glob| glob.value.to_owned()).collect()
}

fn read_url(section: &Section<'_>) -> Option<Placed<ServerUrl>> {
    let text = section.required_text("url")?;
    match server_url(text.value) {
        Ok(url) => Some(Placed::new(url, text.place)),
        Err(fault) => {
            section.report.add(Finding::error(text.place, format!("`url` is not usable: {fault}")).help(URL_HELP));
            None
        }
    }
}

/// Nothing of the text is repeated in a fault: it may hold a password.
fn server_url(text: &str) -> Result<ServerUrl, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is no URL")?;
    let is_plain = match url.scheme() {
        "nats" => true,
        "tls" => false,
        _ => return Err("its scheme is neither tls nor nats"),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user or a password");
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("it goes on behind host and port");
    }
    let host = url.host().filter(|host| *host != Host::Domain("")).ok_or("it names no host")?;
    let shown = format!("{}://{host}:{}", url.scheme(), url.port().unwrap_or(DEFAULT_PORT));
    Ok(ServerUrl { shown, is_plain, is_loopback: is_loopback(&host) })
}

/// Whether what is sent stays on this host.
fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        // The scheme is none that `url` knows, so that addresses of IPv4 stay texts.
        Host::Domain(name) => *name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_servers_are_taken_apart() {
        let check = |text: &str, shown: &str, plain: bool, loopback: bool| {
            let url = server_url(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
            assert_eq!((url.shown.as_str(), url.is_plain, url.is_loopback), (shown, plain, loopback), "{text}");
        };
        check("tls://nats.example.org:4222", "tls://nats.example.org:4222", false, false);
        check("tls://nats.example.org", "tls://nats.example.org:4222", false, false);
        check("nats://127.0.0.1:1/", "nats://127.0.0.1:1", true, true);
        check("nats://[::1]:1", "nats://[::1]:1", true, true);
        check("nats://localhost", "nats://localhost:4222", true, true);
        check("nats://10.0.0.1", "nats://10.0.0.1:4222", true, false);
    }

    #[test]
    fn addresses_that_cannot_be_used_are_refused_without_being_repeated() {
        let check = |text: &str, fault: &str| assert_eq!(server_url(text).err(), Some(fault), "{text}");
        check("nats.example.org:4222", "its scheme is neither tls nor nats");
        check("https://nats.example.org", "its scheme is neither tls nor nats");
        check("nats.example.org", "it is no URL");
        check("tls://me:hunter2@h", "it holds a user or a password");
        check("tls://h/path", "it goes on behind host and port");
        check("tls://", "it names no host");
        check("tls:h", "it goes on behind host and port");
    }
}

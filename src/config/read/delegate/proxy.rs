//! `proxy` and `no_proxy` of a `[[delegate]]`: written down, or taken from the usual environment variables.
//!
//! User and password never stand in a URL here. Where those of an environment variable do, its name is what is kept.

use suitesync_reach::NoProxy;
use toml::de::DeValue;
use zeroize::Zeroizing;

use crate::config::keys;
use crate::config::place::Placed;
use crate::config::proxy::{self, ProxyFault};
use crate::config::read::Context;
use crate::config::read::secret::read_reference;
use crate::config::report::Finding;
use crate::config::section::{Section, Value};
use crate::config::settings::{ProxyLogin, ProxySetting};

/// The word for what the environment says.
const ENVIRONMENT: &str = "environment";

/// Where the environment names a proxy, first come first served. All that goes out goes through the one: the last two
/// are often of SOCKS, which browsers alone can use.
const VARIABLES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Where the environment names what is reached without the proxy.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

pub(super) fn read(section: &Section<'_>, context: &Context<'_>) -> Option<ProxySetting> {
    let value = section.value("proxy")?;
    if let DeValue::Table(_) = value.value {
        return read_table(section, value, context);
    }
    let text = section.text("proxy")?;
    if text.value == ENVIRONMENT {
        return from_environment(section, text.map(|_| ()), context);
    }
    let url = read_url(section, "proxy", text)?;
    Some(ProxySetting { url, login: None })
}

fn read_table(section: &Section<'_>, value: Value<'_>, context: &Context<'_>) -> Option<ProxySetting> {
    let table = Section::open(section.report, value, &keys::PROXY)?;
    let username = table.text("username");
    let password = read_reference(&table, "password", context);
    let url = table.required_text("url").and_then(|text| read_url(&table, "url", text));
    let refuse = |place, lacks: &str, help: &str| {
        table.report.add(Finding::error(place, format!("`proxy` lacks `{lacks}`")).help(help));
    };
    let login = match (username, table.key_place("password")) {
        (None, None) => None,
        (Some(username), None) => {
            refuse(username.place, "password", "add `password`, the source of a secret, or remove `username`");
            None
        }
        (None, Some(place)) => {
            refuse(place, "username", "add `username`, or remove `password`");
            None
        }
        (Some(username), Some(_)) => {
            if username.value.contains(|c: char| c == ':' || c.is_control()) {
                let finding = Finding::error(username.place, "`username` holds a colon or a control character");
                table.report.add(finding.help("HTTP has no way to send such a name"));
            }
            password.map(|password| ProxyLogin::Written { username: username.value.to_owned(), password })
        }
    };
    Some(ProxySetting { url: url?, login })
}

/// A written URL: with a scheme, and with nobody's name in it.
fn read_url(section: &Section<'_>, key: &str, text: Placed<&str>) -> Option<String> {
    let refuse = |message: &str, help: &str| {
        let finding = Finding::error(text.place, format!("`{key}` is not usable: {message}"));
        section.report.add(finding.help(help));
    };
    match proxy::read(text.value) {
        Ok(_) if text.value.contains('@') => {
            refuse(
                "the URL holds a user or a password",
                "write { url = \"http://HOST:PORT\", username = \"…\", password = { secret = \"…\" } }",
            );
            None
        }
        Ok(proxy) if !text.value.contains("://") => {
            refuse("the URL has no scheme", &format!("did you mean \"{}\"?", proxy.url));
            None
        }
        Ok(proxy) => Some(proxy.url),
        Err(fault) => {
            refuse(&fault.to_string(), help_for(fault));
            None
        }
    }
}

fn help_for(fault: ProxyFault) -> &'static str {
    match fault {
        ProxyFault::Socks | ProxyFault::Scheme => "name a proxy of http:// or https://, which takes CONNECT",
        ProxyFault::Path | ProxyFault::Host | ProxyFault::Login => {
            "write \"http://HOST:PORT\", or \"environment\" to take HTTPS_PROXY"
        }
    }
}

fn from_environment(section: &Section<'_>, place: Placed<()>, context: &Context<'_>) -> Option<ProxySetting> {
    let set = |name: &'static str| Some((name, Zeroizing::new(context.environment.get(name)?)));
    let (name, url) = VARIABLES.into_iter().find_map(set)?;
    match proxy::read(&url) {
        Ok(proxy) => {
            let login = proxy.login.map(|_| ProxyLogin::InVariable(name.to_owned()));
            Some(ProxySetting { url: proxy.url, login })
        }
        Err(fault) => {
            let finding =
                Finding::error(place.place, format!("the environment variable {name} is not usable: {fault}"));
            section.report.add(finding.help(help_for(fault)));
            None
        }
    }
}

/// What is reached without the proxy; where the environment names the proxy, what it exempts is exempt, too.
pub(super) fn read_exceptions(section: &Section<'_>, context: &Context<'_>) -> Vec<String> {
    let mut rules = Vec::new();
    for rule in section.texts("no_proxy").unwrap_or_default() {
        match NoProxy::parse(rule.value) {
            Ok(_) => rules.push(rule.value.to_owned()),
            Err(fault) => {
                let finding = Finding::error(rule.place, format!("`no_proxy` is not usable: {fault}"));
                section
                    .report
                    .add(finding.help("such as \"localhost\", \".corp\", \"10.0.0.0/8\" or \"git.corp:8443\""));
            }
        }
    }
    let Some(proxy) = section.value("proxy") else {
        if let Some(place) = section.key_place("no_proxy") {
            let finding = Finding::warning(place, "`no_proxy` says nothing where there is no `proxy`");
            section.report.add(finding.help("add `proxy`, or remove it"));
        }
        return rules;
    };
    if proxy.value.as_str() == Some(ENVIRONMENT) {
        rules.extend(exceptions_of_environment(section, proxy, context));
    }
    rules
}

/// Programs differ in what they understand here: a rule of another's is left out with a warning.
fn exceptions_of_environment(section: &Section<'_>, proxy: Value<'_>, context: &Context<'_>) -> Vec<String> {
    let Some(written) = EXCEPTIONS.iter().find_map(|name| context.environment.get(name)) else { return Vec::new() };
    let words = written.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
    let mut rules = Vec::new();
    for word in words {
        match NoProxy::parse(word) {
            Ok(_) => rules.push(word.to_owned()),
            Err(fault) => {
                let finding = Finding::warning(proxy.place, format!("NO_PROXY holds a rule that is left out: {fault}"));
                section.report.add(finding.help("write what it means into `no_proxy`"));
            }
        }
    }
    rules
}

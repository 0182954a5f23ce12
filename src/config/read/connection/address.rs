//! The address of a connection: provider, URL, what the URL names, and the repository that a test reads.

use suitesync_contract::{ConnectionUrl, Provider, RepoUrl, Scheme, ServerUrl, UrlError, UrlType};

use crate::config::place::{Place, Placed};
use crate::config::report::Finding;
use crate::config::section::Section;
use crate::config::settings::ConnectionType;

/// Everything about where a connection leads.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) url: ConnectionUrl,
    /// Where the URL is written.
    pub(super) place: Place,
    pub(super) connection_type: ConnectionType,
    pub(super) test_repository: Option<String>,
    pub(super) probed_repository: RepoUrl,
}

const PROVIDERS: [(&str, Provider); 2] = [("azure-repos", Provider::AzureRepos), ("git", Provider::Git)];

const URL_TYPES: [(&str, UrlType); 3] =
    [("organization", UrlType::Organization), ("project", UrlType::Project), ("repository", UrlType::Repository)];

const CONNECTION_TYPES: [(&str, ConnectionType); 2] = [("http", ConnectionType::Http), ("ssh", ConnectionType::Ssh)];

/// How a connection's URL is read: what the configuration says of it.
struct Reader {
    provider: Provider,
    server: Option<ServerUrl>,
}

impl Reader {
    fn read(&self, text: &str, url_type: UrlType) -> Result<ConnectionUrl, UrlError> {
        match &self.server {
            Some(server) => ConnectionUrl::on_server(text, url_type, server.clone()),
            None => ConnectionUrl::parse(text, self.provider, url_type),
        }
    }

    /// The one thing that the URL can name. Where no reading works, the fault of the last one is the one to tell.
    fn implied_url_type(&self, text: &str) -> Option<UrlType> {
        if self.provider == Provider::Git {
            return Some(UrlType::Repository);
        }
        let mut readings = URL_TYPES.iter().map(|(_, url_type)| *url_type);
        let works = |url_type: &UrlType| self.read(text, *url_type).is_ok();
        match (readings.clone().find(works), readings.rfind(works)) {
            (None, None) => Some(UrlType::Repository),
            (first, last) if first == last => first,
            _ => None,
        }
    }
}

pub(super) fn read(section: &Section<'_>) -> Option<Address> {
    let written_type = section.choice("connection_type", &CONNECTION_TYPES);
    let provider = section.choice("provider", &PROVIDERS).map(|provider| provider.value);
    let url_type = section.choice("url_type", &URL_TYPES).map(|url_type| url_type.value);
    let test_repository = section.text("test_repository");
    let text = section.required_text("url")?;
    if is_unread(section, "provider", provider) || is_unread(section, "url_type", url_type) {
        return None;
    }
    let provider = provider.unwrap_or_else(|| Provider::implied_by(text.value));
    let server = read_server_url(section, provider);
    if is_unread(section, "server_url", server.as_ref()) {
        return None;
    }
    let url = read_url(section, text, &Reader { provider, server }, url_type)?;
    let connection_type = implied_connection_type(section, text, &url)?;
    check_connection_type(section, written_type, connection_type, &url);
    let probed_repository = probed(section, &url, test_repository)?;
    let test_repository = test_repository.map(|name| name.value.to_owned());
    Some(Address { url, place: text.place, connection_type, test_repository, probed_repository })
}

/// Whether a key is there but its value made no sense, so that nothing can be told from the URL.
fn is_unread<T>(section: &Section<'_>, key: &str, read: Option<T>) -> bool {
    read.is_none() && section.value(key).is_some()
}

fn read_server_url(section: &Section<'_>, provider: Provider) -> Option<ServerUrl> {
    let text = section.text("server_url")?;
    if provider != Provider::AzureRepos {
        let finding =
            Finding::error(text.place, "`server_url` is of an Azure DevOps Server, and the provider is `git`");
        section.report.add(finding.help("remove it, or set `provider = \"azure-repos\"`"));
        return None;
    }
    match ServerUrl::parse(text.value) {
        Ok(server) => Some(server),
        Err(fault) => {
            section.refuse_url("server_url", text.place, fault);
            None
        }
    }
}

fn read_url(
    section: &Section<'_>,
    text: Placed<&str>,
    reader: &Reader,
    url_type: Option<UrlType>,
) -> Option<ConnectionUrl> {
    let url_type = url_type.or_else(|| reader.implied_url_type(text.value));
    let Some(url_type) = url_type else {
        let finding =
            Finding::error(section.place, "[[connection]] lacks `url_type`, and its URL may name several things");
        section.report.add(finding.help("allowed: `organization`, `project`, `repository`"));
        return None;
    };
    match reader.read(text.value, url_type) {
        Ok(url) => Some(url),
        Err(fault) => {
            section.refuse_url("url", text.place, fault);
            None
        }
    }
}

fn implied_connection_type(section: &Section<'_>, text: Placed<&str>, url: &ConnectionUrl) -> Option<ConnectionType> {
    match url.origin().scheme {
        Scheme::Https | Scheme::Http => Some(ConnectionType::Http),
        Scheme::Ssh => Some(ConnectionType::Ssh),
        Scheme::File => {
            let finding = Finding::error(text.place, "a URL of file is not supported by this version");
            section.report.add(finding.help("use an https:// URL, or one of SSH"));
            None
        }
    }
}

fn check_connection_type(
    section: &Section<'_>,
    written: Option<Placed<ConnectionType>>,
    implied: ConnectionType,
    url: &ConnectionUrl,
) {
    let Some(written) = written.filter(|written| written.value != implied) else { return };
    let wanted = match (written.value, url.provider()) {
        (ConnectionType::Http, _) => "an https:// URL",
        (ConnectionType::Ssh, Provider::AzureRepos) => {
            "an SSH URL such as \"git@ssh.dev.azure.com:v3/ORGANIZATION/PROJECT\""
        }
        (ConnectionType::Ssh, Provider::Git) => "an SSH URL such as \"git@HOST:PATH\" or \"ssh://git@HOST/PATH\"",
    };
    let message =
        format!("`connection_type` is `{}`, but the URL is of {}", written.value.as_str(), url.origin().scheme);
    let help = format!("write {wanted}, or leave `connection_type` out: the URL tells it");
    section.report.add(Finding::error(written.place, message).help(help));
}

fn probed(section: &Section<'_>, url: &ConnectionUrl, name: Option<Placed<&str>>) -> Option<RepoUrl> {
    match url.test_repository(name.map(|name| name.value)) {
        Ok(repository) => Some(repository),
        Err(fault) => {
            match name {
                Some(name) => section.refuse_url("test_repository", name.place, fault),
                None => {
                    let finding = Finding::error(section.place, fault.message);
                    section.report.add(finding.help("name a repository that the credentials can read"));
                }
            }
            None
        }
    }
}

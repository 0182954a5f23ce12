//! The address of a connection: provider, URL, what the URL names, and the repository that a test reads.

use suitesync_contract::{ConnectionUrl, Provider, RepoUrl, UrlType};
use url::Url;

use crate::config::place::{Place, Placed};
use crate::config::report::Finding;
use crate::config::section::Section;

/// Everything about where a connection leads.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) url: ConnectionUrl,
    /// Where the URL is written.
    pub(super) place: Place,
    pub(super) test_repository: Option<String>,
    pub(super) probed_repository: RepoUrl,
}

const PROVIDERS: [(&str, Provider); 2] = [("azure-repos", Provider::AzureRepos), ("git", Provider::Git)];

const URL_TYPES: [(&str, UrlType); 3] =
    [("organization", UrlType::Organization), ("project", UrlType::Project), ("repository", UrlType::Repository)];

pub(super) fn read(section: &Section<'_>) -> Option<Address> {
    let over_ssh = section.refuse_word("connection_type", &["ssh"], "use \"http\" with an https:// URL");
    if !over_ssh {
        section.choice("connection_type", &[("http", ())]);
    }
    let provider = section.choice("provider", &PROVIDERS).map(|provider| provider.value);
    let url_type = section.choice("url_type", &URL_TYPES).map(|url_type| url_type.value);
    let test_repository = section.text("test_repository");
    let text = section.required_text("url")?;
    if over_ssh || is_unread(section, "provider", provider) || is_unread(section, "url_type", url_type) {
        return None;
    }
    let provider = provider.unwrap_or_else(|| implied_provider(text.value));
    let url = read_url(section, text, provider, url_type)?;
    let probed_repository = probed(section, &url, test_repository)?;
    let test_repository = test_repository.map(|name| name.value.to_owned());
    Some(Address { url, place: text.place, test_repository, probed_repository })
}

/// Whether a key is there but its value made no sense, so that nothing can be told from the URL.
fn is_unread<T>(section: &Section<'_>, key: &str, read: Option<T>) -> bool {
    read.is_none() && section.value(key).is_some()
}

fn implied_provider(text: &str) -> Provider {
    let host = Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_lowercase)).unwrap_or_default();
    let is_azure = host == "dev.azure.com" || host.ends_with(".visualstudio.com");
    if is_azure { Provider::AzureRepos } else { Provider::Git }
}

fn read_url(
    section: &Section<'_>,
    text: Placed<&str>,
    provider: Provider,
    url_type: Option<UrlType>,
) -> Option<ConnectionUrl> {
    let url_type = url_type.or_else(|| implied_url_type(text.value, provider));
    let Some(url_type) = url_type else {
        let finding =
            Finding::error(section.place, "[[connection]] lacks `url_type`, and its URL may name several things");
        section.report.add(finding.help("allowed: `organization`, `project`, `repository`"));
        return None;
    };
    match ConnectionUrl::parse(text.value, provider, url_type) {
        Ok(url) if url.origin().scheme.transport() == "http" => Some(url),
        Ok(url) => {
            let message = format!("a URL of {} is not supported by this version", url.origin().scheme.transport());
            section.report.add(Finding::error(text.place, message).help("use an https:// URL"));
            None
        }
        Err(fault) => {
            section.refuse_url("url", text.place, fault);
            None
        }
    }
}

/// The one thing that the URL can name. Where no reading works, the fault of the last one is the one to tell.
fn implied_url_type(text: &str, provider: Provider) -> Option<UrlType> {
    if provider == Provider::Git {
        return Some(UrlType::Repository);
    }
    let mut readings = URL_TYPES.iter().map(|(_, url_type)| *url_type);
    let works = |url_type: &UrlType| ConnectionUrl::parse(text, provider, *url_type).is_ok();
    match (readings.clone().find(works), readings.rfind(works)) {
        (None, None) => Some(UrlType::Repository),
        (first, last) if first == last => first,
        _ => None,
    }
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

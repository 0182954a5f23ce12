//! Where the API of an organization or collection begins, and which repository is meant below it.

use percent_encoding::percent_decode_str;
use reqwest::Url;
use suitesync_contract::{AzureRepository, Origin, RepoUrl, Scheme};

/// A repository as the API knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiAddress {
    base: Url,
    project: String,
    repository: String,
}

/// Why a text is no URL of an API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidAddress {
    #[error("the API's URL is none: {0}")]
    Unreadable(String),
    #[error("the API's URL is to begin with `https://`")]
    Scheme,
    #[error("the API's URL holds more than a host and a path")]
    Parts,
}

impl ApiAddress {
    pub(crate) fn new(url: &str, names: &AzureRepository) -> Result<Self, InvalidAddress> {
        let base = Url::parse(url).map_err(|error| InvalidAddress::Unreadable(error.to_string()))?;
        if !matches!(base.scheme(), "https" | "http") {
            return Err(InvalidAddress::Scheme);
        }
        let has_login = !base.username().is_empty() || base.password().is_some();
        if has_login || base.query().is_some() || base.fragment().is_some() {
            return Err(InvalidAddress::Parts);
        }
        Ok(Self { base, project: names.project.clone(), repository: names.repository.clone() })
    }

    /// The same repository below another path of the same host, by the names that the server has for it.
    pub(crate) fn moved(&self, path: &[String], project: String, repository: String) -> Self {
        let mut top = self.base.clone();
        top.set_path("");
        let base = below(&top, path.iter().map(String::as_str));
        Self { base, project, repository }
    }

    /// The organization's or collection's URL, without a slash at the end.
    pub fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// The project's name or id.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The repository's name or id.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Where the token is sent to.
    pub(crate) fn origin(&self) -> Origin {
        let scheme = if self.base.scheme() == "https" { Scheme::Https } else { Scheme::Http };
        let host = self.base.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        Origin { scheme, host, port: self.base.port().unwrap_or(scheme.default_port()) }
    }

    /// The URL of what lies below the base; every segment is percent-encoded, once.
    pub(crate) fn below<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        below(&self.base, segments)
    }

    /// The repository's own URL on this host: the one it was given by, where that is of this host.
    pub(crate) fn clone_url(&self, given: &RepoUrl) -> Url {
        let given = Url::parse(&given.request_url()).ok().filter(|given| given.origin() == self.base.origin());
        given.unwrap_or_else(|| self.below([&self.project, "_git", &self.repository]))
    }
}

/// The decoded segments of a URL's path; an empty one at the end is none.
pub(crate) fn segments(url: &Url) -> Vec<String> {
    let decoded = |segment| percent_decode_str(segment).decode_utf8_lossy().into_owned();
    url.path_segments().into_iter().flatten().filter(|segment| !segment.is_empty()).map(decoded).collect()
}

fn below<'a>(base: &Url, segments: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = base.clone();
    let mut path = url.path_segments_mut().expect("a URL of http or https has a path");
    path.pop_if_empty().extend(segments);
    drop(path);
    url
}

#[cfg(test)]
mod tests {
    use suitesync_contract::AzureAccount;

    use super::*;

    fn address(url: &str) -> Result<ApiAddress, InvalidAddress> {
        let account = AzureAccount::Organization("contoso".to_owned());
        let names = AzureRepository { account, project: "My Project".to_owned(), repository: "50% é#?/".to_owned() };
        ApiAddress::new(url, &names)
    }

    #[test]
    fn names_are_encoded_once() {
        let check = |base: &str, expect: &str| {
            let address = address(base).unwrap();
            let url = address.below([address.project(), "_apis", address.repository()]);
            assert_eq!(url.as_str(), expect);
        };
        let path = "My%20Project/_apis/50%25%20%C3%A9%23%3F%2F";
        check("https://dev.azure.com/contoso", &format!("https://dev.azure.com/contoso/{path}"));
        check("https://dev.azure.com/contoso/", &format!("https://dev.azure.com/contoso/{path}"));
        check("https://tfs.example.org/tfs/Our%20Own", &format!("https://tfs.example.org/tfs/Our%20Own/{path}"));
        check("https://contoso.visualstudio.com", &format!("https://contoso.visualstudio.com/{path}"));
    }

    #[test]
    fn what_is_more_than_a_host_and_a_path_is_refused() {
        let check = |url: &str, expect: InvalidAddress| assert_eq!(address(url), Err(expect), "{url}");
        check("https://user@dev.azure.com/contoso", InvalidAddress::Parts);
        check("https://:pat@dev.azure.com/contoso", InvalidAddress::Parts);
        check("https://dev.azure.com/contoso?a=b", InvalidAddress::Parts);
        check("https://dev.azure.com/contoso#a", InvalidAddress::Parts);
        check("ssh://ssh.dev.azure.com/v3/contoso", InvalidAddress::Scheme);
        assert!(matches!(address("dev.azure.com/contoso"), Err(InvalidAddress::Unreadable(_))));
    }

    #[test]
    fn the_origin_is_that_of_the_url() {
        let check = |url: &str, scheme, host: &str, port| {
            assert_eq!(address(url).unwrap().origin(), Origin { scheme, host: host.to_owned(), port });
        };
        check("https://dev.azure.com/contoso", Scheme::Https, "dev.azure.com", 443);
        check("http://TFS.example.org:8080/tfs/Main", Scheme::Http, "tfs.example.org", 8080);
        check("https://[::1]:8443/Main", Scheme::Https, "::1", 8443);
    }

    #[test]
    fn another_path_of_the_same_host_keeps_the_origin() {
        let folders = ["tfs".to_owned(), "Our Own".to_owned()];
        let moved = address("https://tfs.example.org:8443/tfs").unwrap();
        let moved = moved.moved(&folders, "p".to_owned(), "r".to_owned());
        assert_eq!(moved.url(), "https://tfs.example.org:8443/tfs/Our%20Own");
    }
}

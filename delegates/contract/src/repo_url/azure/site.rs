//! Azure's own hosts, told from those of a Server and from look-alikes. This decides who may be given a token, so
//! hosts are compared whole and never by a part of them.

use super::{AzureAccount, AzureRepository};
use crate::repo_url::UrlError;
use crate::repo_url::address::Address;
use crate::repo_url::origin::{Origin, Scheme};

pub(super) const SERVICES_HOST: &str = "dev.azure.com";
/// Where every organization has its web pages and its API.
pub(crate) const SERVICES_URL: &str = "https://dev.azure.com";
const SERVICES_SSH_HOST: &str = "ssh.dev.azure.com";
const LEGACY_DOMAIN: &str = "visualstudio.com";
const LEGACY_SSH_HOST: &str = "vs-ssh.visualstudio.com";

/// `https://dev.azure.com/e/` leads to pages of enterprises; no organization has this name.
const ENTERPRISE: &str = "e";

/// Whether a host is one of Azure's own.
pub(crate) fn is_azure_host(host: &str) -> bool {
    matches!(host, SERVICES_HOST | SERVICES_SSH_HOST) || legacy_organization(host).is_some()
}

/// Which kind of host an address is on, and with it the shape of its paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Site {
    /// `dev.azure.com`.
    Services,
    /// `ORGANIZATION.visualstudio.com`.
    Legacy,
    /// `ssh.dev.azure.com`.
    ServicesSsh,
    /// `vs-ssh.visualstudio.com`.
    LegacySsh,
    /// Any other host.
    Server,
}

impl Site {
    pub(crate) fn of(origin: &Origin) -> Result<Self, UrlError> {
        let site = match origin.host.as_str() {
            SERVICES_HOST => Self::Services,
            SERVICES_SSH_HOST => Self::ServicesSsh,
            LEGACY_SSH_HOST => Self::LegacySsh,
            host if legacy_organization(host).is_some() => Self::Legacy,
            host if is_look_alike(host) => {
                return Err(UrlError::new(format!(
                    "`{host}` looks like Azure's host but is none that has repositories"
                )));
            }
            _ if origin.scheme == Scheme::File => return Err(UrlError::new("Azure Repos has no file URLs")),
            _ => return Ok(Self::Server),
        };
        let scheme = if site.is_web() { Scheme::Https } else { Scheme::Ssh };
        if origin.scheme != scheme || origin.port != scheme.default_port() {
            let port = scheme.default_port();
            return Err(UrlError::new(format!("`{}` answers to {scheme} on port {port} only", origin.host)));
        }
        Ok(site)
    }

    /// Whether addresses here may be those of web pages.
    pub(crate) fn is_web(self) -> bool {
        match self {
            Self::Services | Self::Legacy | Self::Server => true,
            Self::ServicesSsh | Self::LegacySsh => false,
        }
    }

    /// The words that stand before a repository's name, the usual one first.
    pub(super) fn markers(self, scheme: Scheme) -> &'static [&'static str] {
        match (self, scheme) {
            (Self::ServicesSsh | Self::LegacySsh, _) => &["_ssh"],
            (Self::Server, Scheme::Ssh) => &["_git", "_ssh"],
            (Self::Services | Self::Legacy | Self::Server, _) => &["_git"],
        }
    }

    /// Whether a path is of the third shape of SSH. A project of the older shape may be called `v3`.
    pub(super) fn is_v3(self, segments: &[String]) -> bool {
        match self {
            Self::ServicesSsh => true,
            Self::LegacySsh => {
                segments.first().is_some_and(|first| first == "v3") && !segments.iter().any(|s| s == "_ssh")
            }
            Self::Services | Self::Legacy | Self::Server => false,
        }
    }

    /// The organization, and the project if one is named, of an address on Azure's own hosts.
    pub(crate) fn owners(
        self,
        address: &Address,
        segments: &[String],
    ) -> Result<(AzureAccount, Option<String>), UrlError> {
        let (organization, projects) = match self {
            Self::Services | Self::ServicesSsh => match segments {
                [first, ..] if first.eq_ignore_ascii_case(ENTERPRISE) => {
                    return Err(UrlError::new("the URL is that of an enterprise's page"));
                }
                [first, projects @ ..] => (Some(first.clone()), projects),
                [] => (None, segments),
            },
            Self::Legacy => (legacy_organization(&address.origin.host), without_default_collection(segments)),
            Self::LegacySsh => (address.user.clone(), without_default_collection(segments)),
            Self::Server => (None, segments),
        };
        let organization = organization.ok_or_else(|| UrlError::new("the URL names no organization"))?;
        let may_have_team = matches!(self, Self::Legacy | Self::LegacySsh);
        let project = match projects {
            [] => None,
            [project] => Some(project.clone()),
            [project, _team] if may_have_team => Some(project.clone()),
            [..] => return Err(UrlError::new("the URL has too many segments before the repository")),
        };
        Ok((AzureAccount::Organization(organization), project))
    }

    /// The path of a clone URL here, decoded.
    pub(crate) fn path_of(self, names: &AzureRepository) -> Vec<String> {
        let mut path = self.prefix(&names.account, Some(&names.project));
        if self.is_web() {
            path.push("_git".to_owned());
        }
        path.push(names.repository.clone());
        path
    }

    /// The path of an account's or a project's URL here, decoded.
    pub(crate) fn prefix(self, account: &AzureAccount, project: Option<&String>) -> Vec<String> {
        let version = (!self.is_web()).then(|| "v3".to_owned());
        // A legacy host is itself the organization.
        let account = if self == Self::Legacy { Vec::new() } else { account.segments() };
        version.into_iter().chain(account.into_iter().chain(project).cloned()).collect()
    }
}

fn legacy_organization(host: &str) -> Option<String> {
    let organization = host.strip_suffix(LEGACY_DOMAIN)?.strip_suffix('.')?;
    let is_one_label = !organization.is_empty() && !organization.contains('.');
    is_one_label.then(|| organization.to_owned())
}

/// A host that a person could take for Azure's: it ends in the same letters, or goes on behind them.
fn is_look_alike(host: &str) -> bool {
    [SERVICES_HOST, LEGACY_DOMAIN].iter().any(|known| host.ends_with(known) || host.contains(&format!("{known}.")))
}

fn without_default_collection(segments: &[String]) -> &[String] {
    match segments {
        [first, rest @ ..] if is_default_collection(first) => rest,
        all => all,
    }
}

pub(super) fn is_default_collection(segment: &str) -> bool {
    segment.eq_ignore_ascii_case("DefaultCollection")
}

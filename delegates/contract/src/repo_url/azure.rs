//! Azure Repos addresses: which host is which, and what the segments of a path mean there.
//!
//! The forms are those of Microsoft's own parser (dotnet/sourcelink, `AzureDevOpsUrlParser`). On Azure DevOps Services
//! a repository has up to six addresses; each is brought to the one shape its host has today, so that a team,
//! `DefaultCollection` and the retired shapes of SSH never reach a request. On a Server the path stays as it was given
//! until a connection tells what its segments are.

mod server;
mod site;

use serde::{Deserialize, Serialize};

use super::address::{Address, PathStart};
use super::origin::{Origin, Scheme};
use super::web_view;
use super::{LinkUrl, Provider, RepoUrl, RepositoryIdentity, UrlError, segment};

pub(super) use server::{Settled, in_folders};
pub(super) use site::{Site, is_azure_host};

/// The names an Azure repository's address is made of: decoded, in the letter case they were given in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AzureRepository {
    pub account: AzureAccount,
    pub project: String,
    pub repository: String,
}

/// What owns projects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AzureAccount {
    /// An organization of Azure DevOps Services.
    Organization(String),
    /// A collection of an Azure DevOps Server, below the folders that the server was installed under.
    Collection { virtual_folders: Vec<String>, collection: String },
}

impl AzureAccount {
    /// The name of the organization or collection.
    pub fn name(&self) -> &str {
        match self {
            Self::Organization(name) | Self::Collection { collection: name, .. } => name,
        }
    }

    /// Where the API of this one is: Azure's own host for an organization, below `server` for a collection.
    pub(super) fn api_url(&self, server: Option<&Origin>) -> Option<String> {
        let host = match self {
            Self::Organization(_) => site::SERVICES_URL.to_owned(),
            Self::Collection { .. } => server.map(|origin| format!("{}://{origin}", origin.scheme))?,
        };
        Some(host + &segment::join(self.segments()))
    }

    /// The segments from the top of the host down to this one.
    pub(super) fn segments(&self) -> Vec<&String> {
        match self {
            Self::Organization(name) => vec![name],
            Self::Collection { virtual_folders, collection } => virtual_folders.iter().chain([collection]).collect(),
        }
    }

    /// Whether a path begins with this one, by whole segments.
    pub(super) fn is_above(&self, path: &[String]) -> bool {
        let own = self.segments();
        path.len() >= own.len() && own.iter().zip(path).all(|(one, two)| is_same_name(one, two))
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.segments(), other.segments());
        ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(one, two)| is_same_name(one, two))
    }
}

/// Names on Azure are kept in the letter case they were given, and compared without it.
pub fn is_same_name(one: &str, two: &str) -> bool {
    one.to_lowercase() == two.to_lowercase()
}

/// A repository as an address names it, with the segments that are not its own.
#[derive(Debug)]
pub(super) struct Reading {
    site: Site,
    pub(super) repository: AzureRepository,
    /// The clone URL's path, decoded.
    path: Vec<String>,
    /// What a web URL says behind the repository.
    page: Vec<String>,
}

impl Reading {
    /// The repository at the address that it was read from.
    pub(super) fn link(self, address: &Address) -> Result<LinkUrl, UrlError> {
        let repository = place(address.origin.clone(), address.user.clone(), &self.path, self.repository.clone());
        self.with_view(address, repository)
    }

    /// The repository at the origin of its connection, whichever of the provider's hosts the address is on.
    pub(super) fn link_at(self, site: Site, origin: &Origin, address: &Address) -> Result<LinkUrl, UrlError> {
        let path = site.path_of(&self.repository);
        let user = address.user.clone().filter(|_| origin.scheme == Scheme::Ssh);
        let repository = place(origin.clone(), user, &path, self.repository.clone());
        self.with_view(address, repository)
    }

    fn with_view(self, address: &Address, repository: RepoUrl) -> Result<LinkUrl, UrlError> {
        let view = if self.site.is_web() { web_view::read(&self.page, address) } else { self.no_view(address) };
        let (directory, reference) = view.map_err(|error| match error.corrected {
            Some(_) => error,
            None => error.corrected(repository.request_url()),
        })?;
        Ok(LinkUrl { repository, directory, reference })
    }

    fn no_view(&self, address: &Address) -> Result<web_view::View, UrlError> {
        address.without_view()?;
        if self.page.is_empty() {
            return Ok((None, None));
        }
        Err(UrlError::new("the URL goes on behind the repository's name"))
    }
}

/// A repository's address from the segments of its path.
pub(super) fn place(origin: Origin, user: Option<String>, path: &[String], names: AzureRepository) -> RepoUrl {
    let account = match &names.account {
        AzureAccount::Organization(name) => format!("{}/{name}", site::SERVICES_HOST),
        collection @ AzureAccount::Collection { .. } => format!("{origin}{}", text_of(&collection.segments())),
    };
    let identity = format!("{account}/{}/_git/{}", names.project, names.repository).to_lowercase();
    RepoUrl {
        origin,
        provider: Provider::AzureRepos,
        user,
        path: segment::join(path),
        start: PathStart::Top,
        identity: RepositoryIdentity(identity),
        azure: Some(names),
    }
}

/// The address of a repository's page on Azure's own host.
pub(super) fn web_url(names: &AzureRepository) -> String {
    format!("{}{}", site::SERVICES_URL, segment::join(&Site::Services.path_of(names)))
}

/// Whether the form `host:path` is percent-encoded, as Azure's portal writes it; Git knows no such thing.
pub(super) fn is_encoded(host: &str, path: &str) -> bool {
    is_azure_host(host) || path.split('/').any(|segment| matches!(segment, "_git" | "_ssh"))
}

/// Whether an address that may be of any provider has to be one of Azure's forms, or be refused.
pub(super) fn is_to_be_read(address: &Address) -> bool {
    match Site::of(&address.origin) {
        Ok(Site::Server) => address.segments.iter().rev().skip(1).any(|segment| segment == "_git"),
        Ok(Site::Services | Site::Legacy | Site::ServicesSsh | Site::LegacySsh) => true,
        Err(_) => address.origin.scheme != Scheme::File,
    }
}

fn text_of(segments: &[&String]) -> String {
    segments.iter().map(|segment| format!("/{segment}")).collect()
}

/// Reads a repository's address.
pub(super) fn read(address: &Address, settled: Settled<'_>) -> Result<Reading, UrlError> {
    let site = Site::of(&address.origin)?;
    if site.is_v3(&address.segments) {
        return read_v3(site, &address.segments);
    }
    let (owners, marker, rest) = split_at_marker(site, address)?;
    let (name, page) = split_name(rest)?;
    let (account, project) = match site {
        Site::Server => server::owners(owners, settled)?,
        Site::Services | Site::Legacy | Site::ServicesSsh | Site::LegacySsh => site.owners(address, owners)?,
    };
    let project = project.unwrap_or_else(|| name.clone());
    let repository = AzureRepository { account, project, repository: name.clone() };
    let path = match site {
        Site::Server => owners.iter().chain([marker, name]).cloned().collect(),
        Site::Services | Site::Legacy | Site::ServicesSsh | Site::LegacySsh => site.path_of(&repository),
    };
    Ok(Reading { site, repository, path, page: page.to_vec() })
}

/// `v3/ORGANIZATION/PROJECT/REPOSITORY`; on the older host a team may stand in between.
fn read_v3(site: Site, segments: &[String]) -> Result<Reading, UrlError> {
    let refused = || UrlError::new("the URL is not of the form `v3/ORGANIZATION/PROJECT/REPOSITORY`");
    let [_, organization, project, middle @ .., name] = segments else { return Err(refused()) };
    let middle = match middle {
        [before @ .., variant] if is_variant(variant) => before,
        whole => whole,
    };
    let may_have_team = site == Site::LegacySsh;
    if middle.len() > usize::from(may_have_team) || is_variant(name) {
        return Err(refused());
    }
    let account = AzureAccount::Organization(organization.clone());
    let repository = AzureRepository { account, project: project.clone(), repository: name.clone() };
    let path = site.path_of(&repository);
    Ok(Reading { site, repository, path, page: Vec::new() })
}

/// What stands before `_git`, that marker, and what stands behind it.
fn split_at_marker(site: Site, address: &Address) -> Result<(&[String], &String, &[String]), UrlError> {
    let segments = address.segments.as_slice();
    let markers = site.markers(address.origin.scheme);
    let found = segments.iter().position(|segment| markers.contains(&segment.as_str()));
    match found.map(|at| segments.split_at(at)) {
        Some((owners, [marker, rest @ ..])) => Ok((owners, marker, rest)),
        Some((_, [])) | None => Err(match segments.iter().find(|segment| segment.starts_with('_')) {
            Some(page) => UrlError::new(format!("the URL names no repository but a `{page}` page")),
            None => UrlError::new(format!("the URL names no repository: it has no `{}/REPOSITORY`", markers[0])),
        }),
    }
}

/// The repository's name, and the page of it that a web URL shows.
fn split_name(rest: &[String]) -> Result<(&String, &[String]), UrlError> {
    // The two variants show only some of the refs; the plain repository shows them all.
    let rest = match rest {
        [variant, rest @ ..] if is_variant(variant) => rest,
        rest => rest,
    };
    rest.split_first().ok_or_else(|| UrlError::new("the URL names no repository behind `_git`"))
}

fn is_variant(segment: &str) -> bool {
    matches!(segment, "_full" | "_optimized")
}

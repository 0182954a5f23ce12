//! The URL of an Azure organization, collection or project, as a connection has it.

use crate::repo_url::address::Address;
use crate::repo_url::azure::{self, AzureAccount, AzureRepository, Settled, Site, is_same_name};
use crate::repo_url::origin::Origin;
use crate::repo_url::{UrlError, UrlType, segment};

/// An account, and the project that narrows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AzurePrefix {
    site: Site,
    account: AzureAccount,
    project: Option<String>,
}

impl AzurePrefix {
    /// Reads a connection's URL; `settled` is what `server_url` says of a Server's folders.
    pub(super) fn read(address: &Address, url_type: UrlType, settled: Settled<'_>) -> Result<Self, UrlError> {
        let site = Site::of(&address.origin)?;
        if let Ok(reading) = azure::read(address, settled) {
            let AzureRepository { account, project, .. } = reading.repository;
            return Err(Self { site, account, project: Some(project) }.refused(address, "a repository", url_type));
        }
        let owners: Vec<String> =
            address.segments.iter().take_while(|owner| !owner.starts_with('_')).cloned().collect();
        if owners.len() < address.segments.len() {
            let before = Address { segments: owners, query: None, fragment: None, ..address.clone() };
            return Err(Self::read(&before, url_type, settled)?.refused(address, "a page", url_type));
        }
        address.without_view()?;
        let (account, project) = match site {
            Site::Server => server_owners(address, url_type, settled)?,
            Site::Services | Site::Legacy | Site::ServicesSsh | Site::LegacySsh => services_owners(site, address)?,
        };
        let prefix = Self { site, account, project };
        match (url_type, &prefix.project) {
            (UrlType::Project, None) => Err(UrlError::new("the URL names no project, but `url_type` is `project`")),
            (UrlType::Organization, Some(_)) => Err(prefix.refused(address, "a project", url_type)),
            (UrlType::Organization, None) | (UrlType::Project | UrlType::Repository, _) => Ok(prefix),
        }
    }

    /// The URL goes on behind what `url_type` says: what stands before was meant.
    fn refused(&self, address: &Address, named: &str, url_type: UrlType) -> UrlError {
        let project = self.project.as_ref().filter(|_| url_type == UrlType::Project);
        let segments = self.site.prefix(&self.account, project);
        let meant = Address { segments, query: None, fragment: None, ..address.clone() };
        UrlError::new(format!("the URL is that of {named}, but `url_type` is `{url_type}`"))
            .corrected(meant.to_string())
    }

    pub(super) fn site(&self) -> Site {
        self.site
    }

    pub(super) fn account(&self) -> &AzureAccount {
        &self.account
    }

    /// The path of this URL, decoded.
    pub(super) fn segments(&self) -> Vec<String> {
        self.site.prefix(&self.account, self.project.as_ref())
    }

    pub(super) fn holds(&self, repository: &AzureRepository) -> bool {
        let is_in_project = self.project.as_ref().is_none_or(|project| is_same_name(project, &repository.project));
        is_in_project && self.account.is_same(&repository.account)
    }

    /// The web address of a repository that is named below this URL, with or without `_git`.
    pub(super) fn repository(&self, origin: &Origin, names: &[String]) -> Result<String, UrlError> {
        let names: Vec<&String> = names.iter().filter(|name| *name != "_git").collect();
        let (project, repository) = match (&self.project, names.as_slice()) {
            (Some(project), [repository]) => (project, *repository),
            (None, [project, repository]) => (*project, *repository),
            (Some(_), _) => return Err(UrlError::new("a repository of a project is named by `REPOSITORY`")),
            (None, _) => return Err(UrlError::new("a repository of an organization is named by `PROJECT/REPOSITORY`")),
        };
        let names =
            AzureRepository { account: self.account.clone(), project: project.clone(), repository: repository.clone() };
        Ok(match self.site {
            Site::Server => format!("{}://{origin}{}", origin.scheme, segment::join(&self.site.path_of(&names))),
            // A view stands behind web addresses alone, and every address here is brought to the connection's own.
            Site::Services | Site::Legacy | Site::ServicesSsh | Site::LegacySsh => azure::web_url(&names),
        })
    }
}

fn services_owners(site: Site, address: &Address) -> Result<(AzureAccount, Option<String>), UrlError> {
    let segments = address.segments.as_slice();
    match segments {
        // Behind `v3` the path is the same on both hosts of SSH.
        [first, owners @ ..] if !site.is_web() && first == "v3" => Site::ServicesSsh.owners(address, owners),
        _ if site == Site::ServicesSsh => Err(UrlError::new("the URL is not of the form `v3/ORGANIZATION[/PROJECT]`")),
        _ => site.owners(address, segments),
    }
}

/// On a Server the last segment is what `url_type` says, and all that stands before the collection are folders.
fn server_owners(
    address: &Address,
    url_type: UrlType,
    settled: Settled<'_>,
) -> Result<(AzureAccount, Option<String>), UrlError> {
    if let Settled::Folders(folders) = settled {
        return match azure::in_folders(&address.segments, folders)? {
            (account, []) => Ok((account, None)),
            (account, [project]) => Ok((account, Some(project.clone()))),
            (_, [..]) => Err(UrlError::new("the URL has more than a collection and a project below `server_url`")),
        };
    }
    let (project, owners) = match (url_type, address.segments.split_last()) {
        (UrlType::Project, Some((project, owners))) => (Some(project.clone()), owners),
        (UrlType::Project | UrlType::Organization | UrlType::Repository, _) => (None, address.segments.as_slice()),
    };
    let Some((collection, folders)) = owners.split_last() else {
        return Err(UrlError::new(match project {
            Some(_) => "the URL names a project, but no collection that it is in",
            None => "the URL names no collection",
        }));
    };
    let account = AzureAccount::Collection { virtual_folders: folders.to_vec(), collection: collection.clone() };
    Ok((account, project))
}

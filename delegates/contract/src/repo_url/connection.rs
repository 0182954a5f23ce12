//! A connection's URL: the prefix that its links' repositories lie below, or the one repository itself.
//!
//! Whatever a link's URL looks like, the repository that comes of it is at the connection's own origin: credentials
//! go there and nowhere else.

mod azure_prefix;

use std::fmt;

use super::address::{self, Address, PathStart};
use super::azure::{self, Settled, Site};
use super::origin::{Origin, Scheme};
use super::segment::{self, Writing};
use super::{LinkUrl, Provider, RepoUrl, ServerUrl, UrlError, UrlType};

use azure_prefix::AzurePrefix;

/// An account's URL, as a prefix of its repositories'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionUrl {
    provider: Provider,
    url_type: UrlType,
    origin: Origin,
    /// The login name of SSH; nothing over HTTP.
    user: Option<String>,
    /// Where the Server is whose address this is, if that was said.
    server: Option<ServerUrl>,
    target: Target,
}

/// What the URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Azure(AzurePrefix),
    /// The decoded segments that every path begins with, and where they begin themselves.
    Folder(Vec<String>, PathStart),
    Repository(RepoUrl),
}

impl ConnectionUrl {
    pub fn parse(text: &str, provider: Provider, url_type: UrlType) -> Result<Self, UrlError> {
        let address = Address::read(text)?;
        let target = match (provider, url_type) {
            (Provider::AzureRepos, _) => azure_target(&address, url_type, Settled::Nothing)?,
            (Provider::Git, UrlType::Repository) => Target::Repository(RepoUrl::of_git(&address)?),
            (Provider::Git, UrlType::Organization | UrlType::Project) => {
                address.without_view()?;
                Target::Folder(address.segments, address.start)
            }
        };
        Ok(Self { provider, url_type, origin: address.origin, user: address.user, server: None, target })
    }

    /// Reads an address of an Azure DevOps Server whose own URL is known. Over SSH the two may be on different hosts.
    pub fn on_server(text: &str, url_type: UrlType, server: ServerUrl) -> Result<Self, UrlError> {
        let address = Address::read(text)?;
        if Site::of(&address.origin)? != Site::Server {
            let host = &address.origin.host;
            return Err(UrlError::new(format!("`{host}` is one of Azure's own hosts, which need no `server_url`")));
        }
        if address.origin.scheme != Scheme::Ssh && address.origin != *server.origin() {
            return Err(UrlError::new(format!("{} is not on the server {server}", shown(&address))));
        }
        let target = azure_target(&address, url_type, Settled::Folders(server.folders()))?;
        let (origin, user) = (address.origin, address.user);
        Ok(Self { provider: Provider::AzureRepos, url_type, origin, user, server: Some(server), target })
    }

    pub fn provider(&self) -> Provider {
        self.provider
    }

    pub fn url_type(&self) -> UrlType {
        self.url_type
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The login name of SSH, if the URL has one.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Where the Server is whose address this is, if that was said.
    pub fn server(&self) -> Option<&ServerUrl> {
        self.server.as_ref()
    }

    /// The organization's or collection's URL, which the provider's API lies below; no slash at the end.
    pub fn api_url(&self) -> Result<String, UrlError> {
        let account = match &self.target {
            Target::Azure(prefix) => Some(prefix.account()),
            Target::Repository(repository) => repository.azure().map(|names| &names.account),
            Target::Folder(..) => None,
        };
        let account = account.ok_or_else(|| UrlError::new("only Azure Repos has an API that is used"))?;
        let is_web = self.origin.scheme != Scheme::Ssh;
        let server = self.server.as_ref().map(ServerUrl::origin).or(Some(&self.origin).filter(|_| is_web));
        account.api_url(server).ok_or_else(|| UrlError::new("an address of ssh does not tell where a Server's API is"))
    }

    /// From the first slash, percent-encoded, no slash at the end; empty for the top of the host.
    pub fn path(&self) -> String {
        match &self.target {
            Target::Azure(prefix) => segment::join(&prefix.segments()),
            Target::Folder(segments, _) => segment::join(segments),
            Target::Repository(repository) => repository.path().to_owned(),
        }
    }

    /// The repository that a connection test reads: named below this URL, or this one itself.
    pub fn test_repository(&self, name: Option<&str>) -> Result<RepoUrl, UrlError> {
        match (&self.target, name) {
            (Target::Repository(repository), None) => Ok(repository.clone()),
            (Target::Repository(_), Some(_)) => {
                Err(UrlError::new("`test_repository` is not used where `url_type` is `repository`"))
            }
            (Target::Azure(_) | Target::Folder(..), None) => {
                Err(UrlError::new(format!("`test_repository` is needed where `url_type` is `{}`", self.url_type)))
            }
            (Target::Azure(_) | Target::Folder(..), Some(name)) => {
                Ok(self.below(segment::split(name, Writing::Encoded)?, None)?.repository)
            }
        }
    }

    /// Reads a link's URL against this one: it must lie on the same origin and below this path. A text without a
    /// scheme and a host is a path below this URL. On Azure any address of the repository will do, over whichever
    /// transport; what comes of it is at the connection's own origin.
    pub fn link(&self, text: &str) -> Result<LinkUrl, UrlError> {
        let text = text.trim();
        let path = text.split(['?', '#']).next().unwrap_or_default();
        if !path.contains("://") && !path.starts_with('/') && !address::is_scp(path) {
            return self.link_by_path(text);
        }
        let address = Address::read(text)?;
        match &self.target {
            Target::Folder(folder, start) => self.link_in_folder(folder, *start, &address),
            Target::Azure(prefix) => self.link_on_azure(prefix, &address),
            Target::Repository(repository) => self.link_to_one(repository, &address),
        }
    }

    fn link_by_path(&self, text: &str) -> Result<LinkUrl, UrlError> {
        let path = text.split(['?', '#']).next().unwrap_or_default();
        let first = path.split('/').next().unwrap_or_default();
        if !first.is_empty() && first.eq_ignore_ascii_case(&self.origin.host) {
            let corrected = format!("{}://{path}", self.origin.scheme);
            return Err(UrlError::new("the text is no URL: it has no scheme").corrected(corrected));
        }
        if text.contains(|c: char| c == '\\' || c.is_control()) {
            return Err(UrlError::new("the path holds a backslash or a control character"));
        }
        let segments = segment::split(path, Writing::Encoded)?;
        self.below(segments, text.get(path.len()..))
    }

    /// A repository by its path below this URL; `view` is what a web URL has behind the path.
    fn below(&self, names: Vec<String>, view: Option<&str>) -> Result<LinkUrl, UrlError> {
        let url = match &self.target {
            Target::Azure(prefix) => prefix.repository(&self.origin, &names)?,
            Target::Folder(..) if !names.is_empty() => format!("{self}{}", segment::join(&names)),
            Target::Repository(repository) if names.is_empty() => repository.web_url(),
            Target::Folder(..) => return Err(UrlError::new("the text names no repository")),
            Target::Repository(_) => return Err(UrlError::new(format!("the connection is to {self} alone"))),
        };
        self.link(&(url + view.unwrap_or_default()))
    }

    /// Where the connection names a folder, it says too where that begins: links in the other form of SSH are the same.
    fn link_in_folder(&self, folder: &[String], start: PathStart, address: &Address) -> Result<LinkUrl, UrlError> {
        self.check_transport(address)?;
        let repository = RepoUrl::of_git(address)?;
        let is_below = address.segments.len() > folder.len() && address.segments.starts_with(folder);
        if address.origin != self.origin || !is_below {
            return Err(self.not_below(address));
        }
        let says_nothing = folder.is_empty() && start.is_top();
        let start = if says_nothing { repository.start } else { start };
        let repository = self.with_login(RepoUrl { start, ..repository });
        Ok(LinkUrl { repository, directory: None, reference: None })
    }

    fn link_on_azure(&self, prefix: &AzurePrefix, address: &Address) -> Result<LinkUrl, UrlError> {
        let site = Site::of(&address.origin)?;
        let is_same_server = site == Site::Server && self.is_same_server(&address.origin);
        let is_same_host = is_same_server || (site != Site::Server && prefix.site() != Site::Server);
        let account = is_same_server.then_some(prefix.account());
        if !is_same_host || account.is_some_and(|account| !account.is_above(&address.segments)) {
            return Err(self.not_below(address));
        }
        let reading = azure::read(address, account.map_or(Settled::Nothing, Settled::Account))?;
        if !prefix.holds(&reading.repository) {
            return Err(self.not_below(address));
        }
        let mut link = reading.link_at(prefix.site(), &self.origin, address)?;
        link.repository = self.with_login(link.repository);
        Ok(link)
    }

    fn link_to_one(&self, repository: &RepoUrl, address: &Address) -> Result<LinkUrl, UrlError> {
        let (link, is_same_host) = match &repository.azure {
            None => {
                self.check_transport(address)?;
                let repository = RepoUrl::of_git(address)?;
                (LinkUrl { repository, directory: None, reference: None }, address.origin == self.origin)
            }
            Some(names) => {
                let (ours, theirs) = (Site::of(&self.origin)?, Site::of(&address.origin)?);
                let is_same_server = theirs == Site::Server && self.is_same_server(&address.origin);
                let account =
                    Some(&names.account).filter(|account| is_same_server && account.is_above(&address.segments));
                let settled = account.map_or(Settled::Nothing, Settled::Account);
                let is_services = ours != Site::Server && theirs != Site::Server;
                let reading = azure::read(address, settled)?;
                (reading.link_at(ours, &self.origin, address)?, is_same_server || is_services)
            }
        };
        if !is_same_host || link.repository.identity != repository.identity {
            return Err(self.not_below(address));
        }
        Ok(LinkUrl { repository: repository.clone(), ..link })
    }

    /// Whether requests to this place reach the connection's own Server.
    fn is_same_server(&self, origin: &Origin) -> bool {
        let web = self.server.as_ref().map(ServerUrl::origin);
        [Some(&self.origin), web].into_iter().flatten().any(|own| own.is_same_server(origin))
    }

    fn check_transport(&self, address: &Address) -> Result<(), UrlError> {
        let (ours, theirs) = (self.origin.scheme.transport(), address.origin.scheme.transport());
        if ours == theirs {
            return Ok(());
        }
        Err(UrlError::new(format!(
            "the connection {self} is over {ours}, but {} is an address of {theirs}",
            shown(address)
        )))
    }

    fn not_below(&self, address: &Address) -> UrlError {
        UrlError::new(format!("{} is not below the connection's URL {self}", shown(address)))
    }

    /// The login is the connection's, unless the connection leaves it to its links.
    fn with_login(&self, repository: RepoUrl) -> RepoUrl {
        match &self.user {
            Some(user) if self.origin.scheme == Scheme::Ssh => RepoUrl { user: Some(user.clone()), ..repository },
            Some(_) | None => repository,
        }
    }
}

impl fmt::Display for ConnectionUrl {
    /// Never holds credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.origin.scheme, self.origin, self.path())
    }
}

fn azure_target(address: &Address, url_type: UrlType, settled: Settled<'_>) -> Result<Target, UrlError> {
    match url_type {
        UrlType::Repository => one_azure_repository(address, settled).map(Target::Repository),
        UrlType::Organization | UrlType::Project => AzurePrefix::read(address, url_type, settled).map(Target::Azure),
    }
}

fn one_azure_repository(address: &Address, settled: Settled<'_>) -> Result<RepoUrl, UrlError> {
    let link = azure::read(address, settled)?.link(address)?;
    if link.directory.is_some() || link.reference.is_some() || address.has_view() {
        let refused = UrlError::new("a connection's URL names a repository, and no view of it");
        return Err(refused.corrected(link.repository.to_string()));
    }
    Ok(link.repository)
}

fn shown(address: &Address) -> String {
    format!("{}://{}{}", address.origin.scheme, address.origin, segment::join(&address.segments))
}

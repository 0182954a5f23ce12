//! A repository's address as it comes from another host: the same fields, not yet checked.
//!
//! A delegate sends credentials to such an address, so it takes only what parsing could have made.

use serde::Deserialize;

use super::address::{self, Address, PathStart};
use super::azure::{self, AzureRepository};
use super::origin::{Origin, Scheme};
use super::segment::{self, Writing};
use super::{Provider, RepoUrl, RepositoryIdentity, UrlError};

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Travelling {
    origin: Origin,
    provider: Provider,
    user: Option<String>,
    #[cfg_attr(feature = "schema", schemars(regex(pattern = segment::PATH_PATTERN)))]
    path: String,
    #[serde(default)]
    start: PathStart,
    identity: RepositoryIdentity,
    azure: Option<AzureRepository>,
}

impl TryFrom<Travelling> for RepoUrl {
    type Error = UrlError;

    fn try_from(given: Travelling) -> Result<Self, UrlError> {
        let refused = || UrlError::new("the address is not one that this version writes");
        let Travelling { origin, provider, user, path, start, identity, azure } = given;
        let is_host = match origin.scheme {
            Scheme::File => origin.host.is_empty(),
            Scheme::Https | Scheme::Http | Scheme::Ssh => address::read_host(&origin.host_text())? == origin.host,
        };
        if !is_host || address::read_user(origin.scheme, user.as_deref())? != user {
            return Err(refused());
        }
        let segments = segment::split(&path, Writing::Encoded)?;
        let made = match (provider, azure) {
            (Provider::AzureRepos, Some(names)) => azure::place(origin, user, &segments, names),
            (Provider::Git, None) => {
                Self::of_git(&Address { origin, user, segments, start, query: None, fragment: None })?
            }
            (Provider::AzureRepos, None) | (Provider::Git, Some(_)) => return Err(refused()),
        };
        if made.path == path && made.start == start && made.identity == identity { Ok(made) } else { Err(refused()) }
    }
}

//! What can be asked for, and what the provider's documents say of each: its stage and the scope it takes.

use crate::version::Stage;

/// A resource of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Resource {
    /// Who the token belongs to.
    ConnectionData,
    /// One repository.
    Repository,
    /// The repositories of a project.
    Repositories,
    /// What lies behind a clone URL.
    RepositoryInfo,
}

impl Resource {
    /// The stage it has on a server that is up to date.
    pub(crate) fn stage(self) -> Stage {
        match self {
            Self::ConnectionData => Stage::Preview,
            Self::Repository | Self::Repositories => Stage::Released,
            Self::RepositoryInfo => Stage::Unversioned,
        }
    }

    /// The scope that a token needs, as the page that makes tokens calls it; nothing where any token will do.
    pub(crate) fn scope(self) -> Option<&'static str> {
        match self {
            Self::ConnectionData => None,
            Self::Repository | Self::Repositories | Self::RepositoryInfo => Some("Code (Read)"),
        }
    }
}

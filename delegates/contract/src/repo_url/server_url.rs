//! Where an Azure DevOps Server is installed. It settles which folders its collections lie below.

use std::fmt;

use super::UrlError;
use super::address::Address;
use super::azure::Site;
use super::origin::Origin;
use super::segment;

/// The URL of a Server: its web address with the virtual folders, without a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    origin: Origin,
    /// Decoded.
    folders: Vec<String>,
}

impl ServerUrl {
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let address = Address::read(text)?;
        if address.origin.scheme.transport() != "http" {
            return Err(UrlError::new("a server's URL begins with `https://`"));
        }
        if Site::of(&address.origin)? != Site::Server {
            return Err(UrlError::new(format!("`{}` is one of Azure's own hosts, not a Server", address.origin.host)));
        }
        address.without_view()?;
        Ok(Self { origin: address.origin, folders: address.segments })
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(super) fn folders(&self) -> &[String] {
        &self.folders
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.origin.scheme, self.origin, segment::join(&self.folders))
    }
}

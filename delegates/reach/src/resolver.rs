//! Name resolution by the host's own resolver, with an error of its own type so that `dns` is told by structure.

use std::io;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The name could not be resolved.
#[derive(Debug, thiserror::Error)]
#[error("failed to resolve the name")]
pub(crate) struct ResolveError(#[source] pub Option<io::Error>);

impl ResolveError {
    /// What the resolver says, for people.
    pub(crate) fn cause(&self) -> String {
        self.0.as_ref().map_or_else(|| "the name has no address".to_owned(), io::Error::to_string)
    }
}

/// The addresses of a host; never empty.
pub(crate) async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, ResolveError> {
    let addresses: Vec<_> =
        tokio::net::lookup_host((host, port)).await.map_err(|error| ResolveError(Some(error)))?.collect();
    if addresses.is_empty() { Err(ResolveError(None)) } else { Ok(addresses) }
}

/// Puts [`resolve`] into the HTTP client.
#[derive(Debug)]
pub(crate) struct HostResolver;

impl Resolve for HostResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses = resolve(name.as_str(), 0).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

//! Addresses as a whole, in families: what is read, what is refused, what a connection makes of a link.

mod azure;
mod connection;
mod git;
mod properties;
mod server;
mod transports;

use super::{Provider, RepoUrl, UrlError};

fn refusal(text: &str, provider: Provider) -> UrlError {
    match RepoUrl::parse(text, provider) {
        Ok(link) => panic!("{text:?} was read as {}", link.repository),
        Err(error) => error,
    }
}

/// The text is refused, and this one is offered instead.
fn check_corrected(text: &str, provider: Provider, expect: &str) {
    let error = refusal(text, provider);
    assert_eq!(error.corrected.as_deref(), Some(expect), "{text:?}: {error}");
    assert!(error.message.contains(expect), "{error}");
}

//! Whose API is asked, about which repository, and as whom.

use std::fmt;

use suitesync_contract::{DelegateName, RepoUrl};
use zeroize::Zeroizing;

/// What it takes to ask an organization or a collection about one of its repositories.
#[derive(Clone)]
pub struct ApiSettings {
    /// `https://dev.azure.com/ORGANIZATION`, or `https://HOST[/FOLDER…]/COLLECTION` on a Server. The token is sent to
    /// this origin and to no other.
    pub url: String,
    /// A personal access token, or a token of Entra ID.
    pub token: Zeroizing<String>,
    /// The repository in question, by any of its addresses, SSH's too.
    pub repository: RepoUrl,
    /// Whether the token may travel without TLS.
    pub allow_plain_http: bool,
    /// Named in messages.
    pub delegate: DelegateName,
}

impl fmt::Debug for ApiSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiSettings")
            .field("url", &self.url)
            .field("token", &"[secret]")
            .field("repository", &self.repository)
            .field("allow_plain_http", &self.allow_plain_http)
            .field("delegate", &self.delegate)
            .finish()
    }
}

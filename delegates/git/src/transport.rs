//! The seam below the wire client: one call of Git's protocol and the bytes that answer it, over HTTP or over SSH.

use bytes::Bytes;
use reqwest::Url;
use suitesync_contract::{Failure, Transfer};
use suitesync_reach::{Client, Sent};
use tokio_util::sync::CancellationToken;

use crate::body::Body;
use crate::http::Http;
use crate::ssh::Ssh;

/// The way to one repository; clones count what they cost together.
#[derive(Debug, Clone)]
pub(crate) enum Transport {
    Http(Http),
    Ssh(Ssh),
}

/// What is asked of the repository's `upload-pack`.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    /// What it speaks, and in version 0 its refs.
    Advertisement,
    /// Refs or objects, in packets of one version of the protocol.
    UploadPack { packets: Bytes, version: Version },
}

/// The versions of the protocol that a request can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// Versions 0 and 1, which differ by one line of their advertisement.
    V0,
    V2,
}

/// An accepted answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The repository's URL that gave it, after redirects.
    pub(crate) base: Url,
    pub(crate) body: Body,
}

impl Transport {
    /// What waits for an answer is apart from its caller, and so taken only while it is asked: a repository that waits
    /// for its turn costs a tenth.
    pub(crate) async fn exchange(
        &self,
        base: &Url,
        call: &Call,
        cancel: &CancellationToken,
    ) -> Result<Answer, Failure> {
        match self {
            Self::Http(http) => Box::pin(http.exchange(base, call, cancel)).await,
            Self::Ssh(ssh) => Box::pin(ssh.exchange(base, call, cancel)).await,
        }
    }

    pub(crate) fn client(&self) -> &Client {
        match self {
            Self::Http(http) => http.client(),
            Self::Ssh(ssh) => ssh.client(),
        }
    }

    pub(crate) fn transfer(&self) -> Transfer {
        match self {
            Self::Http(http) => http.meter().read(),
            Self::Ssh(ssh) => ssh.meter().read(),
        }
    }

    pub(crate) fn sent(&self) -> Sent {
        match self {
            Self::Http(http) => http.sent(),
            Self::Ssh(_) => Sent::Credentials,
        }
    }
}

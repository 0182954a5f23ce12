//! Which transport a repository is reached over, and whether the credentials fit it. Nothing is sent here.

use std::sync::Arc;

use suitesync_contract::{Failure, FailureClass, RepoUrl, Scheme};
use suitesync_reach::{Client, Place};

use super::{PlainHttp, RemoteSettings};
use crate::authorization::Authorization;
use crate::http::Http;
use crate::ssh::{DEFAULT_LOGIN, HostKeyPolicy, Identity, Sessions, Ssh};
use crate::transport::Transport;

/// Fails where credentials would travel unencrypted or cannot be sent at all.
pub(super) fn transport(
    client: Client,
    place: &Arc<Place>,
    settings: RemoteSettings,
    sessions: &Sessions,
) -> Result<Transport, Failure> {
    let RemoteSettings { url, authorization, plain_http, host_keys, delegate: _ } = settings;
    match (url.origin().scheme, authorization) {
        (Scheme::Http, Some(_)) if plain_http == PlainHttp::Refused => Err(unencrypted(place)),
        (Scheme::Https | Scheme::Http, authorization) => http(client, place, &url, authorization.as_ref()),
        (Scheme::Ssh, authorization) => {
            let identity = identity(place, &url, authorization.as_ref())?;
            let policy = HostKeyPolicy::new(url.origin(), host_keys);
            Ok(Transport::Ssh(Ssh::new(client, Arc::clone(place), &url, (identity, policy), sessions.clone())))
        }
        (Scheme::File, _) => {
            let cause = "only https, http and ssh are supported";
            let failure = place.repository_failure(FailureClass::Protocol, "reach", cause);
            Err(failure.with_hint("use the URL of its server; what lies on this host is for `suitesync inspect`"))
        }
    }
}

fn http(
    client: Client,
    place: &Arc<Place>,
    url: &RepoUrl,
    authorization: Option<&Authorization>,
) -> Result<Transport, Failure> {
    if let Some(Authorization::PrivateKey { .. }) = authorization {
        return Err(unfit(
            place,
            "a private key is used over ssh only",
            "set a password or a token, or use the ssh URL",
        ));
    }
    let header = authorization.map(Authorization::header).transpose();
    let header =
        header.map_err(|error| place.repository_failure(FailureClass::SecretUnavailable, "sign in to", error))?;
    Ok(Transport::Http(Http::new(client, Arc::clone(place), url.origin().clone(), header)))
}

fn identity(place: &Place, url: &RepoUrl, authorization: Option<&Authorization>) -> Result<Identity, Failure> {
    let login = url.user().unwrap_or(DEFAULT_LOGIN);
    match authorization {
        Some(Authorization::PrivateKey { private_key, passphrase }) => {
            Ok(Identity::new(login, private_key, passphrase.as_deref()))
        }
        Some(Authorization::Basic { .. } | Authorization::Bearer { .. }) | None => {
            Err(unfit(place, "ssh needs a private key", "set `private_key` in the credentials of the connection"))
        }
    }
}

/// Credentials that are of no use over the transport that the URL asks for.
fn unfit(place: &Place, cause: &str, hint: &str) -> Failure {
    place.repository_failure(FailureClass::AuthMissing, "sign in to", cause).with_hint(hint)
}

fn unencrypted(place: &Place) -> Failure {
    let cause = "the credentials would travel unencrypted over http";
    place
        .repository_failure(FailureClass::AuthMissing, "sign in to", cause)
        .with_hint("use https, or set `allow_plain_http = true` if the network is yours alone")
}

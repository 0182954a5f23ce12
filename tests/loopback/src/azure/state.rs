//! What the server knows and may be told while it runs.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::azure::inventory::Repository;
use crate::azure::options::{AzureDeployment, AzureRefusal, AzureScope, AzureScopeRefusal};

/// A look-alike's settings, and what changes.
#[derive(Debug)]
pub(super) struct Azure {
    pub(super) root: PathBuf,
    pub(super) scheme: &'static str,
    pub(super) deployment: AzureDeployment,
    changing: Mutex<Changing>,
}

/// What may change while the server runs.
#[derive(Debug)]
pub(super) struct Changing {
    pub(super) tokens: HashMap<String, Token>,
    pub(super) rest_refusal: AzureRefusal,
    pub(super) git_refusal: AzureRefusal,
    pub(super) scope_refusal: AzureScopeRefusal,
    pub(super) latest_version: String,
    /// Ids of repositories that are disabled.
    pub(super) disabled: HashSet<String>,
    /// Seconds that successful answers ask to wait before the next request.
    pub(super) slow_down: Option<u32>,
    pub(super) ssh_base: String,
}

#[derive(Debug, Clone)]
pub(super) enum Token {
    Valid(Vec<AzureScope>),
    Expired,
}

/// Who asks, as far as the request proves it.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    Known(Vec<AzureScope>),
    Expired,
    Unknown,
}

impl Azure {
    pub(super) fn new(root: PathBuf, scheme: &'static str, deployment: AzureDeployment, version: &str) -> Self {
        let changing = Changing {
            tokens: HashMap::new(),
            rest_refusal: AzureRefusal::SignInPage,
            git_refusal: AzureRefusal::Unauthorized,
            scope_refusal: AzureScopeRefusal::Forbidden,
            latest_version: version.to_owned(),
            disabled: HashSet::new(),
            slow_down: None,
            ssh_base: "git@ssh.dev.azure.com:v3".to_owned(),
        };
        Self { root, scheme, deployment, changing: Mutex::new(changing) }
    }

    pub(super) fn changing(&self) -> MutexGuard<'_, Changing> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_disabled(&self, repository: &Repository) -> bool {
        self.changing().disabled.contains(&repository.id)
    }

    /// Who an `Authorization` header proves to be asking: a token as the password of any user, or as bearer.
    pub(super) fn caller(&self, authorization: Option<&str>) -> Caller {
        let secret = authorization.and_then(secret);
        match secret.and_then(|secret| self.changing().tokens.get(&secret).cloned()) {
            Some(Token::Valid(scopes)) => Caller::Known(scopes),
            Some(Token::Expired) => Caller::Expired,
            None => Caller::Unknown,
        }
    }
}

fn secret(authorization: &str) -> Option<String> {
    let (scheme, given) = authorization.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("Bearer") {
        return Some(given.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(given.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(_user, password)| password.to_owned())
}

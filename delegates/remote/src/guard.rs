//! What a delegate lets an agent use: which secrets, for which hosts.
//!
//! Whoever speaks in the agent's name may ask for anything, so the delegate's own file decides. A task that wants more is
//! refused before a secret is read.

mod host_pattern;

use std::collections::BTreeMap;

use suitesync_contract::{
    Access, ApiAccess, EnvironmentValue, Failure, FailureClass, Origin, RunTask, Scheme, SecretName, SecretRef, Task,
    Work,
};

pub use host_pattern::{HostPattern, InvalidPattern};

/// What one secret may be used for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permission {
    /// Servers that it may be sent to.
    pub hosts: Vec<HostPattern>,
    /// Whether runs may have it in their environment.
    pub runs: bool,
}

/// What a delegate's file allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    pub secrets: BTreeMap<SecretName, Permission>,
    /// Whether it executes runs at all.
    pub executes_runs: bool,
}

/// Where a secret would be sent.
struct Place {
    host: String,
    port: u16,
    is_encrypted: bool,
}

impl Place {
    fn of(origin: &Origin) -> Self {
        let is_encrypted = matches!(origin.scheme, Scheme::Https | Scheme::Ssh);
        Self { host: origin.host.clone(), port: origin.port, is_encrypted }
    }

    /// Nothing where the address cannot be read.
    fn of_api(api: &ApiAccess) -> Option<Self> {
        let url = url::Url::parse(&api.url).ok()?;
        let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self { host, port: url.port_or_known_default()?, is_encrypted: url.scheme() == "https" })
    }

    fn is_allowed(&self, patterns: &[HostPattern]) -> bool {
        // Without TLS anybody in between can be that host: only a pattern that names the port means it.
        let fits = |pattern: &HostPattern| pattern.fits(&self.host, self.port);
        patterns.iter().any(|pattern| fits(pattern) && (self.is_encrypted || pattern.names_port()))
    }
}

impl Guard {
    /// Whether the task may be carried out here; what it wants too much of is a failure of class `secret_unavailable`,
    /// a run where none are executed one of class `no_eligible_delegate`.
    pub fn check(&self, task: &Task) -> Result<(), Failure> {
        self.check_access(&task.access)?;
        match &task.work {
            Work::Run(run) => self.check_run(run),
            Work::Probe(_) => Ok(()),
            Work::Sync(sync) => sync.links.iter().try_for_each(|link| check_path(&link.directory)),
        }
    }

    fn check_access(&self, access: &Access) -> Result<(), Failure> {
        let origin = access.url.origin();
        if origin.scheme == Scheme::File {
            return Err(refused("the task names a folder of the delegate's host", NO_PATHS));
        }
        let place = Place::of(origin);
        let credentials = access.credentials.iter().flat_map(|credentials| credentials.secrets());
        let certificate = access.client_certificate.iter().map(|certificate| &certificate.key);
        credentials.chain(certificate).try_for_each(|secret| self.check_sent(secret, &place))?;
        let Some(api) = &access.api else { return Ok(()) };
        let place = Place::of_api(api)
            .ok_or_else(|| refused("the address of the provider's API cannot be read", "correct `api` in the agent"))?;
        self.check_sent(&api.token, &place)
    }

    fn check_run(&self, run: &RunTask) -> Result<(), Failure> {
        if !self.executes_runs {
            let message = "this delegate executes no runs";
            let hint = "set `runs = true` under `[delegate]` in the delegate's file, or give the schedule other tags";
            return Err(Failure::new(FailureClass::NoEligibleDelegate, message).with_hint(hint));
        }
        check_path(&run.root)?;
        run.results.iter().try_for_each(|glob| check_path(glob))?;
        let secrets = run.environment.values().filter_map(|value| match value {
            EnvironmentValue::Plain(_) => None,
            EnvironmentValue::Secret(reference) => Some(reference),
        });
        secrets.into_iter().try_for_each(|reference| {
            let (name, permission) = self.permission(reference)?;
            if permission.runs {
                return Ok(());
            }
            let hint =
                format!("set `runs = true` under `[secrets.{name}]` in the delegate's file, if runs may have it");
            Err(refused(format!("runs may not have {reference} here"), hint))
        })
    }

    fn check_sent(&self, reference: &SecretRef, place: &Place) -> Result<(), Failure> {
        let (name, permission) = self.permission(reference)?;
        if place.is_allowed(&permission.hosts) {
            return Ok(());
        }
        let Place { host, port, is_encrypted } = place;
        let (message, wanted) = if *is_encrypted {
            (format!("{reference} may not be sent to {host}:{port}"), host.clone())
        } else {
            (format!("{reference} may not be sent to {host}:{port} without TLS"), format!("{host}:{port}"))
        };
        let hint =
            format!("add `{wanted}` to `hosts` under `[secrets.{name}]` in the delegate's file, if that is meant");
        Err(refused(message, hint))
    }

    fn permission<'a>(&'a self, reference: &'a SecretRef) -> Result<(&'a SecretName, &'a Permission), Failure> {
        let SecretRef::Secret(name) = reference else {
            let message = format!("{reference} may not be named by an agent: it would be read on the delegate's host");
            let hint =
                "declare it under `[secrets.NAME]` in the delegate's file and name it by `{ secret = \"NAME\" }`";
            return Err(refused(message, hint));
        };
        let permission = self.secrets.get(name).ok_or_else(|| {
            let hint = format!("declare `[secrets.{name}]` in the delegate's file, with `hosts` or `runs`");
            refused(format!("{reference} is not known here"), hint)
        })?;
        Ok((name, permission))
    }
}

/// What to do where a task names a path.
const NO_PATHS: &str = "remote delegates take addresses of servers and paths inside a repository only";

/// A path inside the repository: neither from the top of the host nor out of where it begins.
fn check_path(path: &str) -> Result<(), Failure> {
    let leads_out = path.starts_with(['/', '\\']) || path.split(['/', '\\']).any(|name| name == "..");
    if leads_out { Err(refused("the task names a path out of the repository", NO_PATHS)) } else { Ok(()) }
}

fn refused(message: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure::new(FailureClass::SecretUnavailable, message).with_hint(hint)
}

#[cfg(test)]
mod tests;

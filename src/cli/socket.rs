//! Which socket the agent is looked for at.

use std::path::{Path, PathBuf};

use super::arguments::Globals;
use super::fault::Fault;
use crate::config::{self, AgentConfig, Environment, SettingOrigin};

/// The variable that names the socket where `--socket` does not.
const VARIABLE: &str = "SUITESYNC_SOCKET";

/// Where the packaged agent has its socket.
const SYSTEM: &str = "/run/suitesync/agent.sock";

/// Whose socket comes first where nothing names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum User {
    Root,
    /// May have an agent of their own, below `$XDG_RUNTIME_DIR`.
    Other,
}

/// The configuration is read only where neither a flag nor a variable names the socket.
pub(super) fn find(globals: &Globals, environment: &Environment) -> Result<PathBuf, Fault> {
    if let Some(named) = named(globals.socket.as_deref(), environment) {
        return Ok(named);
    }
    let location = globals.location();
    if globals.config.is_some() && !location.main().exists() {
        return Err(Fault::Usage {
            message: format!("there is no configuration file {}", location.main().display()),
            hint: "correct `--config`, or name the agent's socket with `--socket`".to_owned(),
        });
    }
    // A faulty configuration still says where the agent is that runs on the last good one.
    let is_configured = location.main().exists();
    let configured = is_configured.then(|| Configured::from(config::load(&location, environment).agent));
    let user = if rustix::process::geteuid().is_root() { User::Root } else { User::Other };
    // A folder that may not be entered hides a socket that is there: trying it tells why.
    let is_there = |path: &Path| path.try_exists().unwrap_or(true);
    Ok(choose(configured.or_else(|| users_own(environment)), user, is_there))
}

/// What is known of the socket without asking anyone.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Configured {
    Written(PathBuf),
    Default(PathBuf),
}

impl From<AgentConfig> for Configured {
    fn from(agent: AgentConfig) -> Self {
        match agent.socket_origin {
            SettingOrigin::Written => Self::Written(agent.socket),
            SettingOrigin::Default => Self::Default(agent.socket),
        }
    }
}

/// Where an agent that this user started has its socket, told without a configuration.
fn users_own(environment: &Environment) -> Option<Configured> {
    let folder = environment.get("XDG_RUNTIME_DIR")?;
    Some(Configured::Default(Path::new(&folder).join("suitesync/agent.sock")))
}

fn named(flag: Option<&Path>, environment: &Environment) -> Option<PathBuf> {
    flag.map(Path::to_owned).or_else(|| environment.get(VARIABLE).map(PathBuf::from))
}

/// A socket that is written down is the only one. Else it is the system's or the user's own, whichever is there.
fn choose(configured: Option<Configured>, user: User, is_there: impl Fn(&Path) -> bool) -> PathBuf {
    let system = PathBuf::from(SYSTEM);
    let own = match configured {
        Some(Configured::Written(path)) => return path,
        Some(Configured::Default(path)) => path,
        None => return system,
    };
    let order = match user {
        User::Root => [&system, &own],
        User::Other => [&own, &system],
    };
    order.into_iter().find(|path| is_there(path)).unwrap_or(&system).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "/run/user/7/suitesync/agent.sock";

    #[test]
    fn the_flag_comes_before_the_variable() {
        let environment = Environment::of([(VARIABLE, "/variable")]);
        assert_eq!(named(Some(Path::new("/flag")), &environment), Some(PathBuf::from("/flag")));
        assert_eq!(named(None, &environment), Some(PathBuf::from("/variable")));
        assert_eq!(named(None, &Environment::of([(VARIABLE, "")])), None);
    }

    #[test]
    fn a_socket_that_is_written_down_is_the_only_one() {
        let written = || Some(Configured::Written(PathBuf::from("/written")));
        assert_eq!(choose(written(), User::Root, |_| false), Path::new("/written"));
        assert_eq!(choose(written(), User::Other, |path| path == Path::new(SYSTEM)), Path::new("/written"));
    }

    #[test]
    fn a_user_looks_at_their_own_socket_first_and_root_at_the_systems() {
        let own = || users_own(&Environment::of([("XDG_RUNTIME_DIR", "/run/user/7")]));
        assert_eq!(choose(own(), User::Other, |_| true), Path::new(OWN));
        assert_eq!(choose(own(), User::Root, |_| true), Path::new(SYSTEM));
        assert_eq!(choose(own(), User::Other, |path| path == Path::new(SYSTEM)), Path::new(SYSTEM));
        assert_eq!(choose(own(), User::Root, |path| path == Path::new(OWN)), Path::new(OWN));
    }

    #[test]
    fn the_systems_socket_is_asked_where_none_is_there() {
        let own = Some(Configured::Default(PathBuf::from(OWN)));
        assert_eq!(choose(own, User::Other, |_| false), Path::new(SYSTEM));
        assert_eq!(choose(None, User::Other, |_| true), Path::new(SYSTEM));
    }
}

//! `[agent]` and `[log]`, and what they are without a word in any file.

use std::path::PathBuf;

use crate::config::environment::Environment;
use crate::config::report::{Finding, Report};
use crate::config::section::Section;
use crate::config::settings::{AgentConfig, LogConfig, LogFormat, LogLevel, SettingOrigin};

/// Enough to outlast a server's restart, few enough to tell of a real failure within a minute or so.
const DEFAULT_ATTEMPTS: u32 = 3;

/// Requests at once to one host: what a browser would open.
const DEFAULT_PER_HOST: u32 = 4;

/// Longest host name of DNS.
const MAX_AGENT_NAME: usize = 253;

/// Where the shipped unit has its socket.
const SYSTEM_SOCKET: &str = "/run/suitesync/agent.sock";

/// Name of the socket in whatever folder is for the agent's run time.
const SOCKET_NAME: &str = "agent.sock";

pub(super) fn read_agent(section: &Section<'_>, environment: &Environment) -> AgentConfig {
    let state_dir = section.path("state_dir").map(|path| path.value);
    let socket = section.path("socket").map(|path| path.value);
    let name = section.caption("name", MAX_AGENT_NAME);
    if name.as_ref().is_some_and(|name| name.trim().is_empty())
        && let Some(written) = section.value("name")
    {
        section.report.add(Finding::error(written.place, "`name` is empty").help("leave it out for the host's name"));
    }
    let defaults = default_agent(environment, state_dir.clone());
    AgentConfig {
        name: name.unwrap_or(defaults.name),
        state_dir: state_dir.unwrap_or(defaults.state_dir),
        socket_origin: if socket.is_some() { SettingOrigin::Written } else { SettingOrigin::Default },
        socket: socket.unwrap_or(defaults.socket),
        attempts: section.number("attempts", 1..=100).unwrap_or(defaults.attempts),
        per_host: section.number("per_host", 1..=1_000).unwrap_or(defaults.per_host),
    }
}

/// The agent of a configuration that says nothing of it. The state folder is empty where there is no place for it.
pub(in crate::config) fn default_agent(environment: &Environment, state_dir: Option<PathBuf>) -> AgentConfig {
    AgentConfig {
        name: gethostname::gethostname().to_string_lossy().into_owned(),
        state_dir: state_dir.or_else(|| default_state_dir(environment)).unwrap_or_default(),
        socket: default_socket(environment),
        socket_origin: SettingOrigin::Default,
        attempts: DEFAULT_ATTEMPTS,
        per_host: DEFAULT_PER_HOST,
    }
}

/// Reports an agent without a state folder.
pub(in crate::config) fn check_state_dir(report: &Report<'_>, agent: &AgentConfig) {
    if agent.state_dir.as_os_str().is_empty() {
        let message =
            "there is no folder for the agent's state: none of $STATE_DIRECTORY, $XDG_STATE_HOME and $HOME is set";
        let help = "set `state_dir` in [agent], such as \"/var/lib/suitesync\"";
        report.add_of_surroundings(message.to_owned(), help.to_owned());
    }
}

/// systemd separates several folders by colons; the first one is ours.
fn first_folder(environment: &Environment, variable: &str) -> Option<PathBuf> {
    environment.get(variable)?.split(':').next().filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

fn default_state_dir(environment: &Environment) -> Option<PathBuf> {
    first_folder(environment, "STATE_DIRECTORY")
        .or_else(|| environment.get("XDG_STATE_HOME").map(|home| PathBuf::from(home).join("suitesync")))
        .or_else(|| environment.get("HOME").map(|home| PathBuf::from(home).join(".local/state/suitesync")))
}

fn default_socket(environment: &Environment) -> PathBuf {
    first_folder(environment, "RUNTIME_DIRECTORY")
        .or_else(|| environment.get("XDG_RUNTIME_DIR").map(|folder| PathBuf::from(folder).join("suitesync")))
        .map_or_else(|| PathBuf::from(SYSTEM_SOCKET), |folder| folder.join(SOCKET_NAME))
}

pub(super) fn read_log(section: &Section<'_>) -> LogConfig {
    let formats = [("auto", LogFormat::Auto), ("text", LogFormat::Text), ("json", LogFormat::Json)];
    let levels = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
    let defaults = default_log();
    LogConfig {
        format: section.choice("format", &formats).map_or(defaults.format, |format| format.value),
        level: section
            .choice("level", &levels.map(|level| (level.as_str(), level)))
            .map_or(defaults.level, |level| level.value),
    }
}

/// The log of a configuration that says nothing of it.
pub(in crate::config) fn default_log() -> LogConfig {
    LogConfig { format: LogFormat::Auto, level: LogLevel::Info }
}

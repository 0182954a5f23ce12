//! The real `git`, and other programs, kept away from the configuration and the environment of whoever runs it.

use std::env;
use std::ffi::OsStr;
use std::process::Command;

/// No such folder exists, by convention: what Git looks for in a home is not there.
const NO_HOME: &str = "/nonexistent";
pub(crate) const AUTHOR_NAME: &str = "Ada Sample";
pub(crate) const AUTHOR_EMAIL: &str = "ada@sample.example";
/// Seconds since 1970 of the first commit: any fixed moment makes ids the same every time.
pub(crate) const FIRST_COMMIT_AT: u64 = 1_700_000_000;

/// `git` with a cleared environment: no configuration but its own, no prompt, a fixed author and a fixed clock.
pub fn clean_git() -> Command {
    let date = format!("@{FIRST_COMMIT_AT} +0000");
    let mut command = clean_program("git");
    command.envs([
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_AUTHOR_NAME", AUTHOR_NAME),
        ("GIT_AUTHOR_EMAIL", AUTHOR_EMAIL),
        ("GIT_AUTHOR_DATE", &date),
        ("GIT_COMMITTER_NAME", AUTHOR_NAME),
        ("GIT_COMMITTER_EMAIL", AUTHOR_EMAIL),
        ("GIT_COMMITTER_DATE", &date),
    ]);
    command
}

/// Any program with a cleared environment and no home.
pub(crate) fn clean_program(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path))).envs([("HOME", NO_HOME), ("LC_ALL", "C")]);
    command
}

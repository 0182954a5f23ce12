//! The real `curl`, without the environment's proxies and without a configuration.

use std::process::{Command, Output};

pub(crate) fn curl(arguments: &[&str]) -> Output {
    curl_command(arguments).output().unwrap()
}

pub(crate) fn curl_command(arguments: &[&str]) -> Command {
    let mut command = Command::new("curl");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.args(["--disable", "--silent", "--show-error"]).args(arguments);
    command
}

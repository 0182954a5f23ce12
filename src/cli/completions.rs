//! `completions`: what a shell has to know to complete commands.

use clap::CommandFactory;
use clap_complete::Shell;

use super::arguments::Cli;
use super::fault::{Exit, Fault};
use super::screen::Screen;

pub(super) fn run(shell: Shell, screen: &mut Screen) -> Result<Exit, Fault> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "suitesync", &mut script);
    screen.text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

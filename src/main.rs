//! The `suitesync` program: agent and command line in one.

use std::process::ExitCode;

fn main() -> ExitCode {
    suitesync::cli::run(std::env::args_os())
}

//! The first process of a run: started in a session and a group of its own, and not reaped before the run is over, so
//! that the number of its session and group means no other meanwhile.

use std::io::{self, PipeReader};
use std::process::Stdio;

use process_wrap::std::{CommandWrap, ProcessSession};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use suitesync_contract::Exit;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::brand::Brand;
use super::program::{self, StartFault};
use super::table::{self, ProcessId, RUN_VARIABLE};
use super::{RunOrder, control_group::ControlGroup};

/// A process that was started.
#[derive(Debug)]
pub(super) struct Leader {
    pub(super) id: ProcessId,
    pid: Pid,
    /// Tells that some child has ended; which one is asked then.
    children: Signal,
}

/// Whether an order can be started, as far as can be told without.
pub(super) fn check(order: &RunOrder) -> Result<(), StartFault> {
    let program = order.command.first().filter(|program| !program.is_empty()).ok_or(StartFault::EmptyCommand)?;
    let folder = &order.working_folder;
    let fault = |source| StartFault::WorkingFolder { folder: folder.clone(), source };
    std::fs::read_dir(folder).map_err(fault)?;
    let path = order.environment.get("PATH").map_or("", String::as_str);
    program::find(program, path, folder).map(drop)
}

/// Starts the command of an order. What it prints, on either stream, comes out of the pipe in the order it is printed.
pub(super) fn start(order: &RunOrder, group: Option<&ControlGroup>) -> Result<(Leader, PipeReader), StartFault> {
    let program = order.command.first().cloned().unwrap_or_default();
    let fault = |source| StartFault::Spawn { program: program.clone(), source };
    let (reader, writer) = io::pipe().map_err(fault)?;
    let entered = group.map(|group| group.entered(&order.command));
    let command = entered.as_ref().unwrap_or(&order.command);
    spawn(order, command, writer).map(|leader| (leader, reader)).map_err(fault)
}

fn spawn(order: &RunOrder, command: &[String], writer: io::PipeWriter) -> io::Result<Leader> {
    let errors = writer.try_clone()?;
    let mut wrapped = CommandWrap::with_new(command.first().map_or("", String::as_str), |wrapped| {
        wrapped.args(command.iter().skip(1)).current_dir(&order.working_folder);
        wrapped.env_clear().envs(&order.environment).env(RUN_VARIABLE, &order.id);
        wrapped.stdin(Stdio::null()).stdout(writer).stderr(errors);
    });
    // Listened for from before, or the end of a quick process could be missed.
    let children = signal(SignalKind::child())?;
    let child = Brand::of_run(&order.id).put_on(|| wrapped.wrap(ProcessSession).spawn())?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("the kernel's numbers are positive");
    // Not reaped yet, so it is there even if it has ended.
    let process = table::stat(pid.as_raw_pid()).ok_or(io::ErrorKind::NotFound)?;
    Ok(Leader { id: process.id, pid, children })
}

impl Leader {
    /// Waits until it ends, and says how. It stays a zombie.
    pub(super) async fn exit(&mut self) -> Exit {
        loop {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
            match waitid(WaitId::Pid(self.pid), options) {
                Ok(Some(status)) => {
                    let code = status.exit_status().map(Exit::Code);
                    return code.unwrap_or_else(|| Exit::Signal(status.terminating_signal().unwrap_or_default()));
                }
                Ok(None) => {}
                Err(error) => return Exit::NotStarted(format!("failed to wait for the process: {error}")),
            }
            self.children.recv().await;
        }
    }
}

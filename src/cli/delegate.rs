//! `delegate list, explain, drain, resume`, `delegate check`, and `delegate run` in `serving` and `station`.

pub(super) mod checking;
mod draining;
mod explaining;
pub(super) mod serving;
mod station;

pub(super) use station::StationError;

use super::arguments::DelegateCommand;
use super::fault::{Exit, Fault};
use super::look::Look;
use super::route::Route;
use super::session::Session;
use super::table::{Cell, Table};
use crate::engine::dispatcher::DelegateView;

pub(super) async fn run(command: &DelegateCommand, session: &mut Session) -> Result<Exit, Fault> {
    match command {
        DelegateCommand::List => {
            let delegates: Vec<DelegateView> = session.client.get(Route::of("delegates")).await?;
            session.screen.show(&delegates, |delegates, look| render_list(delegates, look))?;
            Ok(Exit::Done)
        }
        DelegateCommand::Explain(arguments) => explaining::run(arguments, session).await,
        DelegateCommand::Drain { name, wait } => {
            let exit = draining::drain(name, session).await?;
            if *wait {
                draining::until_empty(name, session).await?;
            }
            Ok(exit)
        }
        DelegateCommand::Resume { name } => draining::resume(name, session).await,
        // They ask no agent, and went their own way before one was looked for.
        DelegateCommand::Check | DelegateCommand::Run(_) => Ok(Exit::Done),
    }
}

pub(super) fn render_list(delegates: &[DelegateView], look: &Look) -> String {
    if delegates.is_empty() {
        return "There are no delegates: restart the agent.\n".to_owned();
    }
    let mut table = Table::new(["NAME", "KIND", "STATUS", "RUNNING", "TAGS", "NOTES"], look);
    for delegate in delegates {
        table.row([
            Cell::new(&delegate.name),
            Cell::new(&delegate.kind),
            Cell::status(&delegate.status),
            Cell::new(format!("{} of {}", delegate.running, delegate.capacity)),
            Cell::new(delegate.tags.join(", ")),
            Cell::new(notes(delegate)),
        ]);
    }
    table.render()
}

/// Why it is lost, and which servers it leaves to others.
fn notes(delegate: &DelegateView) -> String {
    let back_offs = delegate.backs_off.iter().map(ToString::to_string);
    delegate.lost.iter().cloned().chain(back_offs).collect::<Vec<_>>().join("; ")
}

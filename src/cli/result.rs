//! `result import, list`.

mod importing;
mod views;

use super::arguments::{ResultCommand, ResultListArguments};
use super::fault::{Exit, Fault};
use super::route::Route;
use super::session::Session;
use crate::catalog::results::ResultRecord;

pub(super) use views::{of_case, of_run};

/// Results that people are shown unless they ask for more: about a screen.
const SHOWN: u32 = 50;

pub(super) async fn run(command: &ResultCommand, session: &mut Session) -> Result<Exit, Fault> {
    match command {
        ResultCommand::Import(arguments) => importing::run(arguments, session).await,
        ResultCommand::List(arguments) => list(arguments, session).await,
    }
}

async fn list(arguments: &ResultListArguments, session: &mut Session) -> Result<Exit, Fault> {
    let shown = (!session.screen.is_for_programs()).then_some(SHOWN);
    let route = Route::of("results")
        .with("project", arguments.project.as_ref())
        .with("unmatched", arguments.unmatched.then_some(true))
        .with("limit", arguments.limit.or(shown));
    let results: Vec<ResultRecord> = session.client.get(route).await?;
    session.screen.show(&results, |results, look| views::list(results, look))?;
    Ok(Exit::Done)
}

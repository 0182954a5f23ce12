//! `run list, show, start, cancel, logs`.

mod logs;
mod starting;
mod views;

use super::act::{self, Consent};
use super::arguments::{RunCommand, RunListArguments};
use super::fault::{Exit, Fault};
use super::route::Route;
use super::session::Session;
use crate::catalog::run::RunRecord;
use crate::domain::run::RunStatus;
use crate::engine::control::ActedOnRun;
use crate::views::RunDetail;

/// Runs that people are shown unless they ask for more: about a screen.
const SHOWN: u32 = 50;

pub(super) async fn run(command: &RunCommand, session: &mut Session) -> Result<Exit, Fault> {
    match command {
        RunCommand::List(arguments) => list(arguments, session).await,
        RunCommand::Show { id } => {
            let run: RunDetail = session.client.get(one(*id)).await?;
            session.screen.show(&run, views::detail)?;
            Ok(Exit::Done)
        }
        RunCommand::Start(arguments) => starting::run(arguments, session).await,
        RunCommand::Cancel { id, consent } => cancel(*id, *consent, session).await,
        RunCommand::Logs { id, follow } => logs::run(*id, *follow, session).await,
    }
}

async fn cancel(id: u64, consent: Consent, session: &mut Session) -> Result<Exit, Fault> {
    let question = format!("Cancel run {id}? What it has begun is stopped.");
    if !act::is_wanted(consent, &question, session)? {
        return Ok(Exit::AnswerIsNo);
    }
    let acted: ActedOnRun = session.client.post(one(id).then("cancel")).await?;
    session.screen.show(&acted, |acted, _| act::told(("run", &id.to_string()), &acted.status, acted.changed))?;
    Ok(Exit::Done)
}

/// The route of one run.
fn one(id: u64) -> Route {
    Route::of("runs").named(&id.to_string())
}

async fn list(arguments: &RunListArguments, session: &mut Session) -> Result<Exit, Fault> {
    let shown = (!session.screen.is_for_programs()).then_some(SHOWN);
    let route = Route::of("runs")
        .with("schedule", arguments.schedule.as_ref())
        .with("link", arguments.link.as_ref())
        .with("status", arguments.status.map(RunStatus::code))
        .with("limit", arguments.limit.or(shown));
    let runs: Vec<RunRecord> = session.client.get(route).await?;
    session.screen.show(&runs, |runs, look| views::list(runs, look))?;
    Ok(Exit::Done)
}

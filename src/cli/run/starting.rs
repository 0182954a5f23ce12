//! `run start`: the suites of a schedule, begun by hand and waited for where that is wished.

use super::super::arguments::StartArguments;
use super::super::client::Client;
use super::super::fault::{Exit, Fault};
use super::super::look::Look;
use super::super::route::Route;
use super::super::screen::warn;
use super::super::session::Session;
use super::super::wording::escaped;
use super::{one, views};
use crate::catalog::run::RunRecord;
use crate::domain::run::RunStatus;
use crate::views::StartView;

pub(super) async fn run(arguments: &StartArguments, session: &mut Session) -> Result<Exit, Fault> {
    let schedule = arguments.schedule.as_str();
    let route = Route::of("schedules").named(schedule).then("start").with("suite", arguments.suite.as_ref());
    let StartView { runs: started, unknown_tags } = session.client.post(route).await?;
    for unknown in unknown_tags {
        warn(&format!("no delegate carries the tag `{}`", unknown.tag), &unknown.hint);
    }
    if arguments.wait && !started.is_empty() {
        return wait(started, session).await;
    }
    session.screen.show(&started, |runs, look| asked(schedule, runs, look))?;
    Ok(Exit::answer(!started.is_empty() && started.iter().all(|run| !run.status.is_final())))
}

fn asked(schedule: &str, runs: &[RunRecord], look: &Look) -> String {
    match runs {
        [] => format!("No suite of schedule {} is known yet: nothing was started.\n", escaped(schedule)),
        runs => runs.iter().map(|run| views::told(run, look)).collect::<String>() + &views::way_back(runs, look),
    }
}

/// Tells how each run ended, in the order in which they were started.
async fn wait(started: Vec<RunRecord>, session: &mut Session) -> Result<Exit, Fault> {
    let mut ended = Vec::new();
    for run in started {
        let run = end(run, &session.client).await?;
        if !session.screen.is_for_programs() {
            let text = views::told(&run, &session.screen.look());
            session.screen.text(&text)?;
        }
        ended.push(run);
    }
    if session.screen.is_for_programs() {
        session.screen.json(&ended)?;
    } else {
        let text = views::way_back(&ended, &session.screen.look());
        session.screen.text(&text)?;
    }
    Ok(Exit::answer(ended.iter().all(|run| run.status == RunStatus::Passed)))
}

async fn end(run: RunRecord, client: &Client) -> Result<RunRecord, Fault> {
    let id = run.id;
    let mut changes = client.follow::<RunRecord>(one(id.0).then("follow")).await?;
    let mut last = run;
    while let Some(run) = changes.next().await? {
        last = run;
    }
    if last.status.is_final() { Ok(last) } else { Err(Fault::NoEnd { what: format!("the wait for run {id}") }) }
}

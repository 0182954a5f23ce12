//! Routes of runs: those there are, one with its results, following one to its end, and canceling it.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use futures_util::stream::{self, StreamExt};
use serde::Deserialize;
use suitesync_contract::RunId;
use tokio::sync::broadcast;

use super::Api;
use super::answer::{Answer, Refused, json};
use super::peer::Asking;
use super::read::check_link;
use super::work::lines;
use crate::catalog::results::{self, ResultFilter};
use crate::catalog::run::{self, RunFilter, RunRecord};
use crate::domain::event::Event;
use crate::domain::run::RunStatus;
use crate::engine::control::{ActedOnRun, AgentState, Refusal};
use crate::views::RunDetail;

#[derive(Debug, Deserialize)]
pub(super) struct RunQuery {
    schedule: Option<String>,
    link: Option<String>,
    status: Option<RunStatus>,
    #[serde(default)]
    unfinished: bool,
    limit: Option<u32>,
}

pub(super) async fn list(
    State(api): State<Api>,
    Extension(who): Extension<Asking>,
    Query(query): Query<RunQuery>,
) -> Answer<Vec<RunRecord>> {
    check_link(&api, query.link.as_deref()).await?;
    let schedule = query.schedule.clone();
    let filter = RunFilter {
        id: None,
        schedule: query.schedule,
        link: query.link,
        status: query.status,
        unfinished: query.unfinished,
        limit: query.limit,
    };
    let runs = api.control.catalog.read(move |sql| run::list(sql, &filter)).await?;
    if runs.is_empty() {
        check_schedule(&api, who.state(), schedule).await?;
    }
    json(runs)
}

/// A schedule that is named must be there, or have been: an empty answer would hide a slip.
async fn check_schedule(api: &Api, state: &AgentState, name: Option<String>) -> Result<(), Refused> {
    let Some(name) = name else { return Ok(()) };
    let is_configured = state.config.schedules.keys().any(|known| known.as_str() == name);
    let filter = RunFilter { schedule: Some(name.clone()), limit: Some(1), ..RunFilter::default() };
    let was_run = !api.control.catalog.read(move |sql| run::list(sql, &filter)).await?.is_empty();
    if is_configured || was_run { Ok(()) } else { Err(Refused(Refusal::unknown("schedule", &name))) }
}

pub(super) async fn show(
    State(api): State<Api>,
    Extension(who): Extension<Asking>,
    Path(id): Path<String>,
) -> Answer<RunDetail> {
    let run = find(&api, &id).await?;
    let filter = ResultFilter { run: Some(run.id), ..ResultFilter::default() };
    let results = api.control.catalog.read(move |sql| results::list(sql, &filter)).await?;
    json(RunDetail::new(run, results, who.state()))
}

/// The run with the id in a path. What is no number is no run.
pub(super) async fn find(api: &Api, id: &str) -> Result<RunRecord, Refused> {
    let unknown = || Refused(Refusal::unknown("run", id));
    let wanted = id.parse().map(RunId).map_err(|_| unknown())?;
    api.control.catalog.read(move |sql| run::find(sql, wanted)).await?.ok_or_else(unknown)
}

pub(super) async fn cancel(
    State(api): State<Api>,
    Extension(who): Extension<Asking>,
    Path(id): Path<String>,
) -> Answer<ActedOnRun> {
    let run = find(&api, &id).await?;
    who.expect_on_link(&run.link)?;
    json(api.control.cancel_run(run.id, who.name().to_owned()).await?)
}

/// The run as it is, and again each time it changes; ends when the run is over.
pub(super) async fn follow(State(api): State<Api>, Path(id): Path<String>) -> Result<Response, Refused> {
    // From before the run is read, so that no change falls between.
    let events = api.control.catalog.follow();
    let run = find(&api, &id).await?;
    let stop = api.stop.clone();
    let follower = Follower { api, run: run.id, events, told: None };
    let changes = stream::unfold(follower, |mut follower| async move { Some((follower.next().await?, follower)) });
    Ok(lines(changes.take_until(async move { stop.cancelled().await })))
}

/// Someone who hears of a run until it is over.
struct Follower {
    api: Api,
    run: RunId,
    events: broadcast::Receiver<Arc<Event>>,
    told: Option<RunRecord>,
}

impl Follower {
    async fn next(&mut self) -> Option<RunRecord> {
        if self.told.as_ref().is_some_and(|run| run.status.is_final()) {
            return None;
        }
        loop {
            let id = self.run;
            // A catalog that cannot be read, or has forgotten the run, has no more to tell.
            let run = self.api.control.catalog.read(move |sql| run::find(sql, id)).await.ok()??;
            if self.told.as_ref() != Some(&run) {
                self.told = Some(run.clone());
                return Some(run);
            }
            self.event().await?;
        }
    }

    /// Waits until something happens to the run.
    async fn event(&mut self) -> Option<()> {
        loop {
            match self.events.recv().await {
                Ok(event) if event.run == Some(self.run) => return Some(()),
                Ok(_) => {}
                // What was missed may have been of this run.
                Err(broadcast::error::RecvError::Lagged(_)) => return Some(()),
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;

    use super::*;

    #[test]
    fn a_status_is_named_by_its_word() {
        let read = |uri: &'static str| Query::<RunQuery>::try_from_uri(&Uri::from_static(uri));
        let Query(query) = read("/v1/runs?status=timed_out&limit=5&unfinished=true").unwrap();
        assert_eq!((query.status, query.limit, query.unfinished), (Some(RunStatus::TimedOut), Some(5), true));
        assert!(read("/v1/runs?status=late").is_err());
        assert!(!read("/v1/runs").unwrap().0.unfinished);
    }
}

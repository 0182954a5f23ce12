//! Routes of schedules: what there is, when it falls due, and starting one by hand.

use axum::extract::{Extension, Path, Query, State};
use serde::Deserialize;
use suitesync_contract::ScheduleName;

use super::Api;
use super::answer::{Answer, json, named};
use super::peer::Asking;
use crate::engine::control::Refusal;
use crate::views::{ScheduleView, Schedules, SlotView, StartView, UnknownTag, upcoming};

/// Slots that are foretold unless more are asked for.
const FORETOLD: usize = 10;

/// Slots that are foretold at most: one a second for a quarter of an hour is as good as for ever.
const MOST_FORETOLD: usize = 1000;

pub(super) async fn list(State(api): State<Api>, Extension(who): Extension<Asking>) -> Answer<Vec<ScheduleView>> {
    let known = api.control.catalog.read(Schedules::read).await?;
    json(known.views(who.state()))
}

#[derive(Debug, Deserialize)]
pub(super) struct NextQuery {
    count: Option<usize>,
}

impl NextQuery {
    fn count(&self) -> usize {
        self.count.unwrap_or(FORETOLD).min(MOST_FORETOLD)
    }
}

pub(super) async fn next_of_all(
    Extension(who): Extension<Asking>,
    Query(query): Query<NextQuery>,
) -> Answer<Vec<SlotView>> {
    let state = who.state();
    json(upcoming(state.config.schedules.values(), state.now, query.count()))
}

pub(super) async fn next(
    Extension(who): Extension<Asking>,
    Path(name): Path<String>,
    Query(query): Query<NextQuery>,
) -> Answer<Vec<SlotView>> {
    let wanted: ScheduleName = named("schedule", &name)?;
    let state = who.state();
    let schedule = state.config.schedules.get(&wanted).ok_or_else(|| Refusal::unknown("schedule", &name))?;
    json(upcoming([schedule], state.now, query.count()))
}

#[derive(Debug, Deserialize)]
pub(super) struct StartQuery {
    suite: Option<String>,
}

pub(super) async fn start(
    State(api): State<Api>,
    Extension(who): Extension<Asking>,
    Path(name): Path<String>,
    Query(query): Query<StartQuery>,
) -> Answer<StartView> {
    let wanted: ScheduleName = named("schedule", &name)?;
    let state = who.state();
    let schedule = state.config.schedules.get(&wanted).ok_or_else(|| Refusal::unknown("schedule", &name))?;
    who.expect_on_link(&schedule.link)?;
    let unknown_tags = UnknownTag::among(&state.config.tags_of_schedule(schedule), &state.candidates);
    let runs = api.control.start_schedule(wanted, query.suite, who.name().to_owned()).await?;
    json(StartView { runs, unknown_tags })
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;

    use super::*;

    #[test]
    fn no_more_slots_are_foretold_than_anybody_reads() {
        let check = |uri: &'static str, expect: usize| {
            let Query(query) = Query::<NextQuery>::try_from_uri(&Uri::from_static(uri)).unwrap();
            assert_eq!(query.count(), expect);
        };
        check("/v1/schedules/next", FORETOLD);
        check("/v1/schedules/next?count=3", 3);
        check("/v1/schedules/next?count=4000000000", MOST_FORETOLD);
    }

    #[test]
    fn the_suite_to_start_may_have_any_id() {
        let uri = Uri::from_static("/v1/schedules/nightly/start?suite=Test%20Suites%2FA%26B");
        let Query(query) = Query::<StartQuery>::try_from_uri(&uri).unwrap();
        assert_eq!(query.suite.as_deref(), Some("Test Suites/A&B"));
    }
}

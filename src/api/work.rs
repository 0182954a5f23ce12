//! Routes that do something, and those that go on telling: a line of JSON each time there is news.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt};
use serde::{Deserialize, Serialize};
use suitesync_contract::{ConnectionName, LinkName};
use tokio::sync::{broadcast, mpsc};

use super::Api;
use super::answer::{Answer, Refused, json};
use super::peer::Asking;
use crate::catalog::audit::EventRecord;
use crate::config;
use crate::domain::access::Need;
use crate::domain::event::Event;
use crate::engine::control::{Act, Acted, Refusal, ReloadReport, Running};
use crate::engine::work::Update;

pub(super) async fn test(
    State(api): State<Api>,
    Extension(who): Extension<Asking>,
    Path(name): Path<String>,
) -> Result<Response, Refused> {
    who.expect(Need::Account)?;
    let connection: ConnectionName = name.parse().map_err(|_| Refusal::unknown("connection", &name))?;
    let (waiter, updates) = mpsc::unbounded_channel();
    api.control.test(connection, waiter).await?;
    Ok(until_done(updates))
}

pub(super) async fn sync(
    State(api): State<Api>,
    Extension(who): Extension<Asking>,
    Path(name): Path<String>,
) -> Result<Response, Refused> {
    let link: LinkName = name.parse().map_err(|_| Refusal::unknown("link", &name))?;
    who.expect_on_link(&link)?;
    let (waiter, updates) = mpsc::unbounded_channel();
    api.control.sync(link, waiter).await?;
    Ok(until_done(updates))
}

pub(super) async fn proceed(
    State(api): State<Api>,
    Extension(who): Extension<Asking>,
    Path(name): Path<String>,
) -> Result<Response, Refused> {
    let link: LinkName = name.parse().map_err(|_| Refusal::unknown("link", &name))?;
    who.expect_on_link(&link)?;
    let (waiter, updates) = mpsc::unbounded_channel();
    api.control.proceed(link, waiter).await?;
    Ok(until_done(updates))
}

pub(super) async fn disconnect(api: State<Api>, who: Extension<Asking>, name: Path<String>) -> Answer<Acted> {
    on_connection(api, who, name, Act::Disconnect).await
}

pub(super) async fn reconnect(api: State<Api>, who: Extension<Asking>, name: Path<String>) -> Answer<Acted> {
    on_connection(api, who, name, Act::Reconnect).await
}

#[derive(Debug, Deserialize)]
pub(super) struct ArchiveQuery {
    /// Whether runs under way are stopped, too.
    #[serde(default)]
    stop_running: bool,
}

pub(super) async fn archive(
    api: State<Api>,
    who: Extension<Asking>,
    name: Path<String>,
    Query(query): Query<ArchiveQuery>,
) -> Answer<Acted> {
    let running = if query.stop_running { Running::Stop } else { Running::Finish };
    on_link(api, who, name, |link| Act::Archive { link, running }).await
}

pub(super) async fn unarchive(api: State<Api>, who: Extension<Asking>, name: Path<String>) -> Answer<Acted> {
    on_link(api, who, name, Act::Unarchive).await
}

async fn on_connection(
    State(api): State<Api>,
    Extension(who): Extension<Asking>,
    Path(name): Path<String>,
    act: fn(ConnectionName) -> Act,
) -> Answer<Acted> {
    who.expect(Need::Account)?;
    let connection = name.parse().map_err(|_| Refusal::unknown("connection", &name))?;
    json(api.control.act(act(connection), who.name().to_owned()).await?)
}

async fn on_link(
    State(api): State<Api>,
    Extension(who): Extension<Asking>,
    Path(name): Path<String>,
    act: impl FnOnce(LinkName) -> Act,
) -> Answer<Acted> {
    let link: LinkName = name.parse().map_err(|_| Refusal::unknown("link", &name))?;
    who.expect_on_link(&link)?;
    json(api.control.act(act(link), who.name().to_owned()).await?)
}

/// Every update up to the end; the agent drops its side then.
fn until_done(updates: mpsc::UnboundedReceiver<Update>) -> Response {
    let next = |mut updates: mpsc::UnboundedReceiver<Update>| async move {
        updates.recv().await.map(|update| (update, updates))
    };
    lines(stream::unfold(updates, next))
}

pub(super) async fn follow(State(api): State<Api>) -> Response {
    let events = api.control.catalog.follow();
    let next = |mut events: broadcast::Receiver<Arc<Event>>| async move {
        loop {
            match events.recv().await {
                Ok(event) => return Some((EventRecord::from(&*event), events)),
                // The audit trail has what a slow follower missed.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    };
    let stop = api.stop.clone();
    lines(stream::unfold(events, next).take_until(async move { stop.cancelled().await }))
}

pub(super) fn lines<T: Serialize + Send + 'static>(values: impl Stream<Item = T> + Send + 'static) -> Response {
    let line = |value: T| {
        let mut line = serde_json::to_vec(&value).unwrap_or_default();
        line.push(b'\n');
        Ok::<_, Infallible>(Bytes::from(line))
    };
    ([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(values.map(line))).into_response()
}

pub(super) async fn reload(State(api): State<Api>, Extension(who): Extension<Asking>) -> Answer<ReloadReport> {
    who.expect(Need::Account)?;
    let (location, environment) = (api.location.clone(), api.environment.clone());
    let load = tokio::task::spawn_blocking(move || config::load(&location, &environment));
    let loaded = load.await.map_err(|_| Refusal::unavailable("failed to read the configuration"))?;
    json(api.control.apply(loaded).await?)
}

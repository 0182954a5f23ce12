//! Routes that do something, and those that go on telling: a line of JSON each time there is news.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt};
use serde::Serialize;
use suitesync_contract::{ConnectionName, LinkName};
use tokio::sync::{broadcast, mpsc};

use super::Api;
use super::answer::{Answer, Refused, json};
use crate::catalog::audit::EventRecord;
use crate::config;
use crate::domain::event::Event;
use crate::engine::control::{Refusal, ReloadReport};
use crate::engine::work::Update;

pub(super) async fn test(State(api): State<Api>, Path(name): Path<String>) -> Result<Response, Refused> {
    let connection: ConnectionName = name.parse().map_err(|_| Refusal::unknown("connection", &name))?;
    let (waiter, updates) = mpsc::unbounded_channel();
    api.control.test(connection, waiter).await?;
    Ok(until_done(updates))
}

pub(super) async fn sync(State(api): State<Api>, Path(name): Path<String>) -> Result<Response, Refused> {
    let link: LinkName = name.parse().map_err(|_| Refusal::unknown("link", &name))?;
    let (waiter, updates) = mpsc::unbounded_channel();
    api.control.sync(link, waiter).await?;
    Ok(until_done(updates))
}

pub(super) async fn proceed(State(api): State<Api>, Path(name): Path<String>) -> Result<Response, Refused> {
    let link: LinkName = name.parse().map_err(|_| Refusal::unknown("link", &name))?;
    let (waiter, updates) = mpsc::unbounded_channel();
    api.control.proceed(link, waiter).await?;
    Ok(until_done(updates))
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

fn lines<T: Serialize + Send + 'static>(values: impl Stream<Item = T> + Send + 'static) -> Response {
    let line = |value: T| {
        let mut line = serde_json::to_vec(&value).unwrap_or_default();
        line.push(b'\n');
        Ok::<_, Infallible>(Bytes::from(line))
    };
    ([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(values.map(line))).into_response()
}

pub(super) async fn reload(State(api): State<Api>) -> Answer<ReloadReport> {
    let (location, environment) = (api.location.clone(), api.environment.clone());
    let load = tokio::task::spawn_blocking(move || config::load(&location, &environment));
    let loaded = load.await.map_err(|_| Refusal::unavailable("failed to read the configuration"))?;
    json(api.control.apply(loaded).await?)
}

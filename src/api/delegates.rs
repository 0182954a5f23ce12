//! Routes of delegates: those there are, which of them would be given work, and draining one.

use axum::extract::{Extension, Path, Query, State};
use serde::Deserialize;
use suitesync_contract::DelegateName;

use super::Api;
use super::answer::{Answer, json, named};
use super::peer::Asking;
use crate::domain::access::Need;
use crate::engine::control::{Act, Acted};
use crate::engine::dispatcher::DelegateView;
use crate::engine::explanation::{DelegateVerdict, Subject};

pub(super) async fn list(Extension(who): Extension<Asking>) -> Answer<Vec<DelegateView>> {
    json(who.state().delegates.clone())
}

/// One of them at most: what the work is for.
#[derive(Debug, Deserialize)]
pub(super) struct ExplainQuery {
    connection: Option<String>,
    link: Option<String>,
    schedule: Option<String>,
}

pub(super) async fn explain(State(api): State<Api>, Query(query): Query<ExplainQuery>) -> Answer<Vec<DelegateVerdict>> {
    let subject = match (&query.connection, &query.link, &query.schedule) {
        (Some(name), _, _) => Subject::Connection(named("connection", name)?),
        (None, Some(name), _) => Subject::Link(named("link", name)?),
        (None, None, Some(name)) => Subject::Schedule(named("schedule", name)?),
        (None, None, None) => Subject::Anything,
    };
    json(api.control.explain(subject).await?)
}

pub(super) async fn drain(api: State<Api>, who: Extension<Asking>, name: Path<String>) -> Answer<Acted> {
    on_delegate(api, who, name, Act::Drain).await
}

pub(super) async fn resume(api: State<Api>, who: Extension<Asking>, name: Path<String>) -> Answer<Acted> {
    on_delegate(api, who, name, Act::Resume).await
}

async fn on_delegate(
    State(api): State<Api>,
    Extension(who): Extension<Asking>,
    Path(name): Path<String>,
    act: fn(DelegateName) -> Act,
) -> Answer<Acted> {
    who.expect(Need::Account)?;
    let delegate = named("delegate", &name)?;
    json(api.control.act(act(delegate), who.name().to_owned()).await?)
}

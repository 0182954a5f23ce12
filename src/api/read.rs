//! Routes that show something.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{ConnectionName, Credentials, LinkName, Tags};

use super::Api;
use super::answer::{Answer, Refused, json, named};
use super::peer::Asking;
use crate::catalog::audit::{self, EventFilter, EventRecord};
use crate::catalog::connection::{self, TestRecord};
use crate::catalog::contents::cases::{self, CaseFilter, CaseRecord};
use crate::catalog::contents::suites::{self, SuiteFilter, SuiteRecord};
use crate::catalog::history::{self, SyncRecord};
use crate::catalog::link;
use crate::catalog::results::{self, ResultFilter};
use crate::config::{ConnectionConfig, ConnectionType, HostKeysConfig, LinkConfig, Proceed};
use crate::domain::selection::{Wanted, why_nobody};
use crate::engine::control::{AgentState, Refusal};
use crate::views::{
    ApiView, CaseDetail, ClientCertificateView, ConnectionDetail, ConnectionSettings, ConnectionView, HostKeysView,
    Known, LinkDetail, LinkSettings, LinkView, StatusView,
};

/// How many lines of a history are shown unless more are asked for.
const HISTORY: u32 = 20;

/// How many of its newest results are shown with a case.
const RESULTS_OF_A_CASE: u32 = 10;

pub(super) async fn status(State(api): State<Api>, Extension(who): Extension<Asking>) -> Answer<StatusView> {
    let state = who.state();
    let (config, now) = (Arc::clone(&state.config), state.now);
    let known = api.control.catalog.read(move |sql| Known::read(sql, &config, now)).await?;
    json(StatusView::new(state, &known))
}

pub(super) async fn connections(State(api): State<Api>) -> Answer<Vec<ConnectionView>> {
    let records = api.control.catalog.read(connection::list).await?;
    json(records.iter().map(ConnectionView::from).collect())
}

pub(super) async fn connection(
    State(api): State<Api>,
    Extension(who): Extension<Asking>,
    Path(name): Path<String>,
) -> Answer<ConnectionDetail> {
    let wanted: ConnectionName = named("connection", &name)?;
    let state = who.state();
    let read = move |sql: &rusqlite::Connection| {
        let mut tests = connection::tests(sql, &wanted, 1)?;
        Ok((connection::find(sql, &wanted)?, tests.pop()))
    };
    let (record, test) = api.control.catalog.read(read).await?;
    let record = record.ok_or_else(|| Refusal::unknown("connection", &name))?;
    let links = state.config.links.values().filter(|link| link.connection == record.name);
    let settings = state.config.connections.get(&record.name);
    json(ConnectionDetail {
        connection: ConnectionView::from(&record),
        settings: settings.map(connection_settings),
        links: links.map(|link| link.name.to_string()).collect(),
        unserved: settings.and_then(|config| unserved(state, &config.delegate_tags, WorkKind::Probe)),
        test,
    })
}

/// Why no delegate can be given such work now, if none can.
fn unserved(state: &AgentState, tags: &Tags, work: WorkKind) -> Option<String> {
    why_nobody(&Wanted::new(tags.clone(), work), &state.candidates)
}

fn connection_settings(config: &ConnectionConfig) -> ConnectionSettings {
    let shown_path = |path: &std::path::Path| path.display().to_string();
    let client_certificate = config.client_certificate.as_ref();
    ConnectionSettings {
        description: config.description.clone(),
        connection_type: config.connection_type.as_str().to_owned(),
        url: config.url.to_string(),
        server_url: config.url.server().map(ToString::to_string),
        test_repository: config.probed_repository.to_string(),
        credentials: config.credentials.as_ref().map(shown_credentials),
        host_keys: (config.connection_type == ConnectionType::Ssh).then(|| host_keys(&config.host_keys)),
        client_certificate: client_certificate.map(|certificate| ClientCertificateView {
            path: shown_path(&certificate.chain.path),
            key: certificate.key.to_string(),
        }),
        api: config.api.as_ref().map(|api| ApiView { url: api.url.clone(), token: api.token.to_string() }),
        additional_certs_path: config.additional_certs.as_ref().map(|certificates| shown_path(&certificates.path)),
        delegate_tags: config.delegate_tags.iter().map(str::to_owned).collect(),
        test_every: config.test_cadence.to_string(),
    }
}

fn host_keys(config: &HostKeysConfig) -> HostKeysView {
    match config {
        HostKeysConfig::Published => HostKeysView::default(),
        HostKeysConfig::KnownHosts { path, content: _ } => {
            HostKeysView { known_hosts: Some(path.display().to_string()), ..HostKeysView::default() }
        }
        HostKeysConfig::Pinned(fingerprints) => {
            HostKeysView { fingerprints: fingerprints.clone(), ..HostKeysView::default() }
        }
    }
}

fn shown_credentials(credentials: &Credentials) -> String {
    match credentials {
        Credentials::Basic { username, password } if username.is_empty() => password.to_string(),
        Credentials::Basic { username, password } => format!("{username} {password}"),
        Credentials::Bearer { token } => format!("bearer {token}"),
        Credentials::PrivateKey { private_key, passphrase: None } => format!("key {private_key}"),
        Credentials::PrivateKey { private_key, passphrase: Some(passphrase) } => {
            format!("key {private_key} with passphrase {passphrase}")
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct HistoryQuery {
    limit: Option<u32>,
}

pub(super) async fn connection_history(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(query): Query<HistoryQuery>,
) -> Answer<Vec<TestRecord>> {
    let wanted: ConnectionName = named("connection", &name)?;
    let read = move |sql: &rusqlite::Connection| {
        let found = connection::find(sql, &wanted)?;
        found.map(|_| connection::tests(sql, &wanted, query.limit.unwrap_or(HISTORY))).transpose()
    };
    let tests = api.control.catalog.read(read).await?;
    json(tests.ok_or_else(|| Refusal::unknown("connection", &name))?)
}

pub(super) async fn links(State(api): State<Api>) -> Answer<Vec<LinkView>> {
    let records = api.control.catalog.read(link::list).await?;
    json(records.iter().map(LinkView::from).collect())
}

pub(super) async fn link(
    State(api): State<Api>,
    Extension(who): Extension<Asking>,
    Path(name): Path<String>,
) -> Answer<LinkDetail> {
    let wanted: LinkName = named("link", &name)?;
    let state = who.state();
    let record = api.control.catalog.read(move |sql| link::find(sql, &wanted)).await?;
    let record = record.ok_or_else(|| Refusal::unknown("link", &name))?;
    let config = state.config.links.get(&record.name);
    let tags = config.map(|link| state.config.tags_of_link(link));
    json(LinkDetail {
        link: LinkView::from(&record),
        description: record.description.clone(),
        project: record.project.clone(),
        settings: config.map(|link| link_settings(link, tags.clone().unwrap_or_default())),
        unserved: tags.and_then(|tags| unserved(state, &tags, WorkKind::Sync)),
        roots: record.roots,
        notices: record.notices,
    })
}

fn link_settings(config: &LinkConfig, tags: Tags) -> LinkSettings {
    let proceed = match config.proceed {
        Proceed::Auto => "auto",
        Proceed::Manual => "manual",
    };
    LinkSettings {
        repository: config.repository.to_string(),
        reference: config.reference.to_string(),
        directory: config.directory.clone(),
        delegate_tags: tags.into(),
        sync_every: config.sync_cadence.to_string(),
        proceed: proceed.to_owned(),
    }
}

pub(super) async fn link_history(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(query): Query<HistoryQuery>,
) -> Answer<Vec<SyncRecord>> {
    let wanted: LinkName = named("link", &name)?;
    let read = move |sql: &rusqlite::Connection| {
        let found = link::find(sql, &wanted)?;
        found.map(|_| history::syncs(sql, &wanted, query.limit.unwrap_or(HISTORY))).transpose()
    };
    let syncs = api.control.catalog.read(read).await?;
    json(syncs.ok_or_else(|| Refusal::unknown("link", &name))?)
}

#[derive(Debug, Deserialize)]
pub(super) struct ContentsQuery {
    link: Option<String>,
    id: Option<String>,
    text: Option<String>,
    #[serde(default)]
    archived: bool,
}

/// A link that is named must be there: an empty answer would hide a slip.
pub(super) async fn check_link(api: &Api, name: Option<&str>) -> Result<(), Refused> {
    let Some(name) = name else { return Ok(()) };
    let wanted: LinkName = named("link", name)?;
    let found = api.control.catalog.read(move |sql| link::find(sql, &wanted)).await?;
    found.map(|_| ()).ok_or_else(|| Refused(Refusal::unknown("link", name)))
}

pub(super) async fn cases(State(api): State<Api>, Query(query): Query<ContentsQuery>) -> Answer<Vec<CaseRecord>> {
    check_link(&api, query.link.as_deref()).await?;
    let filter = CaseFilter { link: query.link, id: query.id, text: query.text, archived: query.archived };
    json(api.control.catalog.read(move |sql| cases::list(sql, &filter)).await?)
}

/// The case of every link that has it, with its newest results.
pub(super) async fn case(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(query): Query<ContentsQuery>,
) -> Answer<Vec<CaseDetail>> {
    check_link(&api, query.link.as_deref()).await?;
    let filter = CaseFilter { link: query.link, id: Some(id), text: None, archived: query.archived };
    let read = move |sql: &rusqlite::Connection| {
        let with_results = |case: CaseRecord| {
            let limit = Some(RESULTS_OF_A_CASE);
            let filter = ResultFilter { case_key: Some(case.key), limit, ..ResultFilter::default() };
            Ok(CaseDetail { results: results::list(sql, &filter)?, case })
        };
        cases::list(sql, &filter)?.into_iter().map(with_results).collect()
    };
    json(api.control.catalog.read(read).await?)
}

pub(super) async fn suites(State(api): State<Api>, Query(query): Query<ContentsQuery>) -> Answer<Vec<SuiteRecord>> {
    check_link(&api, query.link.as_deref()).await?;
    let filter = SuiteFilter { link: query.link, id: query.id, archived: query.archived };
    json(api.control.catalog.read(move |sql| suites::list(sql, &filter)).await?)
}

#[derive(Debug, Deserialize)]
pub(super) struct EventQuery {
    connection: Option<String>,
    link: Option<String>,
    run: Option<String>,
    event: Option<String>,
    since: Option<DateTime<Utc>>,
    limit: Option<u32>,
}

pub(super) async fn events(State(api): State<Api>, Query(query): Query<EventQuery>) -> Answer<Vec<EventRecord>> {
    let filter = EventFilter {
        connection: query.connection,
        link: query.link,
        run: query.run,
        event: query.event,
        since: query.since,
        limit: query.limit,
    };
    json(api.control.catalog.read(move |sql| audit::list(sql, &filter)).await?)
}

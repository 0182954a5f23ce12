//! The agent's routes: HTTP/1.1 and JSON over its Unix socket. The CLI is one client of them.
//!
//! Whoever can reach the socket may open it; what they may do is decided by who they are (`peer`), for each request.

mod answer;
mod delegates;
mod peer;
mod read;
mod results;
mod run_log;
mod runs;
mod schedules;
mod work;

use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use axum::routing::{get, post};
use axum::{Extension, Router, middleware};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use crate::config::{Environment, Location};
use crate::engine::control::Control;
use crate::engine::run_logs::RunLogs;

/// Whoever reaches the socket may connect: what they may do is decided for each request, by who they are.
const OPEN_TO_ALL: u32 = 0o666;

/// What the routes need.
#[derive(Debug, Clone)]
pub struct Api {
    pub control: Control,
    /// Where the configuration is read again from when that is asked for.
    pub location: Location,
    pub environment: Environment,
    pub logs: RunLogs,
    /// Ends answers that would go on for ever.
    pub stop: CancellationToken,
}

/// Why the socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    #[error("failed to make the folder of the socket {}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("the socket {} is in use by another agent; stop it, or set another `agent.socket`", path.display())]
    InUse { path: PathBuf },
    #[error("{} is a file and not a socket; move it away, or set another `agent.socket`", path.display())]
    NotASocket { path: PathBuf },
    #[error("failed to listen on the socket {}", path.display())]
    Listen { path: PathBuf, source: io::Error },
}

/// Opens the socket. What a killed agent left of it is no obstacle.
pub async fn listen(path: &Path) -> Result<UnixListener, SocketError> {
    let listen_failed = |source| SocketError::Listen { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|source| SocketError::Folder { path: path.to_owned(), source })?;
    }
    match tokio::net::UnixStream::connect(path).await {
        Ok(_) => return Err(SocketError::InUse { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(_) => remove_stale(path)?,
    }
    let listener = UnixListener::bind(path).map_err(listen_failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(OPEN_TO_ALL)).map_err(listen_failed)?;
    Ok(listener)
}

/// Takes away what a killed agent left; anything but a socket is somebody's file.
fn remove_stale(path: &Path) -> Result<(), SocketError> {
    let listen_failed = |source| SocketError::Listen { path: path.to_owned(), source };
    let found = std::fs::symlink_metadata(path).map_err(listen_failed)?;
    if !found.file_type().is_socket() {
        return Err(SocketError::NotASocket { path: path.to_owned() });
    }
    std::fs::remove_file(path).map_err(listen_failed)
}

/// Answers requests until the agent stops.
pub async fn serve(listener: UnixListener, api: Api) -> io::Result<()> {
    let stop = api.stop.clone();
    let routes = routes(api).into_make_service_with_connect_info::<peer::Caller>();
    axum::serve(listener, routes).with_graceful_shutdown(async move { stop.cancelled().await }).await
}

fn routes(api: Api) -> Router {
    Router::new()
        .route("/v1/status", get(read::status))
        .route("/v1/connections", get(read::connections))
        .route("/v1/connections/{name}", get(read::connection))
        .route("/v1/connections/{name}/history", get(read::connection_history))
        .route("/v1/connections/{name}/test", post(work::test))
        .route("/v1/connections/{name}/disconnect", post(work::disconnect))
        .route("/v1/connections/{name}/reconnect", post(work::reconnect))
        .route("/v1/links", get(read::links))
        .route("/v1/links/{name}", get(read::link))
        .route("/v1/links/{name}/history", get(read::link_history))
        .route("/v1/links/{name}/sync", post(work::sync))
        .route("/v1/links/{name}/proceed", post(work::proceed))
        .route("/v1/links/{name}/archive", post(work::archive))
        .route("/v1/links/{name}/unarchive", post(work::unarchive))
        .route("/v1/cases", get(read::cases))
        .route("/v1/cases/{id}", get(read::case))
        .route("/v1/suites", get(read::suites))
        .route("/v1/schedules", get(schedules::list))
        .route("/v1/schedules/next", get(schedules::next_of_all))
        .route("/v1/schedules/{name}/next", get(schedules::next))
        .route("/v1/schedules/{name}/start", post(schedules::start))
        .route("/v1/runs", get(runs::list))
        .route("/v1/runs/{id}", get(runs::show))
        .route("/v1/runs/{id}/follow", get(runs::follow))
        .route("/v1/runs/{id}/cancel", post(runs::cancel))
        .route("/v1/runs/{id}/log", get(run_log::show))
        .route("/v1/results", get(results::list).post(results::import))
        .route("/v1/delegates", get(delegates::list))
        .route("/v1/delegates/explain", get(delegates::explain))
        .route("/v1/delegates/{name}/drain", post(delegates::drain))
        .route("/v1/delegates/{name}/resume", post(delegates::resume))
        .route("/v1/events", get(read::events))
        .route("/v1/events/follow", get(work::follow))
        .route("/v1/config/reload", post(work::reload))
        .fallback(answer::no_route)
        .layer(Extension(results::Imports::default()))
        .layer(middleware::from_fn_with_state(api.clone(), peer::admit))
        .with_state(api)
}

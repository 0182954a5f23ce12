//! Answers: JSON with a status code, and refusals that say what to do instead.

use std::str::FromStr;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::catalog::CatalogError;
use crate::engine::control::{Refusal, RefusalKind};

/// A request that is not done.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Refusal);

pub(super) type Answer<T> = Result<Json<T>, Refused>;

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match self.0.kind {
            RefusalKind::Unknown => StatusCode::NOT_FOUND,
            RefusalKind::Conflict => StatusCode::CONFLICT,
            RefusalKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            RefusalKind::Unrecorded => StatusCode::INTERNAL_SERVER_ERROR,
            RefusalKind::NotPermitted => StatusCode::FORBIDDEN,
        };
        (status, Json(self.0)).into_response()
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl From<CatalogError> for Refused {
    fn from(error: CatalogError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "failed to read the catalog");
        Self(Refusal::unavailable(error.to_string()))
    }
}

pub(super) fn json<T: Serialize>(value: T) -> Answer<T> {
    Ok(Json(value))
}

/// The name in a path. One that cannot be a name names nothing.
pub(super) fn named<N: FromStr>(what: &str, name: &str) -> Result<N, Refused> {
    name.parse().map_err(|_| Refused(Refusal::unknown(what, name)))
}

pub(super) async fn no_route() -> Refused {
    let hint = "the CLI and the agent may be of different versions; restart the agent".to_owned();
    Refused(Refusal { kind: RefusalKind::Unknown, message: "there is no such route".to_owned(), hint })
}

//! Asks the agent: HTTP/1.1 and JSON over its Unix socket, one connection a request.

mod lines;
mod pieces;
mod upload;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::ext::on_informational;
use hyper::header::{EXPECT, HOST, HeaderValue};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::fs::File;
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::fault::Fault;
use super::route::Route;
use crate::engine::control::Refusal;

pub(super) use lines::Lines;
pub(super) use pieces::Pieces;

/// How long the agent may take to begin an answer. It answers out of memory and its catalog, or says at once that it
/// has begun with what takes longer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How long the agent may take with a file: it reads all of it, and records what it holds, before it answers.
const FILE_LIMIT: Duration = Duration::from_secs(600);

/// What is sent along with a request.
type Sent = UnsyncBoxBody<Bytes, io::Error>;

/// The way to one agent.
#[derive(Debug, Clone)]
pub(super) struct Client {
    socket: PathBuf,
}

/// An answer whose body is still to be read.
#[derive(Debug)]
struct Answer {
    socket: PathBuf,
    response: Response<Incoming>,
    /// Drives the connection; ends with the answer.
    driver: JoinSet<()>,
}

impl Client {
    pub(super) fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// A view.
    pub(super) async fn get<T: DeserializeOwned>(&self, route: Route) -> Result<T, Fault> {
        self.ask(Method::GET, &route).await?.whole().await
    }

    /// Has something done that is done with the answer.
    pub(super) async fn post<T: DeserializeOwned>(&self, route: Route) -> Result<T, Fault> {
        self.ask(Method::POST, &route).await?.whole().await
    }

    /// News as they happen.
    pub(super) async fn follow<T: DeserializeOwned>(&self, route: Route) -> Result<Lines<T>, Fault> {
        Ok(Lines::of(self.ask(Method::GET, &route).await?))
    }

    /// Has something begun, and hears how far it is.
    pub(super) async fn post_lines<T: DeserializeOwned>(&self, route: Route) -> Result<Lines<T>, Fault> {
        Ok(Lines::of(self.ask(Method::POST, &route).await?))
    }

    /// The bytes of an answer as they come in.
    pub(super) async fn pieces(&self, route: Route) -> Result<Pieces, Fault> {
        Ok(Pieces::of(self.ask(Method::GET, &route).await?))
    }

    /// Hands a file over. None of it is sent before the agent wants it: a refusal would be lost in the middle of it.
    pub(super) async fn upload<T: DeserializeOwned>(&self, route: Route, file: File) -> Result<T, Fault> {
        let wanted = Arc::new(Notify::new());
        let mut request = request(Method::POST, &route, upload::body(file, Arc::clone(&wanted)))?;
        request.headers_mut().insert(EXPECT, HeaderValue::from_static("100-continue"));
        on_informational(&mut request, move |_| wanted.notify_one());
        self.send(request, FILE_LIMIT).await?.whole().await
    }

    async fn ask(&self, method: Method, route: &Route) -> Result<Answer, Fault> {
        let nothing = Empty::new().map_err(|never| match never {}).boxed_unsync();
        self.send(request(method, route, nothing)?, ANSWER_LIMIT).await
    }

    async fn send(&self, request: Request<Sent>, limit: Duration) -> Result<Answer, Fault> {
        let broken_off = |source| Fault::BrokenOff { socket: self.socket.clone(), source };
        let stream = UnixStream::connect(&self.socket).await.map_err(|source| self.unreachable(source))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken_off)?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // What breaks the connection breaks the answer, too, and is told there.
            let _ = connection.await;
        });
        let silent = |_| Fault::Silent { socket: self.socket.clone(), limit };
        let answer = tokio::time::timeout(limit, sender.send_request(request)).await.map_err(silent)?;
        let response = answer.map_err(broken_off)?;
        let answer = Answer { socket: self.socket.clone(), response, driver };
        if answer.response.status().is_success() { Ok(answer) } else { Err(answer.refusal().await) }
    }

    fn unreachable(&self, source: io::Error) -> Fault {
        let socket = self.socket.clone();
        if source.kind() == io::ErrorKind::PermissionDenied {
            Fault::NotPermitted { socket, source }
        } else {
            Fault::Unreachable { socket, source }
        }
    }
}

fn request(method: Method, route: &Route, body: Sent) -> Result<Request<Sent>, Fault> {
    let path = route.text();
    let request = Request::builder().method(method).uri(&path).header(HOST, "agent").body(body);
    request.map_err(|source| Fault::Request { path, source })
}

impl Answer {
    async fn whole<T: DeserializeOwned>(self) -> Result<T, Fault> {
        let body = self.bytes().await?;
        serde_json::from_slice(&body).map_err(|source| Fault::NotUnderstood { source })
    }

    async fn bytes(self) -> Result<Bytes, Fault> {
        let Self { socket, response, driver: _driver } = self;
        let body = response.into_body().collect().await;
        Ok(body.map_err(|source| Fault::BrokenOff { socket, source })?.to_bytes())
    }

    async fn refusal(self) -> Fault {
        let status = self.response.status().as_u16();
        let body = match self.bytes().await {
            Ok(body) => body,
            Err(fault) => return fault,
        };
        match serde_json::from_slice::<Refusal>(&body) {
            Ok(refusal) => Fault::Refused(refusal),
            Err(_) => Fault::NotTaken { status, answer: String::from_utf8_lossy(&body).into_owned() },
        }
    }
}

#[cfg(test)]
mod tests;

//! From a request to the proxy to its answer: write it down, meet a fault, ask for the login, then connect.

use std::io;
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::answer::{Answer, said};
use crate::connection::stay_silent;
use crate::ledger::RequestRecord;
use crate::proxy::options::ProxyFault;
use crate::proxy::route::Target;
use crate::proxy::server::Shared;
use crate::wire::{ConnectionEnd, Reset};

/// The port of a URL that names none.
const HTTP: u16 = 80;

/// Answers one request; an error resets the connection it came on.
pub(super) async fn handle(
    shared: Arc<Shared>,
    end: Arc<ConnectionEnd>,
    request: Request<Incoming>,
) -> Result<Answer, Reset> {
    shared.ledger.request(RequestRecord::of(&request, request.uri().to_string()));
    let fault = shared.state().fault;
    match fault {
        None | Some(ProxyFault::CloseAtOnce | ProxyFault::SilentTunnel) => {}
        Some(ProxyFault::Reset) => return Err(end.reset()),
        Some(ProxyFault::SilentAfterRequest) => std::future::pending().await,
        Some(ProxyFault::Status(code)) => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return Ok(say(&shared, status));
        }
    }
    if let Some(refusal) = refusal(&shared, &request) {
        return Ok(refusal);
    }
    let Some(target) = target(request.uri(), request.method()) else {
        return Ok(say(&shared, StatusCode::BAD_REQUEST));
    };
    if fault == Some(ProxyFault::SilentTunnel) {
        return silent_tunnel(&shared, request, &target).await;
    }
    let hosts = shared.state().hosts.clone();
    let Ok(stream) = target.connect(&hosts).await else {
        return Ok(say(&shared, StatusCode::BAD_GATEWAY));
    };
    if request.method() == Method::CONNECT {
        return Ok(tunnel(&shared, request, stream, &target));
    }
    Ok(pass_on(&shared, request, stream).await.unwrap_or_else(|_| say(&shared, StatusCode::BAD_GATEWAY)))
}

/// The answer to a request that does not bring the login along.
fn refusal(shared: &Shared, request: &Request<Incoming>) -> Option<Answer> {
    let login = shared.state().login.clone();
    let given = request.headers().get(PROXY_AUTHORIZATION).and_then(|value| value.to_str().ok());
    if login.admits(given).is_some() {
        return None;
    }
    let challenge = [(PROXY_AUTHENTICATE.to_string(), login.challenge().to_owned())];
    Some(said(&shared.ledger, StatusCode::PROXY_AUTHENTICATION_REQUIRED, &challenge, Vec::new()))
}

/// Where a request wants to go (RFC 9112, section 3.2): a tunnel names its port, a URL may leave it out.
fn target(uri: &Uri, method: &Method) -> Option<Target> {
    let port = match (uri.port_u16(), uri.scheme_str()) {
        (Some(port), _) => port,
        (None, Some("http")) if method != Method::CONNECT => HTTP,
        (None, _) => return None,
    };
    Some(Target { host: uri.host()?.to_owned(), port })
}

fn tunnel(shared: &Arc<Shared>, mut request: Request<Incoming>, mut stream: TcpStream, target: &Target) -> Answer {
    shared.state().tunnels.push(target.to_string());
    let upgrade = hyper::upgrade::on(&mut request);
    shared.tasks.track(async move {
        if let Some(mut client) = upgraded(upgrade).await {
            // However it ends, both sides are closed then.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut stream).await;
        }
    });
    say(shared, StatusCode::OK)
}

async fn silent_tunnel(shared: &Arc<Shared>, mut request: Request<Incoming>, target: &Target) -> Result<Answer, Reset> {
    if request.method() != Method::CONNECT {
        return std::future::pending().await;
    }
    shared.state().tunnels.push(target.to_string());
    let upgrade = hyper::upgrade::on(&mut request);
    shared.tasks.track(async move {
        if let Some(client) = upgraded(upgrade).await {
            stay_silent(client).await;
        }
    });
    Ok(say(shared, StatusCode::OK))
}

/// The bare stream below a request, once its answer is out.
async fn upgraded(upgrade: OnUpgrade) -> Option<TokioIo<hyper::upgrade::Upgraded>> {
    upgrade.await.ok().map(TokioIo::new)
}

/// Asks the target in the client's place, for the path alone and without the words meant for the proxy.
async fn pass_on(shared: &Shared, mut request: Request<Incoming>, stream: TcpStream) -> io::Result<Answer> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    *request.uri_mut() = path.parse().map_err(io::Error::other)?;
    for name in [PROXY_AUTHORIZATION, HeaderName::from_static("proxy-connection")] {
        request.headers_mut().remove(name);
    }
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    shared.tasks.track(async move {
        // Its error reaches the client with the answer.
        let _ = connection.await;
    });
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    Ok(response.map(|body| body.map_err(io::Error::other).boxed_unsync()))
}

fn say(shared: &Shared, status: StatusCode) -> Answer {
    said(&shared.ledger, status, &[], Vec::new())
}

//! One accepted connection: TLS where there is any, then HTTP/1.1 with keep-alive.

use std::future::Future;
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::answer::Answer;
use crate::tls::common_name;
use crate::wire::{ConnectionEnd, Reset, Wire};

/// A stream of bytes both ways.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<Stream: AsyncRead + AsyncWrite + Send + Unpin> Duplex for Stream {}

/// A connection on which a client can ask.
pub(crate) struct Connection {
    stream: Box<dyn Duplex>,
    end: Arc<ConnectionEnd>,
    /// The common name of the certificate that the client has shown.
    pub(crate) client: Option<String>,
}

impl Connection {
    /// Speaks TLS where it is configured; nothing when the client does not go along.
    pub(crate) async fn accept(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> Option<Self> {
        // A head and a small body go out as two packets, and the second must not wait for the first one's
        // acknowledgement (40 ms), as it would on no public server. A socket that refuses is slower and no less right.
        let _ = stream.set_nodelay(true);
        let end = Arc::new(ConnectionEnd::default());
        let stream = Wire::new(stream, Arc::clone(&end));
        let Some(tls) = tls else {
            return Some(Self { stream: Box::new(stream), end, client: None });
        };
        let stream = TlsAcceptor::from(tls).accept(stream).await.ok()?;
        let client = stream.get_ref().1.peer_certificates().and_then(|chain| common_name(chain.first()?));
        Some(Self { stream: Box::new(stream), end, client })
    }

    /// Serves until either side is through with it. What a client breaks is the client's affair.
    pub(crate) async fn serve<Handle, Handling>(self, handle: Handle)
    where
        Handle: Fn(Arc<ConnectionEnd>, Request<Incoming>) -> Handling,
        Handling: Future<Output = Result<Answer, Reset>> + Send,
    {
        let end = self.end;
        let service = service_fn(|request| handle(Arc::clone(&end), request));
        // An error here is a client that went away or a fault that was asked for.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(self.stream), service).with_upgrades().await;
    }
}

/// Holds a connection until the client gives up.
pub(crate) async fn stay_silent(mut stream: impl AsyncRead + Unpin) {
    // Reading on, so that the client's end is noticed; an error is an end too.
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

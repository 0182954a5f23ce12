//! One accepted connection: TLS where there is any, then HTTP/1.1 with keep-alive.

use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::handler::handle;
use crate::shared::Shared;
use crate::wire::{ConnectionEnd, Wire};

/// Serves a connection until either side is through with it. What a client breaks is the client's affair.
pub(crate) async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    if shared.faults().silences_connection() {
        return stay_silent(stream).await;
    }
    // A head and a small body go out as two packets, and the second must not wait for the first one's acknowledgement
    // (40 ms), as it would on no public server. A socket that refuses is slower and no less right.
    let _ = stream.set_nodelay(true);
    let end = Arc::new(ConnectionEnd::default());
    let stream = Wire::new(stream, Arc::clone(&end));
    match shared.tls() {
        None => serve_http(shared, end, stream).await,
        Some(tls) => {
            if let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await {
                serve_http(shared, end, stream).await;
            }
        }
    }
}

async fn serve_http<Stream>(shared: Arc<Shared>, end: Arc<ConnectionEnd>, stream: Stream)
where
    Stream: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let service = service_fn(move |request| handle(Arc::clone(&shared), Arc::clone(&end), request));
    // An error here is a client that went away or a fault that was asked for.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Holds a connection until the client gives up.
async fn stay_silent(mut stream: TcpStream) {
    // Reading on, so that the client's end is noticed; an error is an end too.
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

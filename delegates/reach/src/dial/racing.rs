//! TCP to whichever of a server's addresses answers, as the HTTP client does it: the family of the first address is tried
//! alone for a moment and then beside the other one (RFC 8305), and no address takes the time of those after it.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the first family is tried alone: a round trip to anywhere, and what the HTTP client gives it.
const HEAD_START: Duration = Duration::from_millis(300);

/// Connects within the limit; where none answered in its time the error is one of kind `TimedOut`.
pub(super) async fn connect(addresses: &[SocketAddr], limit: Duration) -> io::Result<TcpStream> {
    let is_of_first =
        |address: &SocketAddr| addresses.first().is_some_and(|first| first.is_ipv6() == address.is_ipv6());
    let (first, second): (Vec<_>, Vec<_>) = addresses.iter().copied().partition(is_of_first);
    let mut first = pin!(one_by_one(&first, limit));
    if second.is_empty() {
        return first.await;
    }
    let mut second = pin!(one_by_one(&second, limit.saturating_sub(HEAD_START)));
    match timeout(HEAD_START, &mut first).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(_)) => second.await,
        Err(_) => tokio::select! {
            connected = &mut first => if connected.is_ok() { connected } else { second.await },
            connected = &mut second => if connected.is_ok() { connected } else { first.await },
        },
    }
}

/// Tries one address after the other, each for an equal share of the limit.
async fn one_by_one(addresses: &[SocketAddr], limit: Duration) -> io::Result<TcpStream> {
    let share = limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        failed = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
    }
    Err(failed)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Instant;

    use tokio::net::TcpSocket;

    use super::*;

    /// Far more than what is waited for takes.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// An address that answers nothing: a listener on which as many wait as may. Goes with what is returned.
    async fn silent() -> (SocketAddr, Vec<TcpStream>, tokio::net::TcpListener) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let (address, mut waiting) = (listener.local_addr().unwrap(), Vec::new());
        while let Ok(stream) = timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
            waiting.push(stream.unwrap());
        }
        (address, waiting, listener)
    }

    fn listening() -> (SocketAddr, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        (listener.local_addr().unwrap(), listener)
    }

    /// The same address in the other family.
    fn mapped(address: SocketAddr) -> SocketAddr {
        let SocketAddr::V4(address) = address else { panic!("{address}") };
        SocketAddr::new(address.ip().to_ipv6_mapped().into(), address.port())
    }

    #[tokio::test]
    async fn an_address_that_stays_silent_leaves_time_for_the_next() {
        let (silent, (answering, _listener)) = (silent().await, listening());
        let stream = connect(&[silent.0, answering], Duration::from_secs(1)).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), answering);
    }

    #[tokio::test]
    async fn a_family_that_stays_silent_gets_a_head_start_and_no_more() {
        let (silent, listener) = (silent().await, listening());
        let (began, addresses) = (Instant::now(), [silent.0, mapped(listener.0)]);
        connect(&addresses, 2 * PATIENCE).await.unwrap();
        assert!(began.elapsed() < PATIENCE);
    }

    #[tokio::test]
    async fn a_family_that_refuses_is_followed_by_the_other() {
        let (refused, (answering, _listener)) = (listening().0, listening());
        connect(&[refused, mapped(answering)], PATIENCE).await.unwrap();
        let error = connect(&[refused, mapped(refused)], PATIENCE).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn where_nobody_answers_the_time_is_over() {
        let silent = silent().await;
        let error = connect(&[silent.0], Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}

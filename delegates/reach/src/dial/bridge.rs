//! A plain socket in front of a connection that is none: for a library that wants a file descriptor.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio_util::task::TaskTracker;

/// A socket whose bytes go to and come from `stream`, until either side ends. A peer that is gone without a word is
/// noticed when its connection's retransmissions are used up.
pub(super) fn socket(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    bridges: &TaskTracker,
) -> io::Result<OwnedFd> {
    let (ours, theirs) = UnixStream::pair()?;
    bridges.spawn(carry(stream, theirs));
    Ok(ours.into_std()?.into())
}

/// Nothing is left to carry for the one when the other has ended; why it ended, the one notices by itself.
async fn carry(stream: impl AsyncRead + AsyncWrite + Unpin, socket: UnixStream) {
    let (mut from_stream, mut to_stream) = tokio::io::split(stream);
    let (mut from_socket, mut to_socket) = socket.into_split();
    tokio::select! {
        _ = tokio::io::copy(&mut from_stream, &mut to_socket) => {}
        _ = tokio::io::copy(&mut from_socket, &mut to_stream) => {}
    }
    drop(to_stream.shutdown().await);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, DuplexStream, duplex};

    use super::*;

    /// A bridge, its socket's end, and the far end of its stream.
    fn bridge() -> (TaskTracker, UnixStream, DuplexStream) {
        let (bridges, (near, far)) = (TaskTracker::new(), duplex(64));
        let socket = socket(near, &bridges).unwrap();
        bridges.close();
        let socket = UnixStream::from_std(std::os::unix::net::UnixStream::from(socket)).unwrap();
        (bridges, socket, far)
    }

    async fn ends(bridges: TaskTracker) -> bool {
        tokio::time::timeout(Duration::from_secs(5), bridges.wait()).await.is_ok()
    }

    #[tokio::test]
    async fn bytes_are_carried_both_ways() {
        let (_bridges, mut socket, mut far) = bridge();
        let mut seen = [0; 5];
        far.write_all(b"hello").await.unwrap();
        socket.read_exact(&mut seen).await.unwrap();
        assert_eq!(&seen, b"hello");
        socket.write_all(b"again").await.unwrap();
        far.read_exact(&mut seen).await.unwrap();
        assert_eq!(&seen, b"again");
    }

    #[tokio::test]
    async fn a_closed_socket_ends_the_bridge_and_the_stream() {
        let (bridges, socket, mut far) = bridge();
        drop(socket);
        assert!(ends(bridges).await);
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_closed_stream_ends_the_bridge_after_its_last_bytes() {
        let (bridges, mut socket, mut far) = bridge();
        far.write_all(b"bye").await.unwrap();
        drop(far);
        let mut seen = Vec::new();
        socket.read_to_end(&mut seen).await.unwrap();
        assert_eq!(seen, b"bye");
        assert!(ends(bridges).await);
    }
}

//! A file on its way to the agent: read as it is sent, never whole in memory.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::sync::Notify;

use super::Sent;

/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;

/// The file as a body that begins once it is wanted.
pub(super) fn body(file: File, wanted: Arc<Notify>) -> Sent {
    let next = |(mut file, wanted): (File, Option<Arc<Notify>>)| async move {
        if let Some(wanted) = wanted {
            wanted.notified().await;
        }
        Ok::<_, io::Error>(read(&mut file).await?.map(|piece| (Frame::data(piece), (file, None))))
    };
    StreamBody::new(stream::try_unfold((file, Some(wanted)), next)).boxed_unsync()
}

/// The next piece; nothing after the last.
async fn read(file: &mut File) -> io::Result<Option<Bytes>> {
    let mut piece = BytesMut::with_capacity(PIECE);
    file.read_buf(&mut piece).await?;
    Ok((!piece.is_empty()).then(|| piece.freeze()))
}

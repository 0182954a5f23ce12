//! A line between a client and a server that can be stalled and cut.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Open,
    /// Nothing passes, and nobody is told.
    Stalled,
    /// Connections are ended, and none is taken.
    Cut,
}

pub(crate) struct Relay {
    port: u16,
    line: Arc<watch::Sender<Line>>,
    _end: DropGuard,
}

impl Relay {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap().port();
        let (line, end) = (Arc::new(watch::Sender::new(Line::Open)), CancellationToken::new());
        let (lines, ended) = (Arc::clone(&line), end.clone());
        tokio::spawn(async move {
            loop {
                let (client, _) = tokio::select! {
                    () = ended.cancelled() => return,
                    accepted = listener.accept() => accepted.unwrap(),
                };
                if *lines.borrow() == Line::Open {
                    let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    let ((from_client, to_client), (from_server, to_server)) =
                        (client.into_split(), server.into_split());
                    tokio::spawn(pass(from_client, to_server, lines.subscribe()));
                    tokio::spawn(pass(from_server, to_client, lines.subscribe()));
                }
            }
        });
        Self { port: here, line, _end: end.drop_guard() }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn stall(&self) {
        self.line.send_replace(Line::Stalled);
    }

    pub(crate) fn cut(&self) {
        self.line.send_replace(Line::Cut);
    }

    pub(crate) fn mend(&self) {
        self.line.send_replace(Line::Open);
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut line: watch::Receiver<Line>) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let mut cuts = line.clone();
        let read = tokio::select! {
            _ = cuts.wait_for(|line| *line == Line::Cut) => return,
            read = from.read(&mut buffer) => read,
        };
        let Ok(count @ 1..) = read else { return };
        match line.wait_for(|line| *line != Line::Stalled).await {
            Ok(line) if *line == Line::Open => {}
            _ => return,
        }
        if to.write_all(buffer.get(..count).unwrap()).await.is_err() {
            return;
        }
    }
}

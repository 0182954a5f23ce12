//! A way to a server that can be cut: then what is open ends, and nothing new comes about until it is mended.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Open {
    /// None while the way is cut.
    streams: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

pub(crate) struct Relay {
    pub(crate) port: u16,
    open: Open,
}

impl Relay {
    /// To a port of this host.
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (here, target) = (listener.local_addr().unwrap().port(), SocketAddr::from(([127, 0, 0, 1], port)));
        let open = Open { streams: Arc::new(Mutex::new(Some(Vec::new()))) };
        let accepted = open.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Refused by the server, or cut: the client sees an end.
                let _ = accepted.pass(stream, target);
            }
        });
        Self { port: here, open }
    }

    pub(crate) fn cut(&self) {
        for stream in self.open.streams.lock().unwrap().take().into_iter().flatten() {
            // It may have ended already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn mend(&self) {
        self.open.streams.lock().unwrap().get_or_insert_default();
    }
}

impl Open {
    fn pass(&self, client: TcpStream, target: SocketAddr) -> io::Result<()> {
        let mut streams = self.streams.lock().unwrap();
        let Some(streams) = streams.as_mut() else { return Ok(()) };
        let server = TcpStream::connect(target)?;
        for (from, to) in [(&client, &server), (&server, &client)] {
            let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
            std::thread::spawn(move || {
                // Either end may go at any time.
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
        streams.extend([client, server]);
        Ok(())
    }
}

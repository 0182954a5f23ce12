//! A port on 127.0.0.1 with a thread and a runtime of its own: listen, accept, stop.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

use crate::error::LoopbackError;
use crate::tasks::Tasks;

/// Between two tries to accept when the system is out of something, such as file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Listens until it is dropped; then its tasks are stopped and waited for.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    tasks: Arc<Tasks>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listens at once; every connection is served by a task of its own. Port zero lets the system choose.
    pub(crate) fn start<Serve, Serving>(port: u16, tasks: Arc<Tasks>, serve: Serve) -> Result<Self, LoopbackError>
    where
        Serve: Fn(TcpStream) -> Serving + Send + 'static,
        Serving: Future<Output = ()> + Send + 'static,
    {
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(|source| LoopbackError::Thread { source })?;
        let (listener, address) = listen(&runtime, port).map_err(|source| LoopbackError::Listen { port, source })?;
        let accepting = accept(Arc::clone(&tasks), listener, serve);
        let thread = thread::Builder::new()
            .name("loopback".to_owned())
            .spawn(move || runtime.block_on(accepting))
            .map_err(|source| LoopbackError::Thread { source })?;
        Ok(Self { address, tasks, thread: Some(thread) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.tasks.stop();
        if let Some(thread) = self.thread.take() {
            // A panic over there has been printed; here it changes nothing any more.
            let _ = thread.join();
        }
    }
}

fn listen(runtime: &Runtime, port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn accept<Serve, Serving>(tasks: Arc<Tasks>, listener: TcpListener, serve: Serve)
where
    Serve: Fn(TcpStream) -> Serving,
    Serving: Future<Output = ()> + Send + 'static,
{
    while let Some(accepted) = tasks.until_stopped(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => tasks.track(serve(stream)),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    drop(listener);
    tasks.wait().await;
}

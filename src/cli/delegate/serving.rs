//! `delegate run`: lends a local delegate to an agent, over standard input and output or over a Unix socket. With
//! `[remote]` in its file it is a `station`.
//!
//! A socket serves one agent at a time; the next waits until the first has gone and its runs have ended.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustix::fs::Mode;
use rustix::process::umask;
use suitesync_contract::Tags;
use suitesync_contract::rpc::Initialize;
use tokio::net::UnixListener;
use tokio::net::unix::pipe;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::station::{self, Source, StationError};
use crate::cli::arguments::{DelegateRunArguments, Globals};
use crate::cli::fault::{Exit, Fault};
use crate::cli::{log, privacy, workers};
use crate::config::{
    self, Certificates, DelegateConfig, DelegateFile, DelegateKind, Diagnostic, Environment, RUNS_DISK, SecretSource,
    Secrets,
};
use crate::engine::delegate::Delegate;
use crate::engine::local::{LocalDelegate, Workshop};
use crate::engine::process::{Host, serve};

/// Where agents are met.
enum Meeting {
    Pipes(pipe::Receiver, pipe::Sender),
    /// Made here, or handed over by systemd.
    Socket(UnixListener),
}

/// What a delegate is made from besides what the agent says.
#[derive(Debug)]
struct Home {
    /// The file, if one was named.
    file: Option<DelegateFile>,
    environment: Environment,
}

/// Serves until the agent is gone, or until SIGTERM or SIGINT.
pub(in crate::cli) fn run(
    arguments: &DelegateRunArguments,
    globals: &Globals,
    environment: &Environment,
) -> Result<Exit, Fault> {
    let source = globals.config.as_deref().map(|path| read(path, environment)).transpose()?;
    log::start_on_stderr();
    privacy::hide_memory();
    let source = match source.map(|source| (source.file.station.clone(), source)) {
        Some((Some(settings), source)) => {
            refuse_meeting(arguments, globals)?;
            workers()?.block_on(station::live(source, settings, environment))?;
            return Ok(Exit::Done);
        }
        other => other.map(|(_, source)| source),
    };
    let home = Arc::new(Home { file: source.map(|source| source.file), environment: environment.clone() });
    let host: Host =
        Arc::new(move |asked| home.delegate(asked).map(|delegate| Arc::new(delegate) as Arc<dyn Delegate>));
    workers()?.block_on(async {
        let stop = until_told()?;
        match meeting(arguments, globals.socket.as_deref())? {
            Meeting::Pipes(input, output) => converse(input, output, &host, &stop).await,
            Meeting::Socket(listener) => welcome(&listener, &host, &stop).await,
        }
        Ok(Exit::Done)
    })
}

/// The file with everything that is wrong with it.
fn read<'p>(path: &'p Path, environment: &Environment) -> Result<Source<'p>, Fault> {
    let loaded = config::load_delegate_file(path, environment);
    let Some(file) = loaded.file else {
        let faults: Vec<_> = loaded.diagnostics.iter().map(Diagnostic::render).collect();
        return Err(StationError::File(faults.join("\n\n")).into());
    };
    Ok(Source { path, file, watched: loaded.watched })
}

/// A delegate on another host meets its agent over NATS and nowhere else.
fn refuse_meeting(arguments: &DelegateRunArguments, globals: &Globals) -> Result<(), Fault> {
    let met = if arguments.stdio { "--stdio" } else { "--socket" };
    if arguments.stdio || globals.socket.is_some() {
        return Err(usage(format!("`{met}` and [remote] in the file exclude each other"), "leave one of them out"));
    }
    Ok(())
}

fn meeting(arguments: &DelegateRunArguments, socket: Option<&Path>) -> Result<Meeting, Fault> {
    match (arguments.stdio, socket) {
        (true, None) => pipes().map_err(|error| {
            usage(format!("failed to speak over standard input and output: {error}"), "both have to be pipes")
        }),
        (false, Some(path)) => listen(path).map(Meeting::Socket).map_err(|error| {
            usage(format!("failed to listen on {}: {error}", path.display()), "name another path, or stop who has it")
        }),
        (false, None) => handed_over().map(Meeting::Socket).map_err(|_| {
            usage(
                "there is nobody to speak with",
                "add `--stdio` or `--socket PATH`, or have systemd hand over a socket",
            )
        }),
        (true, Some(_)) => Err(usage("`--stdio` and `--socket` exclude each other", "leave one of them out")),
    }
}

/// Standard input and output. Other than by files, waiting for a pipe holds no thread that nothing can wake.
fn pipes() -> io::Result<Meeting> {
    let input = pipe::Receiver::from_owned_fd(io::stdin().as_fd().try_clone_to_owned()?)?;
    Ok(Meeting::Pipes(input, pipe::Sender::from_owned_fd(io::stdout().as_fd().try_clone_to_owned()?)?))
}

/// Makes the socket, for our own user alone: whoever connects has commands executed. One that nobody listens on any more
/// is no obstacle.
fn listen(path: &Path) -> io::Result<UnixListener> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
        std::fs::remove_file(path)?;
    }
    let usual = umask(Mode::RWXG | Mode::RWXO);
    let listener = UnixListener::bind(path);
    umask(usual);
    listener
}

/// The socket that systemd put in the place of standard input (`StandardInput=socket`).
fn handed_over() -> io::Result<UnixListener> {
    let listener = std::os::unix::net::UnixListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    // What is no Unix socket has no such address.
    listener.local_addr()?;
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

/// Serves one agent after the other.
async fn welcome(listener: &UnixListener, host: &Host, stop: &CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (reader, writer) = stream.into_split();
                converse(reader, writer, host, stop).await;
            }
            Err(error) => {
                tracing::error!(%error, "failed to listen");
                return;
            }
        }
    }
}

async fn converse<R, W>(reader: R, writer: W, host: &Host, stop: &CancellationToken)
where
    R: tokio::io::AsyncRead + Unpin,
    W: tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    tracing::info!("an agent has come");
    match serve(reader, writer, Arc::clone(host), stop).await {
        Ok(()) => tracing::info!("the agent has gone"),
        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "the agent is not understood"),
    }
}

/// Canceled by SIGTERM and SIGINT.
fn until_told() -> Result<CancellationToken, Fault> {
    let listen = |kind| signal(kind).map_err(|source| Fault::Runtime { source });
    let signals: [Signal; 2] = [listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?];
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        let [mut terminate, mut interrupt] = signals;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        told.cancel();
    });
    Ok(stop)
}

impl Home {
    /// The delegate that the agent asks for, with runs. Blocks.
    fn delegate(&self, asked: Initialize) -> Result<LocalDelegate, String> {
        let folder = self.folder(&asked.state_dir)?;
        let secrets = match &self.file {
            // Its own file says all that its names stand for: the agent cannot have it read another.
            Some(file) => file.sources(),
            None => {
                asked.secrets.into_iter().filter_map(|(name, source)| Some((name, SecretSource::of(source)?))).collect()
            }
        };
        let certificates = asked.additional_certs.map(|pem| Certificates { path: PathBuf::new(), pem });
        let config = DelegateConfig {
            name: asked.delegate,
            tags: Tags::default(),
            capacity: asked.capacity,
            kind: DelegateKind::Local,
            runs: true,
            runs_disk: asked.runs_disk_bytes.unwrap_or(RUNS_DISK),
            additional_certs: certificates,
            proxy: asked.proxy,
            no_proxy: asked.no_proxy,
        };
        let secrets = Arc::new(ArcSwap::from_pointee(Secrets::new(secrets, self.environment.clone())));
        let workshop = Workshop::open(&folder, secrets).map_err(|error| told(&error))?;
        let delegate = LocalDelegate::new(&config, asked.per_host, Arc::new(workshop));
        let delegate = match asked.mirrors_keep_s {
            Some(keep) => delegate.caring_for_mirrors(Duration::from_secs(keep)),
            None => delegate,
        };
        delegate.executing_runs().map_err(|error| told(&error))
    }

    /// Where to keep things: as its own file says, else the agent, else systemd.
    fn folder(&self, asked: &str) -> Result<PathBuf, String> {
        let own = self.file.as_ref().and_then(|file| file.state_dir.clone());
        let agents = Some(asked).filter(|asked| !asked.is_empty()).map(PathBuf::from);
        let systemds = || self.environment.get("STATE_DIRECTORY").map(PathBuf::from);
        let none = || "there is no folder to keep things in; set `delegate.state_dir` in its file".to_owned();
        own.or(agents).or_else(systemds).ok_or_else(none)
    }
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}

fn usage(message: impl Into<String>, hint: &str) -> Fault {
    Fault::Usage { message: message.into(), hint: hint.to_owned() }
}

//! `git http-backend` as a CGI child: streams both ways, and a process group that never outlives its answer.

mod body;

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use hyper::{Request, Response, StatusCode};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout, Command};

use crate::answer::{Answer, Pace, add_headers};
use crate::backend::body::answer_body;
use crate::child::supervise;
use crate::clean_git::clean_git;
use crate::options::Protocol;
use crate::shared::Shared;

/// What Git is asked beside the request itself.
#[derive(Debug)]
pub(crate) struct Call {
    /// The decoded path of the URL, any bytes.
    pub(crate) path: Vec<u8>,
    pub(crate) user: String,
    pub(crate) pace: Pace,
}

/// Lets Git answer. An error means that the child could not be started or did not speak CGI.
pub(crate) async fn run(shared: &Arc<Shared>, call: Call, request: Request<Incoming>) -> io::Result<Answer> {
    let pace = call.pace;
    let mut child = command(shared, call, &request).spawn()?;
    let pipes = (child.stdin.take(), child.stdout.take());
    let guard = supervise(&shared.tasks, child);
    let (Some(stdin), Some(stdout)) = pipes else {
        return Err(io::Error::other("the child has no pipes"));
    };
    shared.tasks.track(feed(Arc::clone(shared), request.into_body(), stdin));
    let mut stdout = BufReader::new(stdout);
    let (status, headers) = read_head(&mut stdout).await?;
    let mut response = Response::new(answer_body(shared, stdout, pace, guard).boxed_unsync());
    *response.status_mut() = status;
    add_headers(response.headers_mut(), &headers);
    Ok(response)
}

/// The child with the variables of CGI (RFC 3875) that `git help http-backend` names.
fn command(shared: &Shared, call: Call, request: &Request<Incoming>) -> Command {
    let mut command = clean_git();
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &shared.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", OsString::from_vec(call.path))
        .env("QUERY_STRING", request.uri().query().unwrap_or_default())
        .env("REQUEST_METHOD", request.method().as_str())
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("REMOTE_USER", call.user)
        .env("GIT_CONFIG_COUNT", shared.git_config.len().to_string());
    for (index, (key, value)) in shared.git_config.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{index}"), key).env(format!("GIT_CONFIG_VALUE_{index}"), value);
    }
    let mut pass = |variable: &str, header: HeaderName| {
        if let Some(value) = request.headers().get(header) {
            command.env(variable, OsString::from_vec(value.as_bytes().to_vec()));
        }
    };
    pass("CONTENT_TYPE", CONTENT_TYPE);
    pass("CONTENT_LENGTH", CONTENT_LENGTH);
    pass("HTTP_CONTENT_ENCODING", CONTENT_ENCODING);
    match shared.protocol {
        Protocol::V0 => {}
        Protocol::V2 => pass("GIT_PROTOCOL", HeaderName::from_static("git-protocol")),
    }
    // A group of its own, so that what Git starts can be ended with it.
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    Command::from(command)
}

/// Passes the request's body on to Git as it comes in. A client or a Git that ends early ends this too.
async fn feed(shared: Arc<Shared>, mut body: Incoming, mut stdin: ChildStdin) {
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(bytes) = frame.into_data() else { continue };
        shared.ledger.received(bytes.len());
        if stdin.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Reads the head of a CGI answer: header lines up to an empty one, `Status` among them unless it is 200.
async fn read_head(stdout: &mut BufReader<ChildStdout>) -> io::Result<(StatusCode, Vec<(String, String)>)> {
    let mut status = StatusCode::OK;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if stdout.read_line(&mut line).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ended before its head was whole"));
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok((status, headers));
        }
        let Some((name, value)) = line.split_once(": ") else { continue };
        if name.eq_ignore_ascii_case("Status") {
            let code = value.split(' ').next().unwrap_or_default();
            status = StatusCode::from_bytes(code.as_bytes()).map_err(io::Error::other)?;
        } else {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
}

//! What the client makes of answers, and of none.

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use super::*;
use crate::cli::fault::Exit;

/// Answers one request with exactly these bytes and hangs up.
fn answering(answer: &'static str) -> (TempDir, Client) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    (folder, Client::new(socket))
}

#[tokio::test]
async fn an_answer_is_read_as_what_was_asked_for() {
    let (_folder, client) = answering("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n[1,2,3]");
    assert_eq!(client.get::<Vec<u8>>(Route::of("status")).await.unwrap(), [1, 2, 3]);
}

#[tokio::test]
async fn a_refusal_brings_its_own_hint() {
    let body = r#"{"kind":"unknown","message":"there is no link `x`","hint":"list them"}"#;
    let answer = format!("HTTP/1.1 404 Not Found\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let (_folder, client) = answering(answer.leak());
    let fault = client.get::<u8>(Route::of("links").named("x")).await.unwrap_err();
    assert_eq!((fault.exit(), &*fault.hint()), (Exit::Usage, "list them"));
}

#[tokio::test]
async fn an_answer_of_another_program_is_not_taken_for_the_agents() {
    let (_folder, client) = answering("HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno");
    let fault = client.get::<u8>(Route::of("status")).await.unwrap_err();
    assert_eq!(fault.to_string(), "the agent did not take the request (500): no");
}

#[tokio::test]
async fn lines_end_with_the_answer() {
    let (_folder, client) = answering("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n1\n2\n");
    let mut lines = client.post_lines::<u8>(Route::of("x")).await.unwrap();
    assert_eq!(lines.next().await.unwrap(), Some(1));
    assert_eq!(lines.next().await.unwrap(), Some(2));
    assert_eq!(lines.next().await.unwrap(), None);
}

/// A file that no socket takes in one go.
async fn large_file(folder: &TempDir) -> (File, u64) {
    let (path, length) = (folder.path().join("report.xml"), 3 << 20);
    std::fs::write(&path, vec![b'x'; length]).unwrap();
    (File::open(path).await.unwrap(), length as u64)
}

#[tokio::test]
async fn a_file_is_handed_over_whole_once_it_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let length = |body: axum::body::Body| async move { body.collect().await.unwrap().to_bytes().len().to_string() };
    let routes = axum::Router::new().route("/v1/results", axum::routing::post(length));
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let (file, expect) = large_file(&folder).await;
    let taken: u64 = Client::new(socket).upload(Route::of("results"), file).await.unwrap();
    assert_eq!(taken, expect);
}

#[tokio::test]
async fn a_file_that_is_refused_is_not_sent() {
    let body = r#"{"kind":"not_permitted","message":"you may not","hint":"ask for the role"}"#;
    let answer = format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let (folder, client) = answering(answer.leak());
    let (file, _) = large_file(&folder).await;
    let fault = client.upload::<u8>(Route::of("results"), file).await.unwrap_err();
    assert_eq!((fault.exit(), &*fault.hint()), (Exit::NotPermitted, "ask for the role"));
}

#[tokio::test]
async fn no_socket_and_a_dead_one_both_mean_that_the_agent_cannot_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    let dead = folder.path().join("dead.sock");
    drop(UnixListener::bind(&dead).unwrap());
    for socket in [dead, folder.path().join("none.sock")] {
        let fault = Client::new(socket).get::<u8>(Route::of("status")).await.unwrap_err();
        assert_eq!(fault.exit(), Exit::Unreachable);
    }
}

#[test]
fn a_socket_that_may_not_be_opened_is_not_permitted() {
    let fault = Client::new(PathBuf::from("/s")).unreachable(io::ErrorKind::PermissionDenied.into());
    assert_eq!(fault.exit(), Exit::NotPermitted);
}

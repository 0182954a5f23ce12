//! The CONNECT exchange with a proxy (RFC 9110, section 9.3.6).
//!
//! The HTTP client has its own; this one serves what is no HTTP, and tells why a proxy refuses, which the other does
//! not.

use std::io;

use reqwest::header::{HeaderValue, PROXY_AUTHENTICATE};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::agent_name::USER_AGENT;

/// Longest head of an answer; proxies say a few hundred bytes.
const MAX_HEAD: usize = 16 * 1024;
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// No tunnel was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TunnelError {
    #[error("the proxy refused the tunnel with http {0}")]
    Refused(u16),
    #[error("the proxy cannot reach the server behind it, http {0}")]
    Unreached(u16),
    #[error("the proxy wants credentials")]
    Unauthorized {
        status: u16,
        /// The values of its `Proxy-Authenticate`.
        challenges: Vec<String>,
    },
    #[error("the proxy closed the connection before it answered")]
    Closed,
    #[error("the proxy does not answer in HTTP")]
    NotHttp,
    #[error("the connection to the proxy broke")]
    Broken(#[source] io::Error),
}

/// Asks the proxy at the other end of `stream` for a tunnel to `target`, `HOST:PORT`. After it, whatever the stream
/// brings comes from the target.
pub(crate) async fn open(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    target: &str,
    authorization: Option<&HeaderValue>,
) -> Result<(), TunnelError> {
    let mut request =
        format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: {USER_AGENT}\r\n").into_bytes();
    if let Some(authorization) = authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await.map_err(TunnelError::Broken)?;
    stream.flush().await.map_err(TunnelError::Broken)?;
    let head = head(stream).await?;
    match status(&head) {
        Some(200..=299) => Ok(()),
        // Some proxies, tinyproxy among them, answer wrong credentials as a server would.
        Some(status @ (401 | 407)) => Err(TunnelError::Unauthorized { status, challenges: challenges(&head) }),
        Some(status @ (500 | 502..=504)) => Err(TunnelError::Unreached(status)),
        Some(status) => Err(TunnelError::Refused(status)),
        None => Err(TunnelError::NotHttp),
    }
}

/// The head of the answer, read byte by byte: what follows it is the target's (an SSH server speaks first) and has to
/// stay in the stream.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, TunnelError> {
    let mut head = Vec::new();
    while !head.ends_with(END_OF_HEAD) {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(TunnelError::Broken(error)),
            Err(_) if head.is_empty() => return Err(TunnelError::Closed),
            Err(_) => return Err(TunnelError::NotHttp),
        }
        if head.len() > MAX_HEAD || !begins_as_http(&head) {
            return Err(TunnelError::NotHttp);
        }
    }
    Ok(head)
}

/// Whether it may still become HTTP/1: a server of another kind is not waited for to end its line.
fn begins_as_http(head: &[u8]) -> bool {
    head.iter().zip(b"HTTP/1.").all(|(have, want)| have == want)
}

fn challenges(head: &[u8]) -> Vec<String> {
    let fields = head.split(|byte| *byte == b'\n').filter_map(|line| str::from_utf8(line).ok()?.split_once(':'));
    let asking = fields.filter(|(name, _)| PROXY_AUTHENTICATE.as_str().eq_ignore_ascii_case(name));
    asking.map(|(_, value)| value.trim().to_owned()).collect()
}

fn status(head: &[u8]) -> Option<u16> {
    let line = head.strip_prefix(b"HTTP/1.")?.get(1..)?.strip_prefix(b" ")?;
    let (digits, after) = line.split_at_checked(3)?;
    let is_whole = after.first().is_some_and(|next| !next.is_ascii_digit());
    std::str::from_utf8(digits).ok().filter(|_| is_whole)?.parse().ok().filter(|status| *status >= 100)
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    /// What comes of an answer, and what was asked.
    async fn exchange(answer: &[u8], authorization: Option<&HeaderValue>) -> (Result<(), TunnelError>, String) {
        let (mut ours, mut theirs) = duplex(64 * 1024);
        theirs.write_all(answer).await.unwrap();
        theirs.shutdown().await.unwrap();
        let opened = open(&mut ours, "[2001:db8::1]:22", authorization).await;
        drop(ours);
        let mut asked = String::new();
        theirs.read_to_string(&mut asked).await.unwrap();
        (opened, asked)
    }

    async fn check_refused(answer: &[u8], expect: &str) {
        let error = exchange(answer, None).await.0.unwrap_err();
        assert_eq!(error.to_string(), expect, "{}", String::from_utf8_lossy(answer));
    }

    #[tokio::test]
    async fn a_tunnel_is_asked_for_with_the_target_and_the_credentials() {
        let secret = HeaderValue::from_static("Basic c3ZjOnB3");
        let (opened, asked) = exchange(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n", Some(&secret)).await;
        assert!(opened.is_ok());
        assert!(asked.starts_with("CONNECT [2001:db8::1]:22 HTTP/1.1\r\nHost: [2001:db8::1]:22\r\n"), "{asked}");
        assert!(asked.ends_with("\r\nProxy-Authorization: Basic c3ZjOnB3\r\n\r\n"), "{asked}");
        let (opened, asked) = exchange(b"HTTP/1.0 200\r\n\r\n", None).await;
        assert!(opened.is_ok() && !asked.contains("Authorization"), "{asked}");
    }

    #[tokio::test]
    async fn what_the_target_says_first_is_left_in_the_stream() {
        let (mut ours, mut theirs) = duplex(1024);
        theirs.write_all(b"HTTP/1.1 200 OK\r\n\r\nSSH-2.0-here\r\n").await.unwrap();
        open(&mut ours, "git.example.org:22", None).await.unwrap();
        let mut first = [0; 14];
        ours.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"SSH-2.0-here\r\n");
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        check_refused(b"HTTP/1.1 403 Forbidden\r\n\r\n", "the proxy refused the tunnel with http 403").await;
        check_refused(b"HTTP/1.1 401 Who\r\n\r\n", "the proxy wants credentials").await;
        check_refused(b"HTTP/1.1 501 No\r\n\r\n", "the proxy refused the tunnel with http 501").await;
        for status in [500, 502, 503, 504] {
            let expect = format!("the proxy cannot reach the server behind it, http {status}");
            check_refused(format!("HTTP/1.1 {status} No\r\n\r\n").as_bytes(), &expect).await;
        }
        check_refused(b"HTTP/1.1 407 Who\r\nContent-Length: 3\r\n\r\nabc", "the proxy wants credentials").await;
        check_refused(b"", "the proxy closed the connection before it answered").await;
    }

    #[tokio::test]
    async fn a_proxy_says_which_schemes_it_takes() {
        let answer = b"HTTP/1.1 407 Who\r\nproxy-authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n";
        let Err(TunnelError::Unauthorized { challenges, .. }) = exchange(answer, None).await.0 else { panic!() };
        assert_eq!(challenges, ["Negotiate", "NTLM"]);
    }

    #[tokio::test]
    async fn what_is_not_http_is_noticed_at_its_first_byte() {
        let check = |answer| check_refused(answer, "the proxy does not answer in HTTP");
        check(b"SSH-2.0-OpenSSH_9.2\r\n").await;
        check(b"HTTP/2 200 OK\r\n\r\n").await;
        check(b"HTTP/1.1 2000 OK\r\n\r\n").await;
        check(b"HTTP/1.1 OK\r\n\r\n").await;
        check(b"HTTP/1.1 200 OK\r\n").await;
        check(&[b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &[b'x'; MAX_HEAD]].concat()).await;
    }
}

//! Connections for what speaks no HTTP, through every kind of proxy.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;

use suitesync_loopback::{ProxyOptions, ProxyServer, RawAnswer};

use crate::support::{NAME, World, parsed, proxy_at, raw};

/// What the server says first, and what it answers; a socket of any family will do.
fn exchanged(socket: OwnedFd) -> String {
    let mut socket = TcpStream::from(socket);
    socket.set_nonblocking(false).unwrap();
    let mut banner = [0; 21];
    socket.read_exact(&mut banner).unwrap();
    socket.write_all(b"SSH-2.0-suitesync\r\n").unwrap();
    String::from_utf8(banner.to_vec()).unwrap()
}

/// The banner of an SSH server reaches us through the proxy, whole.
async fn check(world: &World, proxy: &ProxyServer) {
    let server = raw(RawAnswer::ssh_banner());
    proxy.map(NAME, server.address());
    let (url, route) = (parsed(&format!("ssh://git@{NAME}/contoso/checkout")), world.through(proxy_at(&proxy.url())));
    let connected = world.dial(&route, &url).await.unwrap();
    assert_eq!(connected.detail(), format!("{0}, through proxy {0}", proxy.address()));
    let socket = connected.into_socket().unwrap();
    let banner = tokio::task::spawn_blocking(move || exchanged(socket)).await.unwrap();
    assert_eq!(banner, "SSH-2.0-OpenSSH_9.2\r\n");
    assert_eq!(proxy.tunnels(), [format!("{NAME}:22")]);
}

#[tokio::test]
async fn a_socket_through_a_plain_proxy_is_the_servers() {
    let world = World::new();
    check(&world, &world.proxy(ProxyOptions::new())).await;
}

#[tokio::test]
async fn a_socket_through_a_proxy_over_tls_is_the_servers() {
    let world = World::new();
    check(&world, &world.tls_proxy(&world.authority)).await;
}

#[tokio::test]
async fn a_socket_without_a_proxy_is_the_servers() {
    let world = World::new();
    let server = raw(RawAnswer::ssh_banner());
    let url = parsed(&format!("ssh://git@{}/contoso/checkout", server.address()));
    let connected = world.dial(&world.direct(), &url).await.unwrap();
    assert_eq!(connected.detail(), server.address().to_string());
    let socket = connected.into_socket().unwrap();
    let banner = tokio::task::spawn_blocking(move || exchanged(socket)).await.unwrap();
    assert_eq!(banner, "SSH-2.0-OpenSSH_9.2\r\n");
}

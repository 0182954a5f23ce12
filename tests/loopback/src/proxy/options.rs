//! What a proxy is started with, and how it can fail.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::identity::ServerIdentity;
use crate::options::Login;

/// How a proxy is to serve.
#[derive(Debug, Clone)]
pub struct ProxyOptions {
    /// Zero lets the system choose.
    pub port: u16,
    /// Without one the proxy itself speaks plain HTTP.
    pub identity: Option<ServerIdentity>,
    /// What `Proxy-Authorization` has to bring along.
    pub login: Login,
    /// Where names lead that mean nothing on this machine, whatever the port.
    pub hosts: HashMap<String, SocketAddr>,
}

impl ProxyOptions {
    /// Plain, open to all, and knowing no name but this host's own.
    pub fn new() -> Self {
        Self { port: 0, identity: None, login: Login::Open, hosts: HashMap::new() }
    }

    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    #[must_use]
    pub fn identity(mut self, identity: ServerIdentity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Basic authentication with this name and password.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.login = Login::User { name: name.to_owned(), password: password.to_owned() };
        self
    }

    /// Leads a host's name to an address here, with whatever port it is asked for.
    #[must_use]
    pub fn map(mut self, host: &str, address: SocketAddr) -> Self {
        self.hosts.insert(host.to_owned(), address);
        self
    }
}

impl Default for ProxyOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// A way for a proxy to fail, whoever asks for whatever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyFault {
    /// Every request is answered with this status, CONNECT too.
    Status(u16),
    /// The request is read and never answered.
    SilentAfterRequest,
    /// The tunnel is granted, and nothing ever comes out of it. Requests in absolute form are never answered.
    SilentTunnel,
    /// Connections end as soon as they are accepted.
    CloseAtOnce,
    /// The connection is reset instead of an answer.
    Reset,
}

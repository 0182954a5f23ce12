//! Where a target of the proxy is: mapped names lead where they were told to, others to this host or nowhere.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::TcpStream;

/// A host and a port as a client names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Target {
    /// Connects to it, or fails; never leaves this host.
    pub(super) async fn connect(&self, hosts: &HashMap<String, SocketAddr>) -> io::Result<TcpStream> {
        let address = self.address(hosts).ok_or(io::ErrorKind::HostUnreachable)?;
        let stream = TcpStream::connect(address).await?;
        // Slower where the socket refuses, and no less right.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    fn address(&self, hosts: &HashMap<String, SocketAddr>) -> Option<SocketAddr> {
        if let Some(address) = hosts.get(&self.host) {
            return Some(*address);
        }
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let ip = if host == "localhost" { IpAddr::from(Ipv4Addr::LOCALHOST) } else { host.parse().ok()? };
        ip.is_loopback().then_some(SocketAddr::new(ip, self.port))
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::net::SocketAddr;

    use super::Target;

    #[test]
    fn targets_lead_to_this_host_or_nowhere() {
        let mapped: SocketAddr = "127.0.0.1:4".parse().unwrap();
        let hosts = HashMap::from([("git.example.org".to_owned(), mapped)]);
        let check = |host: &str, expect: Option<&str>| {
            let target = Target { host: host.to_owned(), port: 443 };
            assert_eq!(target.address(&hosts).map(|address| address.to_string()).as_deref(), expect, "{host}");
        };

        check("git.example.org", Some("127.0.0.1:4"));
        check("localhost", Some("127.0.0.1:443"));
        check("127.0.0.1", Some("127.0.0.1:443"));
        check("[::1]", Some("[::1]:443"));
        check("192.0.2.1", None);
        check("other.example.org", None);
    }
}

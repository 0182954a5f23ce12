//! NATS as its operators set it up: JetStream, TLS by an authority of its own, and an NKey for each user.

use std::path::PathBuf;

use nkeys::KeyPair;
use suitesync_loopback::{IssueOptions, NatsOptions, NatsServer};

use super::Site;

/// Who may log in; each has a seed in `NAME.nk`.
const USERS: [&str; 2] = ["agent", "delegate"];

pub(crate) struct Nats {
    server: NatsServer,
}

impl Nats {
    /// Starts one, and puts its authority's certificate (`nats-ca.pem`) and the seeds into the site's folder.
    pub(crate) fn start(site: &Site) -> Self {
        let (authority, _) = site.authority("nats ca");
        let user = |name: &&str| {
            let pair = KeyPair::new_user();
            site.secret_file(&format!("{name}.nk"), &pair.seed().unwrap());
            format!("{{ nkey: \"{}\" }}", pair.public_key())
        };
        let users = USERS.iter().map(user).collect::<Vec<_>>().join(", ");
        let options = NatsOptions {
            identity: Some(authority.issue(&IssueOptions::default()).unwrap()),
            configuration: format!("authorization {{ users: [ {users} ] }}"),
            without_jetstream: false,
        };
        Self { server: NatsServer::start(&options).unwrap() }
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.port()
    }

    pub(crate) fn url(&self) -> String {
        self.url_at(self.port())
    }

    /// The same server by another port of this host.
    pub(crate) fn url_at(&self, port: u16) -> String {
        format!("tls://localhost:{port}")
    }

    /// Where streams are kept.
    pub(crate) fn store(&self) -> PathBuf {
        self.server.store()
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it where it was.
    pub(crate) fn launch(&mut self) {
        self.server.begin().unwrap();
    }
}

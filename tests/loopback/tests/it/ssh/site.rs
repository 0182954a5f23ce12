//! A served repository, a key that may log in, and the real `ssh` that uses it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use suitesync_loopback::{SshKey, SshKeyFormat, SshKeyKind, SshOptions, SshServer};

use crate::support::Site;

pub(crate) struct SshSite {
    pub(crate) site: Site,
    pub(crate) key: SshKey,
}

impl SshSite {
    pub(crate) fn new() -> Self {
        Self::with_key(SshKeyKind::Ed25519)
    }

    pub(crate) fn with_key(kind: SshKeyKind) -> Self {
        Self { site: Site::new(), key: SshKey::generate(kind, SshKeyFormat::OpenSsh, None).unwrap() }
    }

    pub(crate) fn options(&self) -> SshOptions {
        SshOptions::new(self.site.folder.path().join("served")).authorize(&self.key)
    }

    /// What the real `ssh` is told: this site's key alone, and this server alone.
    fn ssh_configuration(&self, server: &SshServer) -> PathBuf {
        let folder = self.site.folder.path();
        let (key, known_hosts, file) = (folder.join("key"), folder.join("known_hosts"), folder.join("ssh_config"));
        fs::write(&key, self.key.private_text()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        if !known_hosts.exists() {
            fs::write(&known_hosts, server.known_hosts("127.0.0.1")).unwrap();
        }
        let text = format!(
            "IdentityFile \"{}\"\nUserKnownHostsFile \"{}\"\nGlobalKnownHostsFile /dev/null\nIdentitiesOnly yes\n\
             StrictHostKeyChecking yes\nUpdateHostKeys no\nBatchMode yes\n",
            key.display(),
            known_hosts.display()
        );
        fs::write(&file, text).unwrap();
        file
    }

    /// The real Git over the real `ssh`.
    pub(crate) fn git_command(&self, server: &SshServer, arguments: &[&str]) -> Command {
        let mut command = self.site.git_command(arguments);
        command.env("GIT_SSH_COMMAND", format!("ssh -F '{}'", self.ssh_configuration(server).display()));
        command
    }

    pub(crate) fn list(&self, server: &SshServer, path: &str) -> Output {
        self.git_command(server, &["ls-remote", &server.url(path), "HEAD"]).output().unwrap()
    }

    /// The real `ssh`, with further options and a command.
    pub(crate) fn ssh(&self, server: &SshServer, options: &[&str], command: &[&str]) -> Output {
        let (host, port) = (format!("{}@127.0.0.1", server.user()), server.address().port().to_string());
        Command::new("ssh")
            .arg("-F")
            .arg(self.ssh_configuration(server))
            .args(options)
            .args(["-T", "-p", &port, &host])
            .args(command)
            .output()
            .unwrap()
    }
}

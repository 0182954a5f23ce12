//! What `sshd` is told: its configuration, its keys, and the script that stands in for every command.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::LoopbackError;
use crate::options::Protocol;
use crate::ssh::key::SshKey;
use crate::ssh::options::SshOptions;

/// Runs whatever the client asked for, its own way.
const COMMAND: &str = include_str!("command.sh");
/// Where `sshd` locks itself in as root, made by the service at boot where there is one.
const PRIVILEGE_SEPARATION: &str = "/run/sshd";
/// What is the same in every configuration: no password, no terminal, nothing of the user's own folder. The checks of
/// modes would refuse keys below a folder that others may write to, such as the one for temporary files.
const FIXED: &str = "PidFile none
LogLevel VERBOSE
UseDNS no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitTTY no
PermitUserRC no
PrintMotd no
PrintLastLog no
X11Forwarding no
AllowTcpForwarding no
SetEnv HOME=/nonexistent
";

/// The folder of one server, and the files in it by name.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    pub(super) fn configuration(&self) -> PathBuf {
        self.folder.join("sshd_config")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    pub(super) fn commands(&self) -> PathBuf {
        self.folder.join("commands")
    }

    pub(super) fn fault(&self) -> PathBuf {
        self.folder.join("fault")
    }

    fn authorized_keys(&self) -> PathBuf {
        self.folder.join("authorized_keys")
    }

    fn command(&self) -> PathBuf {
        self.folder.join("command")
    }

    fn host_key(&self, key: &SshKey) -> PathBuf {
        // A name of its own for every key, so that a connection under way never meets half a file.
        let name: String = key.fingerprint().chars().filter(char::is_ascii_alphanumeric).collect();
        self.folder.join(format!("host_key_{name}"))
    }

    /// Everything that does not change while the server runs.
    pub(super) fn write_fixed(&self, options: &SshOptions) -> Result<(), LoopbackError> {
        self.write_authorized(&options.authorized_keys)?;
        write(&self.command(), &command(&self.folder, options))?;
        make_privilege_separation_folder()
    }

    pub(super) fn write_authorized(&self, public_lines: &[String]) -> Result<(), LoopbackError> {
        write(&self.authorized_keys(), &format!("{}\n", public_lines.join("\n")))
    }

    /// The configuration with these host keys, in force from the next connection on.
    pub(super) fn write_host_keys(&self, options: &SshOptions, keys: &[SshKey]) -> Result<(), LoopbackError> {
        let mut text = String::from(FIXED);
        for key in keys {
            let file = self.host_key(key);
            write(&file, key.private_text())?;
            text += &format!("HostKey \"{}\"\n", file.display());
        }
        text += &format!("AuthorizedKeysFile \"{}\"\n", self.authorized_keys().display());
        text += &format!("ForceCommand /bin/sh {}\n", quoted(&self.command().display().to_string()));
        text += &format!("MaxSessions {}\n", options.max_sessions);
        if options.protocol == Protocol::V2 {
            text += "AcceptEnv GIT_PROTOCOL\n";
        }
        // Without PAM the account must not be locked; with it, containers have no session to open.
        text += &format!("UsePAM {}\n", if is_locked_root() { "yes" } else { "no" });
        for (keyword, value) in options.algorithms.keywords() {
            text += &format!("{keyword} {value}\n");
        }
        write(&self.configuration(), &text)
    }
}

/// The script with its head: where things are, and the environment of Git.
fn command(folder: &Path, options: &SshOptions) -> String {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut variables = vec![
        ("PATH".to_owned(), path.to_string_lossy().into_owned()),
        ("GIT_CONFIG_GLOBAL".to_owned(), "/dev/null".to_owned()),
        ("GIT_CONFIG_NOSYSTEM".to_owned(), "1".to_owned()),
        ("GIT_CONFIG_COUNT".to_owned(), options.git_config.len().to_string()),
    ];
    for (index, (key, value)) in options.git_config.iter().enumerate() {
        variables.push((format!("GIT_CONFIG_KEY_{index}"), key.clone()));
        variables.push((format!("GIT_CONFIG_VALUE_{index}"), value.clone()));
    }
    let exports: String =
        variables.iter().map(|(name, value)| format!("{name}={}\nexport {name}\n", quoted(value))).collect();
    let place = |path: &Path| quoted(&path.display().to_string());
    format!("folder={}\nroot={}\n{exports}{COMMAND}", place(folder), place(&options.root))
}

/// One word for a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Whether the login is root's and has no password that could ever be right, marked by `!` in `shadow(5)`.
fn is_locked_root() -> bool {
    // Only root can read it, and only root's logins are looked up there.
    fs::read_to_string("/etc/shadow").is_ok_and(|shadow| shadow.lines().any(|line| line.starts_with("root:!")))
}

fn make_privilege_separation_folder() -> Result<(), LoopbackError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    fs::create_dir_all(PRIVILEGE_SEPARATION)
        .map_err(|source| LoopbackError::Folder { folder: PRIVILEGE_SEPARATION.into(), source })
}

/// Writes a file that its owner alone can read, whole or not at all.
fn write(file: &Path, text: &str) -> Result<(), LoopbackError> {
    let beside = file.with_extension("new");
    let written = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&beside)?.write_all(text.as_bytes())?;
        fs::rename(&beside, file)
    };
    written().map_err(|source| LoopbackError::File { file: file.to_owned(), source })
}

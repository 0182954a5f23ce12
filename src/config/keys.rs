//! The keys of every table: those that are understood, and those that this version does not support.

/// The keys of one kind of table.
#[derive(Debug)]
pub(super) struct Keys {
    /// How messages call the table.
    pub(super) table: &'static str,
    pub(super) known: &'static [&'static str],
    /// Keys with a meaning that this version does not act on. They are refused, not ignored.
    pub(super) unsupported: &'static [&'static str],
}

pub(super) static TOP: Keys = Keys {
    table: "the configuration",
    known: &["agent", "retention", "log", "secrets", "delegate", "connection", "link"],
    unsupported: &["access", "remote", "schedule"],
};

pub(super) static AGENT: Keys = Keys {
    table: "[agent]",
    known: &["name", "state_dir", "socket", "attempts", "per_host"],
    unsupported: &["listen", "public_url"],
};

pub(super) static RETENTION: Keys =
    Keys { table: "[retention]", known: &["mirrors_keep", "disk"], unsupported: &["events", "runs", "results"] };

pub(super) static LOG: Keys = Keys { table: "[log]", known: &["format", "level"], unsupported: &[] };

pub(super) static SECRET_TABLE: Keys =
    Keys { table: "[secrets.NAME]", known: &["env", "file"], unsupported: &["credential", "command", "hosts"] };

pub(super) static SECRET_REFERENCE: Keys =
    Keys { table: "a secret's source", known: &["secret", "env", "file"], unsupported: &["credential", "command"] };

pub(super) static DELEGATE: Keys = Keys {
    table: "[[delegate]]",
    known: &["name", "kind", "tags", "capacity", "additional_certs_path"],
    unsupported: &["runs", "command", "socket", "url", "proxy", "no_proxy", "state_dir", "secrets", "remote"],
};

pub(super) static CONNECTION: Keys = Keys {
    table: "[[connection]]",
    known: &[
        "name",
        "display_name",
        "description",
        "provider",
        "url",
        "url_type",
        "connection_type",
        "test_repository",
        "delegate_tags",
        "test_every",
        "test_schedule",
        "additional_certs_path",
        "allow_plain_http",
        "disconnected",
        "credentials",
    ],
    unsupported: &["renamed_from", "server_url", "proxy", "no_proxy", "tls", "api"],
};

pub(super) static CREDENTIALS: Keys = Keys {
    table: "[connection.credentials]",
    known: &["username", "password", "bearer"],
    unsupported: &["private_key", "passphrase", "known_hosts", "host_keys"],
};

pub(super) static LINK: Keys = Keys {
    table: "[[link]]",
    known: &[
        "name",
        "display_name",
        "description",
        "connection",
        "project",
        "url",
        "branch",
        "tag",
        "commit",
        "directory",
        "sync_every",
        "sync_schedule",
        "proceed",
        "archived",
        "formats",
    ],
    unsupported: &["renamed_from", "link_existing_results"],
};

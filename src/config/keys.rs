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
    known: &["agent", "access", "retention", "log", "secrets", "remote", "delegate", "connection", "link", "schedule"],
    unsupported: &[],
};

pub(super) static AGENT: Keys = Keys {
    table: "[agent]",
    known: &["name", "state_dir", "socket", "attempts", "per_host"],
    unsupported: &["listen", "public_url"],
};

pub(super) static RETENTION: Keys =
    Keys { table: "[retention]", known: &["mirrors_keep", "disk", "events", "runs", "results"], unsupported: &[] };

pub(super) static ACCESS: Keys =
    Keys { table: "[access]", known: &["account_admin", "viewer", "projects"], unsupported: &[] };

pub(super) static ACCESS_PROJECT: Keys =
    Keys { table: "[access.projects.NAME]", known: &["project_admin"], unsupported: &[] };

pub(super) static LOG: Keys = Keys { table: "[log]", known: &["format", "level"], unsupported: &[] };

pub(super) static SECRET_TABLE: Keys =
    Keys { table: "[secrets.NAME]", known: &["env", "file", "credential", "command"], unsupported: &["hosts", "runs"] };

pub(super) static SECRET_REFERENCE: Keys =
    Keys { table: "a secret's source", known: &["secret", "env", "file", "credential", "command"], unsupported: &[] };

/// The file of a delegate that runs as somebody else than the agent, and the tables that mean something else there.
pub(super) static DELEGATE_FILE: Keys =
    Keys { table: "a delegate's file", known: &["delegate", "secrets", "remote"], unsupported: &[] };

pub(super) static STATION: Keys = Keys {
    table: "[delegate]",
    known: &[
        "state_dir",
        "agent",
        "name",
        "tags",
        "capacity",
        "runs",
        "runs_disk",
        "additional_certs_path",
        "proxy",
        "no_proxy",
    ],
    unsupported: &[],
};

pub(super) static STATION_REMOTE: Keys = Keys {
    table: "[remote]",
    known: &["url", "credentials", "nkey", "additional_certs_path", "allow_plain_nats"],
    unsupported: &[],
};

pub(super) static GRANT: Keys = Keys {
    table: "[secrets.NAME]",
    known: &["env", "file", "credential", "command", "hosts", "runs"],
    unsupported: &[],
};

/// What is known of every delegate that an agent's configuration declares.
const DELEGATE_KEYS: &[&str] = &[
    "name",
    "kind",
    "command",
    "socket",
    "tags",
    "capacity",
    "runs",
    "runs_disk",
    "additional_certs_path",
    "proxy",
    "no_proxy",
];

/// Keys of delegates on other hosts.
const REMOTE_DELEGATE_KEYS: &[&str] = &["url", "state_dir", "secrets", "remote"];

pub(super) static DELEGATE: Keys =
    Keys { table: "[[delegate]]", known: DELEGATE_KEYS, unsupported: REMOTE_DELEGATE_KEYS };

/// A file `delegates.d/NAME/plugin.toml`.
pub(super) static PLUGIN: Keys = Keys { table: "plugin.toml", known: DELEGATE_KEYS, unsupported: REMOTE_DELEGATE_KEYS };

pub(super) static REMOTE: Keys = Keys {
    table: "[remote]",
    known: &["url", "credentials", "nkey", "accept", "additional_certs_path", "allow_plain_nats"],
    unsupported: &[],
};

pub(super) static PROXY: Keys = Keys { table: "`proxy`", known: &["url", "username", "password"], unsupported: &[] };

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
        "server_url",
        "test_repository",
        "delegate_tags",
        "test_every",
        "test_schedule",
        "additional_certs_path",
        "allow_plain_http",
        "disconnected",
        "credentials",
        "tls",
        "api",
    ],
    unsupported: &["renamed_from", "proxy", "no_proxy"],
};

pub(super) static CREDENTIALS: Keys = Keys {
    table: "[connection.credentials]",
    known: &["username", "password", "bearer", "private_key", "passphrase", "known_hosts", "host_keys"],
    unsupported: &[],
};

pub(super) static CONNECTION_TLS: Keys =
    Keys { table: "[connection.tls]", known: &["client_certificate", "client_key"], unsupported: &[] };

pub(super) static API: Keys =
    Keys { table: "[connection.api]", known: &["token"], unsupported: &["hooks", "statuses"] };

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
        "delegate_tags",
        "link_existing_results",
    ],
    unsupported: &["renamed_from"],
};

pub(super) static SCHEDULE: Keys = Keys {
    table: "[[schedule]]",
    known: &[
        "name",
        "link",
        "cron",
        "time_zone",
        "suites",
        "command",
        "environment",
        "results",
        "timeout",
        "overlap",
        "jitter",
        "missed",
        "delegate_tags",
    ],
    unsupported: &["on"],
};

//! The catalogue of events: everything that is logged and kept in the audit trail has a name here and nowhere else.

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use suitesync_contract::{ConnectionName, DelegateName, Failure, LinkName, RunId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Info,
    Warn,
    Error,
}

impl Level {
    pub fn code(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

macro_rules! catalogue {
    ($($variant:ident $name:literal $level:ident $fields:literal $meaning:literal)*) => {
        /// The name of an event: a contract with alert rules and scripts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventName {
            $(#[doc = $meaning] $variant,)*
        }

        impl EventName {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// How bad it usually is.
            pub fn level(self) -> Level {
                match self {
                    $(Self::$variant => Level::$level,)*
                }
            }

            /// The fields besides `at`, `event`, `level` and `message`, for the documentation.
            pub fn fields(self) -> &'static str {
                match self {
                    $(Self::$variant => $fields,)*
                }
            }

            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)*
                }
            }
        }
    };
}

catalogue! {
    AgentStarted "agent.started" Info "version" "The agent has read its configuration and begins to work."
    AgentStopped "agent.stopped" Info "" "The agent has ended what it was doing and goes."
    ConfigReloaded "config.reloaded" Info "generation, added, changed, removed, unchanged, needs_restart" "A changed configuration was taken up."
    ConfigRejected "config.rejected" Error "problems, file, line, column" "A changed configuration is faulty; the running one stays."
    ConnectionTested "connection.tested" Info "connection, delegate, outcome, duration_ms, class, hint, certificate_days_left" "A connection test ended."
    ConnectionStatusChanged "connection.status_changed" Info "connection, from, to, class" "A connection has another status than before."
    ConnectionDisconnected "connection.disconnected" Warn "connection, reason" "A connection was disconnected: no request leaves for it."
    ConnectionReconnected "connection.reconnected" Info "connection, reason" "The last reason for a disconnection is gone."
    LinkSynced "link.synced" Info "link, connection, delegate, from, to, cases, suites, parsed, remembered, duration_ms" "A link's catalog was brought to a commit."
    LinkSyncFailed "link.sync_failed" Error "link, connection, delegate, class, hint, duration_ms" "A link could not be brought up to date; its last good catalog stays readable."
    LinkStatusChanged "link.status_changed" Info "link, connection, from, to, class" "A link has another status than before."
    LinkArchived "link.archived" Info "link, reason" "A link was archived: it leaves every view but `--archived`."
    LinkUnarchived "link.unarchived" Info "link, reason" "The last reason for archiving a link is gone."
    DelegateConnected "delegate.connected" Info "delegate, tags, capacity" "A delegate is ready to take tasks."
    RunQueued "run.queued" Info "run, schedule, suite, link, connection, requested_by" "A run is recorded and waits for its turn."
    RunStarted "run.started" Info "run, schedule, suite, link, connection, delegate, status" "A delegate has begun a run."
    RunFinished "run.finished" Info "run, schedule, suite, link, connection, delegate, status, reason, counts, duration_ms" "A run is over."
    RunCanceled "run.canceled" Info "run, schedule, suite, link, connection, delegate, status, reason, duration_ms" "A run was canceled, and nothing of it is left."
    ScheduleMissed "schedule.missed" Warn "schedule, link, connection, missed" "Slots of a schedule passed without a run: the agent was not there, or they came faster than they can be recorded."
    ResultsImported "results.imported" Info "project, source, state, results, matched" "A report of a run made elsewhere was imported; all its results count from now on."
    DelegateLost "delegate.lost" Warn "delegate, reason" "A delegate cannot be reached; what needs it waits, and it is tried again."
    DelegateDrained "delegate.drained" Info "delegate, by" "An operator drains a delegate: it ends what it has and takes nothing new."
    DelegateResumed "delegate.resumed" Info "delegate, by" "A delegate that was drained takes tasks again."
    RemoteLost "remote.lost" Warn "class, hint" "NATS cannot be reached: delegates on other hosts are not judged meanwhile, and what is for them waits."
    RemoteConnected "remote.connected" Info "" "NATS is reached, and with it delegates on other hosts."
    DelegateRefused "delegate.refused" Warn "delegate, reason" "A delegate on another host announced itself under a name that is not accepted."
    TaskRefused "task.refused" Warn "link, connection, run, delegate, reason" "An outcome came too late to count: what asked for it has changed since."
    TaskReassigned "delegate.task_reassigned" Warn "connection, run, delegate, to, attempt, class, hint" "A delegate was lost at a task, or could not connect: another one tries it, or it waits for one."
    CertificateExpiring "certificate.expiring" Warn "connection, days_left" "The certificate of a connection's server runs out within 30 days."
    CatalogUnwritable "catalog.unwritable" Error "class, hint" "The catalog cannot be written: what is found is lost until it can. Logged, and shown by `status`."
    CatalogWritable "catalog.writable" Info "unwritable_ms" "The catalog can be written again."
    MirrorRemoved "mirror.removed" Info "delegate, mirror, reason, bytes" "A mirror that no link uses was removed: unused for `mirrors_keep`, or its room was needed (`budget`)."
    MirrorOverBudget "mirror.over_budget" Warn "delegate, bytes, excess_bytes" "The mirrors that links use need more room than `disk` in `[retention]` leaves them; none is removed."
    MirrorRebuilt "mirror.rebuilt" Warn "connection, delegate, reason" "A mirror could not be used and was fetched anew."
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub at: DateTime<Utc>,
    pub name: EventName,
    pub level: Level,
    pub connection: Option<ConnectionName>,
    pub link: Option<LinkName>,
    pub delegate: Option<DelegateName>,
    pub run: Option<RunId>,
    pub message: String,
    pub fields: Map<String, Value>,
}

impl Event {
    pub fn new(at: DateTime<Utc>, name: EventName, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            // As finely as the catalog keeps it, so that an event has one time wherever it is shown.
            at: at.trunc_subsecs(3),
            name,
            level: name.level(),
            connection: None,
            link: None,
            delegate: None,
            run: None,
            message,
            fields: Map::new(),
        }
    }

    #[must_use]
    pub fn connection(mut self, name: &ConnectionName) -> Self {
        self.connection = Some(name.clone());
        self
    }

    #[must_use]
    pub fn link(mut self, name: &LinkName) -> Self {
        self.link = Some(name.clone());
        self
    }

    #[must_use]
    pub fn delegate(mut self, name: Option<&DelegateName>) -> Self {
        self.delegate = name.cloned();
        self
    }

    #[must_use]
    pub fn run(mut self, id: RunId) -> Self {
        self.run = Some(id);
        self
    }

    /// How bad it is this time, where that is not what the catalogue says.
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// The class and the next step of a failure.
    #[must_use]
    pub fn failure(self, failure: &Failure) -> Self {
        self.field("class", failure.class.code()).field("hint", failure.hint.as_str())
    }
}

/// The documentation of every event, as `docs/events.md` holds it.
pub fn documentation() -> String {
    let mut text = String::from(
        "# Events\n\nEvery event has a name from this list. It is logged once under that name (field `event`) and kept in \
         the audit trail\n(`suitesync event list`). Besides its own fields each has `at`, `event`, `level` and \
         `message`. This page is generated from\n`src/domain/event.rs`; a test holds the two equal.\n\n\
         | event | level | fields | meaning |\n|---|---|---|---|\n",
    );
    for name in EventName::ALL {
        let row = [name.as_str(), name.level().code(), name.fields(), name.meaning()];
        text.push_str(&format!("| `{}` | {} | {} | {} |\n", row[0], row[1], row[2], row[3]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = EventName::ALL.iter().map(|name| name.as_str()).collect();
        assert_eq!(names.len(), EventName::ALL.len());
    }

    #[test]
    fn the_documentation_is_what_the_catalogue_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/events.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, documentation()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), documentation(), "UPDATE_DOCS=1 cargo test writes it");
    }
}

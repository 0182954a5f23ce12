//! Arguments of the commands that look into the catalog.

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand};
use suitesync_contract::{ConnectionName, LinkName};

use crate::domain::cadence::Cadence;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CaseCommand {
    /// List cases
    List {
        /// Of this link only
        #[arg(long)]
        link: Option<LinkName>,
        /// Those of archived links, too
        #[arg(long)]
        archived: bool,
    },
    /// Show one case, by its id: the path below its test project without the extension
    Show {
        id: String,
        /// Of this link only
        #[arg(long)]
        link: Option<LinkName>,
    },
    /// Find cases by a part of their id, name or tags
    Search {
        text: String,
        /// Of this link only
        #[arg(long)]
        link: Option<LinkName>,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SuiteCommand {
    /// List suites and collections
    List {
        /// Of this link only
        #[arg(long)]
        link: Option<LinkName>,
        /// Those of archived links, too
        #[arg(long)]
        archived: bool,
    },
    /// Show one suite with its entries in their order, by its id
    Show {
        id: String,
        /// Of this link only
        #[arg(long)]
        link: Option<LinkName>,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum EventCommand {
    /// List events, the newest last
    List(EventListArguments),
    /// Print events as they happen
    Follow,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct EventListArguments {
    /// Of this link only
    #[arg(long)]
    pub(in crate::cli) link: Option<LinkName>,
    /// Of this connection only
    #[arg(long)]
    pub(in crate::cli) connection: Option<ConnectionName>,
    /// With this name, or this beginning of it, such as `link.`
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) event: Option<String>,
    /// Since a time such as 2026-01-31T08:00:00Z, or for so long, such as 2h
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub(in crate::cli) since: Option<Since>,
    /// The newest so many [default: 50, and all with `--json`]
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) limit: Option<u32>,
}

/// A time, named or told by how long ago it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Since {
    At(DateTime<Utc>),
    Ago(TimeDelta),
}

impl Since {
    pub(in crate::cli) fn before(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Ago(long) => now.checked_sub_signed(long).unwrap_or(DateTime::<Utc>::MIN_UTC),
        }
    }
}

fn since(text: &str) -> Result<Since, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(Since::At(at.to_utc()));
    }
    match Cadence::every(text) {
        Ok(Cadence::Every(long)) => TimeDelta::from_std(long).map(Since::Ago).map_err(|error| error.to_string()),
        Ok(Cadence::Cron(_)) | Err(_) => {
            Err("neither a time such as 2026-01-31T08:00:00Z nor one such as 2h".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_a_time_or_how_long_ago_it_was() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::hours(5);
        let check = |text: &str, expect: i64| assert_eq!(since(text).unwrap().before(now).timestamp(), expect);
        check("2h", 3 * 3600);
        check("1970-01-01T01:00:00+00:30", 1800);
        assert!(since("yesterday").is_err());
    }
}

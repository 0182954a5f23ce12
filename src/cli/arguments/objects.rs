//! Arguments of the commands about connections, links, delegates and the configuration.

use clap::{Args, Subcommand};
use suitesync_contract::{ConnectionName, DelegateName, LinkName, ScheduleName};

use crate::cli::act::Consent;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ConnectionCommand {
    /// List all connections
    List,
    /// Show a connection with its settings, links and newest test
    Show { name: ConnectionName },
    /// Test a connection now, step by step
    Test(TestArguments),
    /// Let no more request leave for a connection; nothing is deleted
    Disconnect {
        name: ConnectionName,
        #[command(flatten)]
        consent: Consent,
    },
    /// Take a disconnection back: the connection is tested, and its links proceed
    Reconnect { name: ConnectionName },
    /// Show the newest tests of a connection
    History {
        name: ConnectionName,
        #[command(flatten)]
        history: HistoryArguments,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct TestArguments {
    pub(in crate::cli) name: Option<ConnectionName>,
    /// Test every connection that is not disconnected
    #[arg(long)]
    pub(in crate::cli) all: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct HistoryArguments {
    /// Show so many of the newest [default: 20]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(in crate::cli) limit: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum LinkCommand {
    /// List the links
    List {
        /// Archived ones, too; `--json` always lists them
        #[arg(long)]
        archived: bool,
    },
    /// Show a link with its settings, test projects and what was passed over
    Show { name: LinkName },
    /// Bring a link up to date now
    Sync(LinkWork),
    /// Let a link with `proceed = "manual"` go on, and bring it up to date
    Proceed(LinkWork),
    /// Take a link out of every view and cancel its queued runs; nothing is deleted
    Archive {
        name: LinkName,
        /// Stop its runs under way, too, instead of letting them finish
        #[arg(long)]
        stop_running: bool,
        #[command(flatten)]
        consent: Consent,
    },
    /// Bring an archived link back; canceled runs stay canceled
    Unarchive { name: LinkName },
    /// Show the newest syncs of a link with what they changed
    History {
        name: LinkName,
        #[command(flatten)]
        history: HistoryArguments,
    },
}

/// Work on one link that can be waited for.
#[derive(Debug, Args)]
pub(in crate::cli) struct LinkWork {
    pub(in crate::cli) name: LinkName,
    /// Wait for the end, and tell what came of it
    #[arg(long)]
    pub(in crate::cli) wait: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DelegateCommand {
    /// List all delegates with their tags and load
    List,
    /// Tell which delegate would be given work now, and what each of the others lacks
    ///
    /// Without an option: any test or sync that asks for no tags.
    Explain(ExplainArguments),
    /// Have a delegate end what it has and take nothing new until it is resumed
    Drain {
        name: DelegateName,
        /// Wait until it has nothing in hand
        #[arg(long)]
        wait: bool,
    },
    /// Have a delegate that was drained take tasks again
    Resume { name: DelegateName },
    /// Validate a delegate's own file, which `--config` names; no agent needed
    Check,
    /// Carry out an agent's tasks in a process of its own; no agent needed
    ///
    /// It listens on `--socket`, or on the socket that systemd puts in the place of its standard input. What secrets are
    /// called and where it keeps things says the file that `--config` names; without one the agent does. With [remote]
    /// in that file it serves an agent on another host, over NATS.
    Run(DelegateRunArguments),
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(in crate::cli) struct ExplainArguments {
    /// A test of this connection
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) connection: Option<ConnectionName>,
    /// A sync of this link
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) link: Option<LinkName>,
    /// A run of this schedule
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) schedule: Option<ScheduleName>,
}

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct DelegateRunArguments {
    /// Speak with one agent over standard input and output
    #[arg(long)]
    pub(in crate::cli) stdio: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ConfigCommand {
    /// Have the agent read its configuration again
    Reload,
}

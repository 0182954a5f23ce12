//! What can be typed: every command with its arguments. Help and completions come from these types, too.

mod contents;
mod objects;
mod runs;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use suitesync_contract::{ObjectId, Provider, RefSpec};

pub(super) use contents::{CaseCommand, EventCommand, EventListArguments, SuiteCommand};
pub(super) use objects::{
    ConfigCommand, ConnectionCommand, DelegateCommand, DelegateRunArguments, ExplainArguments, HistoryArguments,
    LinkCommand, LinkWork, TestArguments,
};
pub(super) use runs::{
    ImportArguments, ResultCommand, ResultListArguments, RunCommand, RunListArguments, ScheduleCommand, StartArguments,
};

use crate::config::Location;

/// Keeps a catalog of tests in step with the Git repositories they live in.
#[derive(Debug, Parser)]
#[command(name = "suitesync", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 1 the answer is no, 2 usage or configuration, 3 no agent, 4 not permitted")]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) globals: Globals,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What counts for every command, before or after it.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Globals {
    /// Write JSON, for programs
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// The configuration file [default: /etc/suitesync/suitesync.toml]
    #[arg(long, global = true, value_name = "PATH")]
    pub(super) config: Option<PathBuf>,
    /// The agent's socket [default: $SUITESYNC_SOCKET, the configuration's, /run/suitesync/agent.sock]
    #[arg(long, global = true, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
}

impl Globals {
    /// Where the configuration is.
    pub(super) fn location(&self) -> Location {
        self.config.as_ref().map_or_else(Location::default, Location::new)
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the daemon
    Agent,
    /// Show everything on a sample repository of its own; no configuration needed
    Demo(DemoArguments),
    /// Connect to a repository once, find its tests and print them; no agent needed
    Inspect(Box<InspectArguments>),
    /// Validate the configuration; no agent needed
    ///
    /// A delegate's own file is for `suitesync delegate check`.
    Check,
    #[command(flatten)]
    Question(Question),
    /// Print the completions of a shell
    Completions { shell: clap_complete::Shell },
}

/// What is asked of the running agent.
#[derive(Debug, Subcommand)]
pub(super) enum Question {
    /// One screen: agent, connections, links, delegates, what is wrong and what to do
    Status,
    /// Accounts at providers, and whether they work
    #[command(subcommand)]
    Connection(ConnectionCommand),
    /// Repositories whose tests are kept in the catalog
    #[command(subcommand)]
    Link(LinkCommand),
    /// Test cases in the catalog
    #[command(subcommand)]
    Case(CaseCommand),
    /// Test suites and collections in the catalog
    #[command(subcommand)]
    Suite(SuiteCommand),
    /// When suites are run
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// Executions of suites
    #[command(subcommand)]
    Run(RunCommand),
    /// Results of test cases
    #[command(subcommand)]
    Result(ResultCommand),
    /// Those who carry out the work
    #[command(subcommand)]
    Delegate(DelegateCommand),
    /// What happened
    #[command(subcommand)]
    Event(EventCommand),
    /// The running configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Clone, Args)]
pub(super) struct DemoArguments {
    /// End after the tour instead of staying up
    #[arg(long)]
    pub(super) once: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct InspectArguments {
    /// Any clone or web URL of a repository
    pub(super) url: String,
    #[command(flatten)]
    pub(super) sign_in: SignInArguments,
    #[command(flatten)]
    pub(super) way: WayArguments,
    #[command(flatten)]
    pub(super) at: CommitArguments,
    /// Look below this directory only
    #[arg(long, value_name = "DIRECTORY")]
    pub(super) directory: Option<String>,
    /// Whose URL forms to understand [default: told from the host]
    #[arg(long, value_parser = provider())]
    pub(super) provider: Option<Provider>,
}

/// Who we are to the server.
#[derive(Debug, Clone, Args)]
pub(super) struct SignInArguments {
    /// The environment variable that holds the token
    #[arg(long, value_name = "NAME", conflicts_with = "key")]
    pub(super) token_env: Option<String>,
    /// The user that the token is for; Azure Repos needs none
    #[arg(long, value_name = "NAME", requires = "token_env", conflicts_with = "bearer")]
    pub(super) username: Option<String>,
    /// Send the token as a bearer token, such as one of Entra ID
    #[arg(long, requires = "token_env")]
    pub(super) bearer: bool,
    /// The private key for SSH: OpenSSH's format or PEM
    #[arg(long, value_name = "FILE")]
    pub(super) key: Option<PathBuf>,
    /// The environment variable that holds the key's passphrase
    #[arg(long, value_name = "NAME", requires = "key")]
    pub(super) passphrase_env: Option<String>,
}

/// How the server is reached, and what it is known by.
#[derive(Debug, Clone, Args)]
pub(super) struct WayArguments {
    /// Certificates to trust besides the system's: a PEM file or a folder of them
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// The keys that SSH servers are known by, in the format of OpenSSH
    #[arg(long, value_name = "FILE", conflicts_with = "host_key")]
    pub(super) known_hosts: Option<PathBuf>,
    /// The fingerprint of the SSH server's key, such as SHA256:...; may be given several times
    #[arg(long, value_name = "FINGERPRINT")]
    pub(super) host_key: Vec<String>,
    /// A proxy without a password, such as http://proxy.example.org:3128
    #[arg(long, value_name = "URL")]
    pub(super) proxy: Option<String>,
    /// Send the token without TLS where the URL is of http://
    #[arg(long)]
    pub(super) allow_plain_http: bool,
}

/// Which commit to look at; the default branch's unless one is named.
#[derive(Debug, Clone, Args)]
#[group(multiple = false)]
pub(super) struct CommitArguments {
    /// Look at the newest commit of a branch
    #[arg(long)]
    pub(super) branch: Option<String>,
    /// Look at the commit of a tag
    #[arg(long)]
    pub(super) tag: Option<String>,
    /// Look at a commit: 40 hexadecimal digits
    #[arg(long)]
    pub(super) commit: Option<ObjectId>,
}

impl CommitArguments {
    /// What was named, if anything was.
    pub(super) fn reference(&self) -> Option<RefSpec> {
        let branch = self.branch.clone().map(RefSpec::Branch);
        let tag = self.tag.clone().map(RefSpec::Tag);
        branch.or(tag).or(self.commit.map(RefSpec::Commit))
    }
}

fn provider() -> impl TypedValueParser<Value = Provider> {
    PossibleValuesParser::new(["azure-repos", "git"])
        .map(|name| if name == "git" { Provider::Git } else { Provider::AzureRepos })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Cli {
        Cli::try_parse_from(line.split(' ')).unwrap()
    }

    #[test]
    fn the_commands_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_lists_every_command() {
        let help = Cli::command().term_width(100).render_help().to_string();
        insta::assert_snapshot!(help);
    }

    #[test]
    fn global_flags_work_before_and_after_the_command() {
        for line in ["suitesync --json --socket /s link list", "suitesync link list --json --socket /s"] {
            let globals = parse(line).globals;
            assert!(globals.json);
            assert_eq!(globals.socket, Some(PathBuf::from("/s")));
        }
    }

    #[test]
    fn a_branch_and_a_tag_exclude_each_other() {
        let both = Cli::try_parse_from("suitesync inspect https://host/r.git --branch a --tag b".split(' '));
        assert_eq!(both.unwrap_err().kind(), clap::error::ErrorKind::ArgumentConflict);
    }

    #[test]
    fn a_provider_is_read_by_the_word_of_the_configuration() {
        let Command::Inspect(arguments) = parse("suitesync inspect URL --provider git --tag v1").command else {
            panic!("another command");
        };
        assert_eq!(arguments.provider, Some(Provider::Git));
        assert_eq!(arguments.at.reference(), Some(RefSpec::Tag("v1".to_owned())));
    }

    #[test]
    fn a_test_wants_a_name_or_all() {
        let kind = |line: &str| Cli::try_parse_from(line.split(' ')).map(|_| ()).map_err(|error| error.kind());
        assert_eq!(kind("suitesync connection test"), Err(clap::error::ErrorKind::MissingRequiredArgument));
        assert_eq!(kind("suitesync connection test a --all"), Err(clap::error::ErrorKind::ArgumentConflict));
        assert_eq!(kind("suitesync connection test --all"), Ok(()));
    }
}

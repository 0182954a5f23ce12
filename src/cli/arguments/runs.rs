//! Arguments of the commands about schedules, runs and results.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use suitesync_contract::{LinkName, ScheduleName};

use crate::cli::act::Consent;
use crate::domain::run::RunStatus;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ScheduleCommand {
    /// List the schedules with their next time and their newest run
    List,
    /// Foretell when runs begin
    Next {
        /// Of this schedule only
        name: Option<ScheduleName>,
        /// Foretell so many times [default: 10]
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1000))]
        count: Option<u32>,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RunCommand {
    /// List runs, the newest last
    List(RunListArguments),
    /// Show a run with its results
    Show { id: u64 },
    /// Run the suites of a schedule now
    Start(StartArguments),
    /// Cancel a run; what it has begun is stopped
    Cancel {
        id: u64,
        #[command(flatten)]
        consent: Consent,
    },
    /// Print what a run has written
    Logs {
        id: u64,
        /// Go on until the run is over
        #[arg(long)]
        follow: bool,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RunListArguments {
    /// Of this schedule only
    #[arg(long)]
    pub(in crate::cli) schedule: Option<ScheduleName>,
    /// Of this link only
    #[arg(long)]
    pub(in crate::cli) link: Option<LinkName>,
    /// With this status only
    #[arg(long, value_parser = status())]
    pub(in crate::cli) status: Option<RunStatus>,
    /// The newest so many [default: 50, and all with `--json`]
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) limit: Option<u32>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct StartArguments {
    pub(in crate::cli) schedule: ScheduleName,
    /// This suite only, by its id
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) suite: Option<String>,
    /// Wait for the end; a run that does not pass makes the exit code 1
    #[arg(long)]
    pub(in crate::cli) wait: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ResultCommand {
    /// Record the results of JUnit reports that were made elsewhere
    Import(ImportArguments),
    /// List results, the newest last
    List(ResultListArguments),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArguments {
    #[arg(required = true)]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// The project of the cases that they are of
    #[arg(long)]
    pub(in crate::cli) project: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ResultListArguments {
    /// Of this project only
    #[arg(long)]
    pub(in crate::cli) project: Option<String>,
    /// Those of no case in the catalog
    #[arg(long)]
    pub(in crate::cli) unmatched: bool,
    /// The newest so many [default: 50, and all with `--json`]
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) limit: Option<u32>,
}

fn status() -> impl TypedValueParser<Value = RunStatus> {
    PossibleValuesParser::new(RunStatus::ALL.map(RunStatus::code)).try_map(|word| {
        let known = RunStatus::ALL.into_iter().find(|status| status.code() == word);
        known.ok_or("no status of a run")
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::arguments::{Cli, Command, Question};

    fn question(line: &str) -> Result<Question, clap::error::ErrorKind> {
        let command = Cli::try_parse_from(line.split(' ')).map_err(|error| error.kind())?.command;
        let Command::Question(question) = command else { panic!("{command:?} is no question") };
        Ok(question)
    }

    #[test]
    fn runs_are_listed_by_the_word_of_their_status() {
        let Ok(Question::Run(RunCommand::List(arguments))) = question("suitesync run list --status timed_out") else {
            panic!("another command");
        };
        assert_eq!(arguments.status, Some(RunStatus::TimedOut));
        assert_eq!(question("suitesync run list --status late").unwrap_err(), clap::error::ErrorKind::InvalidValue);
    }

    #[test]
    fn an_import_wants_a_file_and_a_project() {
        let missing = clap::error::ErrorKind::MissingRequiredArgument;
        assert_eq!(question("suitesync result import --project p").unwrap_err(), missing);
        assert_eq!(question("suitesync result import a.xml").unwrap_err(), missing);
        assert!(question("suitesync result import a.xml b.xml --project p").is_ok());
    }

    #[test]
    fn a_run_is_named_by_its_number() {
        assert!(question("suitesync run logs 12 --follow").is_ok());
        assert!(question("suitesync run show twelve").is_err());
    }
}

//! The command line: what was typed becomes a command, the command an exit code.
//!
//! Each group of commands has a file that asks the agent and one that renders what it answers; rendering is pure.

mod act;
pub mod agent;
mod arguments;
mod case;
mod check;
mod checklist;
mod client;
mod completions;
mod config;
mod connection;
mod delegate;
mod demo;
mod event;
mod failure;
mod fault;
mod foreign;
mod inspect;
mod link;
mod log;
mod look;
mod near;
mod privacy;
mod result;
mod route;
mod run;
mod schedule;
mod screen;
mod service;
mod session;
mod signals;
mod socket;
mod status;
mod suite;
mod table;
mod wording;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use tokio::runtime::{Builder, Runtime};

use crate::config::Environment;

use arguments::{Cli, Command, DelegateCommand, Question};
use client::Client;
use demo::Stay;
use fault::{Exit, Fault};
use screen::{Reader, Screen, complain};
use session::Session;

/// Carries out the command line `arguments`, the program's own name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error, Reader::of(asks_for_json(&arguments))).into(),
    };
    let reader = Reader::of(cli.globals.json);
    match carry_out(&cli) {
        Ok(exit) => exit.into(),
        Err(fault) if fault.is_closed_output() => Exit::Done.into(),
        Err(fault) => {
            complain(&fault, reader);
            fault.exit().into()
        }
    }
}

fn asks_for_json(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json")
}

/// Shows the help or the version that was asked for, or says what of the command line is wrong.
fn not_understood(error: &clap::Error, reader: Reader) -> Exit {
    let is_answer = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if is_answer || reader == Reader::Person {
        // Nobody may be reading.
        let _ = error.print();
    } else {
        let (message, hint) = (what_is_wrong(error), "`suitesync help` shows what can be typed".to_owned());
        complain(&Fault::Usage { message, hint }, reader);
    }
    if is_answer { Exit::Done } else { Exit::Usage }
}

/// The first paragraph of what is said to people.
fn what_is_wrong(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a command is missing".to_owned();
    }
    let text = error.render().to_string();
    text.split("\n\n").next().unwrap_or(&text).trim_start_matches("error: ").to_owned()
}

fn carry_out(cli: &Cli) -> Result<Exit, Fault> {
    let environment = Environment::of_process();
    let mut screen = Screen::of_stdout(Reader::of(cli.globals.json), &environment);
    match &cli.command {
        Command::Check => check::run(&cli.globals.location(), &environment, &mut screen),
        Command::Completions { shell } => completions::run(*shell, &mut screen),
        Command::Question(Question::Delegate(DelegateCommand::Check)) => {
            delegate::checking::run(&cli.globals, &environment, &mut screen)
        }
        Command::Question(Question::Delegate(DelegateCommand::Run(arguments))) => {
            delegate::serving::run(arguments, &cli.globals, &environment)
        }
        Command::Question(question) => {
            let client = Client::new(socket::find(&cli.globals, &environment)?);
            let mut session = Session { client, screen };
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.map_err(|source| Fault::Runtime { source })?.block_on(ask(question, &mut session))
        }
        Command::Agent => {
            workers()?.block_on(agent::run(cli.globals.location()))?;
            Ok(Exit::Done)
        }
        Command::Demo(arguments) => {
            demo::run(if arguments.once { Stay::EndAfterTour } else { Stay::Up })?;
            Ok(Exit::Done)
        }
        Command::Inspect(arguments) => workers()?.block_on(inspect::run(arguments, &mut screen)),
    }
}

/// Threads for those who do the work themselves.
fn workers() -> Result<Runtime, Fault> {
    Builder::new_multi_thread().enable_all().build().map_err(|source| Fault::Runtime { source })
}

/// Asks the running agent.
async fn ask(question: &Question, session: &mut Session) -> Result<Exit, Fault> {
    match question {
        Question::Status => status::run(session).await,
        Question::Connection(command) => connection::run(command, session).await,
        Question::Link(command) => link::run(command, session).await,
        Question::Case(command) => case::run(command, session).await,
        Question::Suite(command) => suite::run(command, session).await,
        Question::Schedule(command) => schedule::run(command, session).await,
        Question::Run(command) => run::run(command, session).await,
        Question::Result(command) => result::run(command, session).await,
        Question::Delegate(command) => delegate::run(command, session).await,
        Question::Event(command) => event::run(command, session).await,
        Question::Config(command) => config::run(command, session).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_command_line_is_told_to_programs_in_one_sentence() {
        let check = |line: &str, expect: &str| {
            assert_eq!(what_is_wrong(&Cli::try_parse_from(line.split(' ')).unwrap_err()), expect);
        };
        check("suitesync link", "a command is missing");
        check("suitesync status --al", "unexpected argument '--al' found");
    }

    #[test]
    fn json_is_asked_for_anywhere_before_the_end_of_flags() {
        let asks = |line: &str| asks_for_json(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert!(asks("suitesync link --json"));
        assert!(!asks("suitesync case search -- --json"));
    }
}

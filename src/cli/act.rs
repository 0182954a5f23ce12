//! What operators do: a question before work is stopped, the act, and what came of it.

use std::io::{self, IsTerminal, Write};

use clap::Args;

use super::fault::{Exit, Fault};
use super::look::Paint;
use super::route::Route;
use super::session::Session;
use super::wording::escaped;
use crate::engine::control::Acted;

/// Whether to ask before an act that stops work.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Consent {
    /// Do not ask first
    #[arg(long)]
    pub(super) yes: bool,
}

/// Has `act` done to the one with this name. `question` is asked first on a terminal, where there is one.
pub(super) async fn run(
    (kind, name): (&str, &str),
    act: Route,
    question: Option<(Consent, String)>,
    session: &mut Session,
) -> Result<Exit, Fault> {
    if let Some((consent, question)) = question
        && !consent.yes
        && !agreed(&question)?
    {
        session.screen.text("Nothing was done.\n")?;
        return Ok(Exit::AnswerIsNo);
    }
    let acted: Acted = session.client.post(act).await?;
    session.screen.show(&acted, |acted, _| told(kind, name, acted))?;
    Ok(Exit::Done)
}

fn told(kind: &str, name: &str, acted: &Acted) -> String {
    let status = Paint::of_status(&acted.status).on(&acted.status);
    let was = if acted.changed { "is" } else { "was already" };
    format!("{} {} {was} {status}.\n", capitalized(kind), escaped(name))
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Scripts are not asked: whoever wrote them has answered.
fn agreed(question: &str) -> Result<bool, Fault> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Ok(true);
    }
    let mut stderr = io::stderr();
    write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush())?;
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

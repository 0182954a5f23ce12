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

/// What an act is to those who ask for it.
#[derive(Debug)]
pub(super) enum Manner {
    Plain,
    /// It stops work: the question is asked first.
    Asked(Consent, String),
    /// It takes back what is called so, such as "archived".
    Undoing(&'static str),
}

/// Has `act` done to the one with this name.
pub(super) async fn run(
    subject: (&str, &str),
    act: Route,
    manner: Manner,
    session: &mut Session,
) -> Result<Exit, Fault> {
    if let Manner::Asked(consent, question) = &manner
        && !is_wanted(*consent, question, session)?
    {
        return Ok(Exit::AnswerIsNo);
    }
    let acted: Acted = session.client.post(act).await?;
    session.screen.show(&acted, |acted, _| match manner {
        Manner::Undoing(word) if !acted.changed => nothing_to_undo(subject, word),
        Manner::Undoing(_) | Manner::Asked(..) | Manner::Plain => told(subject, &acted.status, acted.changed),
    })?;
    Ok(Exit::Done)
}

/// Whether an act that stops work is to be done; if not, it is said that nothing was.
pub(super) fn is_wanted(consent: Consent, question: &str, session: &mut Session) -> Result<bool, Fault> {
    let is_wanted = consent.yes || agreed(question)?;
    if !is_wanted {
        session.screen.text("Nothing was done.\n")?;
    }
    Ok(is_wanted)
}

/// What came of an act, for people.
pub(super) fn told((kind, name): (&str, &str), status: &str, changed: bool) -> String {
    let status = Paint::of_status(status).on(status);
    let was = if changed { "is" } else { "was already" };
    format!("{} {} {was} {status}.\n", capitalized(kind), escaped(name))
}

fn nothing_to_undo((kind, name): (&str, &str), word: &str) -> String {
    format!("{} {} was not {word}.\n", capitalized(kind), escaped(name))
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

#[cfg(test)]
mod tests {
    use super::super::look::tests::plain;
    use super::*;

    #[test]
    fn an_act_that_changes_nothing_says_what_was_so() {
        let link = ("link", "shop");
        assert_eq!(plain(&told(link, "archived", true)), "Link shop is archived.\n");
        assert_eq!(plain(&told(link, "archived", false)), "Link shop was already archived.\n");
        assert_eq!(nothing_to_undo(link, "archived"), "Link shop was not archived.\n");
    }
}

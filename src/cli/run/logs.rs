//! `run logs`: the bytes as the run wrote them into a pipe, and harmless text on a terminal.

use super::super::fault::{Exit, Fault};
use super::super::foreign::ForeignText;
use super::super::session::Session;
use super::one;
use crate::views::RunDetail;

pub(super) async fn run(id: u64, follow: bool, session: &mut Session) -> Result<Exit, Fault> {
    let route = one(id).then("log").with("follow", follow.then_some(true));
    let mut pieces = session.client.pieces(route).await?;
    let mut text = ForeignText::default();
    while let Some(piece) = pieces.next().await? {
        if session.screen.is_terminal() {
            session.screen.text(&text.take(&piece))?;
        } else {
            session.screen.bytes(&piece)?;
        }
    }
    session.screen.text(&text.rest())?;
    if follow { over(id, session).await } else { Ok(Exit::Done) }
}

/// A log that is followed also ends when the agent does: then it is not the whole one.
async fn over(id: u64, session: &Session) -> Result<Exit, Fault> {
    let run: RunDetail = session.client.get(one(id)).await?;
    if run.run.status.is_final() { Ok(Exit::Done) } else { Err(Fault::NoEnd { what: format!("the log of run {id}") }) }
}

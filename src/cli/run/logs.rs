//! `run logs`: the bytes as the run wrote them into a pipe, and harmless text on a terminal.

use super::super::fault::{Exit, Fault};
use super::super::foreign::ForeignText;
use super::super::route::Route;
use super::super::session::Session;

pub(super) async fn run(run: Route, follow: bool, session: &mut Session) -> Result<Exit, Fault> {
    let route = run.then("log").with("follow", follow.then_some(true));
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
    Ok(Exit::Done)
}

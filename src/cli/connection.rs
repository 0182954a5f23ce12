//! `connection list, show, test, disconnect, reconnect, history`.

mod testing;
mod views;

use suitesync_contract::ConnectionName;

use super::act::Manner;
use super::arguments::{ConnectionCommand, HistoryArguments};
use super::fault::{Exit, Fault};
use super::route::Route;
use super::session::Session;
use crate::catalog::connection::TestRecord;
use crate::views::{ConnectionDetail, ConnectionView};

pub(super) use views::list as render_list;

pub(super) async fn run(command: &ConnectionCommand, session: &mut Session) -> Result<Exit, Fault> {
    match command {
        ConnectionCommand::List => list(session).await,
        ConnectionCommand::Show { name } => show(name, session).await,
        ConnectionCommand::Test(arguments) => testing::run(arguments, session).await,
        ConnectionCommand::Disconnect { name, consent } => {
            let question = format!("Disconnect {name}? What is under way for it is canceled, queued runs too.");
            act(name, "disconnect", Manner::Asked(*consent, question), session).await
        }
        ConnectionCommand::Reconnect { name } => act(name, "reconnect", Manner::Undoing("disconnected"), session).await,
        ConnectionCommand::History { name, history: arguments } => history(name, arguments, session).await,
    }
}

async fn act(name: &ConnectionName, act: &str, manner: Manner, session: &mut Session) -> Result<Exit, Fault> {
    let route = Route::of("connections").named(name.as_str()).then(act);
    super::act::run(("connection", name.as_str()), route, manner, session).await
}

async fn list(session: &mut Session) -> Result<Exit, Fault> {
    let connections: Vec<ConnectionView> = session.client.get(Route::of("connections")).await?;
    session.screen.show(&connections, |connections, look| views::list(connections, look))?;
    Ok(Exit::Done)
}

async fn show(name: &ConnectionName, session: &mut Session) -> Result<Exit, Fault> {
    let connection: ConnectionDetail = session.client.get(Route::of("connections").named(name.as_str())).await?;
    session.screen.show(&connection, views::detail)?;
    Ok(Exit::Done)
}

async fn history(name: &ConnectionName, arguments: &HistoryArguments, session: &mut Session) -> Result<Exit, Fault> {
    let route = Route::of("connections").named(name.as_str()).then("history").with("limit", arguments.limit);
    let tests: Vec<TestRecord> = session.client.get(route).await?;
    session.screen.show(&tests, |tests, look| views::history(tests, look))?;
    Ok(Exit::Done)
}

//! `link list, show, sync, proceed, archive, unarchive, history`.

mod counts;
mod syncing;
mod views;

use suitesync_contract::LinkName;

use super::act::Manner;
use super::arguments::{HistoryArguments, LinkCommand};
use super::fault::{Exit, Fault};
use super::route::Route;
use super::session::Session;
use crate::catalog::history::SyncRecord;
use crate::domain::link::LinkStatus;
use crate::views::{LinkDetail, LinkView};

pub(super) use views::list as render_list;

pub(super) async fn run(command: &LinkCommand, session: &mut Session) -> Result<Exit, Fault> {
    match command {
        LinkCommand::List { archived } => list(*archived, session).await,
        LinkCommand::Show { name } => show(name, session).await,
        LinkCommand::Sync(work) => syncing::run("sync", work, session).await,
        LinkCommand::Proceed(work) => syncing::run("proceed", work, session).await,
        LinkCommand::Archive { name, stop_running, consent } => {
            let stopped = if *stop_running { " Those under way are stopped." } else { "" };
            let question = format!("Archive {name}? It leaves every view, and its queued runs are canceled.{stopped}");
            let route = to(name, "archive").with("stop_running", stop_running.then_some(true));
            act(name, route, Manner::Asked(*consent, question), session).await
        }
        LinkCommand::Unarchive { name } => act(name, to(name, "unarchive"), Manner::Undoing("archived"), session).await,
        LinkCommand::History { name, history: arguments } => history(name, arguments, session).await,
    }
}

fn to(name: &LinkName, act: &str) -> Route {
    Route::of("links").named(name.as_str()).then(act)
}

async fn act(name: &LinkName, act: Route, manner: Manner, session: &mut Session) -> Result<Exit, Fault> {
    super::act::run(("link", name.as_str()), act, manner, session).await
}

async fn list(archived: bool, session: &mut Session) -> Result<Exit, Fault> {
    let mut links: Vec<LinkView> = session.client.get(Route::of("links")).await?;
    if !archived && !session.screen.is_for_programs() {
        links.retain(|link| link.status != LinkStatus::Archived);
    }
    session.screen.show(&links, |links, look| views::list(links, look))?;
    Ok(Exit::Done)
}

async fn show(name: &LinkName, session: &mut Session) -> Result<Exit, Fault> {
    let link: LinkDetail = session.client.get(Route::of("links").named(name.as_str())).await?;
    session.screen.show(&link, views::detail)?;
    Ok(Exit::Done)
}

async fn history(name: &LinkName, arguments: &HistoryArguments, session: &mut Session) -> Result<Exit, Fault> {
    let route = Route::of("links").named(name.as_str()).then("history").with("limit", arguments.limit);
    let syncs: Vec<SyncRecord> = session.client.get(route).await?;
    session.screen.show(&syncs, |syncs, look| views::history(syncs, look))?;
    Ok(Exit::Done)
}

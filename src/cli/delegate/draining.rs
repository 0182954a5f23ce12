//! `delegate drain` and `delegate resume`.

use std::time::Duration;

use suitesync_contract::DelegateName;

use super::super::act::{self, Manner};
use super::super::fault::{Exit, Fault};
use super::super::route::Route;
use super::super::session::Session;
use super::super::wording::escaped;
use crate::engine::dispatcher::DelegateView;

/// Between two looks at a delegate that ends what it has: it takes as long as its longest run.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(super) async fn drain(name: &DelegateName, session: &mut Session) -> Result<Exit, Fault> {
    act::run(("delegate", name.as_str()), route(name, "drain"), Manner::Plain, session).await
}

pub(super) async fn resume(name: &DelegateName, session: &mut Session) -> Result<Exit, Fault> {
    act::run(("delegate", name.as_str()), route(name, "resume"), Manner::Undoing("draining"), session).await
}

fn route(name: &DelegateName, act: &str) -> Route {
    Route::of("delegates").named(name.as_str()).then(act)
}

/// Waits until a delegate has nothing in hand, or is gone.
pub(super) async fn until_empty(name: &DelegateName, session: &mut Session) -> Result<(), Fault> {
    loop {
        let delegates: Vec<DelegateView> = session.client.get(Route::of("delegates")).await?;
        let view = delegates.iter().find(|delegate| delegate.name == name.as_str());
        if view.is_none_or(|delegate| delegate.tasks == 0) {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    if !session.screen.is_for_programs() {
        session.screen.text(&format!("Delegate {} has nothing in hand.\n", escaped(name.as_str())))?;
    }
    Ok(())
}

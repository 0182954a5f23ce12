//! Who is at the other end of the socket, as the kernel tells it, and what they may do.

mod descent;

use std::ffi::CString;
use std::sync::Arc;

use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum::serve::IncomingStream;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use rustix::process::geteuid;
use suitesync_contract::LinkName;
use tokio::net::UnixListener;

use super::Api;
use super::answer::Refused;
use crate::domain::access::{Need, Peer, Standing};
use crate::engine::control::{AgentState, Refusal, RefusalKind};

/// The process that connected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    /// Nothing where the kernel does not tell.
    ids: Option<(u32, u32)>,
    /// Whether it came out of a run with our own user. It is looked at when it connects: later it may have made room for
    /// another process of the same number.
    is_of_run: bool,
}

impl Connected<IncomingStream<'_, UnixListener>> for Caller {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let credentials = stream.io().peer_cred().ok();
        let process = credentials.filter(|found| found.uid() == geteuid().as_raw()).and_then(|found| found.pid());
        let is_of_run = process.is_some_and(descent::is_below_us);
        Self { ids: credentials.map(|credentials| (credentials.uid(), credentials.gid())), is_of_run }
    }
}

/// Whoever sends a request, and the agent as they found it: it is asked once for each request, by which all of it is decided
/// and answered.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    peer: Arc<Peer>,
    state: Arc<AgentState>,
}

/// Lets a request through with who sends it; what only shows something takes the role `viewer`.
pub(super) async fn admit(
    State(api): State<Api>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let unknown = || refused("an unknown user", &Need::View);
    let (user, group) = caller.ids.ok_or_else(unknown)?;
    let state = Arc::new(api.control.state().await?);
    let is_runner = caller.is_of_run || state.run_users.contains(&user);
    let standing = if is_runner { Standing::Runner } else { standing(user) };
    // The user database may be on the network.
    let peer = tokio::task::spawn_blocking(move || look_up(user, group, standing)).await.map_err(|_| unknown())?;
    let asking = Asking { peer: Arc::new(peer), state };
    asking.expect(Need::View)?;
    request.extensions_mut().insert(asking);
    Ok(next.run(request).await)
}

impl Asking {
    /// The name under which acts are recorded.
    pub(super) fn name(&self) -> &str {
        &self.peer.user
    }

    pub(super) fn state(&self) -> &AgentState {
        &self.state
    }

    /// Refuses with the role that lacks.
    pub(super) fn expect(&self, need: Need<'_>) -> Result<(), Refused> {
        match (self.state.config.access.permit(&self.peer, need), self.peer.standing) {
            (true, _) => Ok(()),
            (false, Standing::Runner) => Err(refused_to_runs()),
            (false, Standing::Owner | Standing::Other) => Err(refused(&format!("user `{}`", self.name()), &need)),
        }
    }

    /// Refuses whoever may not act on a link. One that is not configured belongs to no project any more.
    pub(super) fn expect_on_link(&self, link: &LinkName) -> Result<(), Refused> {
        let project = self.state.config.links.get(link).map(|link| link.project.as_str());
        self.expect(project.map_or(Need::Account, Need::Project))
    }
}

fn refused_to_runs() -> Refused {
    let message = "whoever executes runs may not speak with the agent".to_owned();
    let hint = "ask from outside of runs: what they execute is said by a repository".to_owned();
    Refused(Refusal { kind: RefusalKind::NotPermitted, message, hint })
}

/// Of a user who executes no runs.
fn standing(user: u32) -> Standing {
    if user == 0 || user == geteuid().as_raw() { Standing::Owner } else { Standing::Other }
}

fn refused(who: &str, need: &Need<'_>) -> Refused {
    let message = format!("{who} may not do this: it takes the role {}", need.role());
    let hint = "ask for the role in the [access] table of the agent's configuration".to_owned();
    Refused(Refusal { kind: RefusalKind::NotPermitted, message, hint })
}

fn look_up(user: u32, group: u32, standing: Standing) -> Peer {
    let found = User::from_uid(Uid::from_raw(user)).ok().flatten();
    let name = found.map_or_else(|| user.to_string(), |user| user.name);
    let ids = CString::new(name.as_str()).ok().and_then(|name| getgrouplist(&name, Gid::from_raw(group)).ok());
    let ids = ids.unwrap_or_else(|| vec![Gid::from_raw(group)]);
    let group_name = |id: Gid| Group::from_gid(id).ok().flatten().map_or_else(|| id.to_string(), |group| group.name);
    Peer { user: name, groups: ids.into_iter().map(group_name).collect(), standing }
}

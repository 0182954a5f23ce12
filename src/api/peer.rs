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

/// Whoever sends a request.
#[derive(Debug, Clone)]
pub(super) struct Asking(Arc<Peer>);

/// Lets a request through with who sends it; what only shows something takes the role `viewer`.
pub(super) async fn admit(
    State(api): State<Api>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let unknown = || refused("an unknown user", &Need::View);
    let (user, group) = caller.ids.ok_or_else(unknown)?;
    let is_runner = caller.is_of_run || api.control.state().await?.run_users.contains(&user);
    let standing = if is_runner { Standing::Runner } else { standing(user) };
    // The user database may be on the network.
    let peer = tokio::task::spawn_blocking(move || look_up(user, group, standing)).await.map_err(|_| unknown())?;
    let asking = Asking(Arc::new(peer));
    asking.expect(&api, Need::View).await?;
    request.extensions_mut().insert(asking);
    Ok(next.run(request).await)
}

impl Asking {
    /// The name under which acts are recorded.
    pub(super) fn name(&self) -> &str {
        &self.0.user
    }

    /// Refuses with the role that lacks.
    pub(super) async fn expect(&self, api: &Api, need: Need<'_>) -> Result<(), Refused> {
        self.permitted(&api.control.state().await?, need)
    }

    /// Refuses whoever may not act on a link. One that is not configured belongs to no project any more.
    pub(super) async fn expect_on_link(&self, api: &Api, link: &LinkName) -> Result<(), Refused> {
        let state = api.control.state().await?;
        let project = state.config.links.get(link).map(|link| link.project.as_str());
        self.permitted(&state, project.map_or(Need::Account, Need::Project))
    }

    fn permitted(&self, state: &AgentState, need: Need<'_>) -> Result<(), Refused> {
        match (state.config.access.permit(&self.0, need), self.0.standing) {
            (true, _) => Ok(()),
            (false, Standing::Runner) => Err(refused_to_runs()),
            (false, Standing::Owner | Standing::Other) => Err(refused(&format!("user `{}`", self.name()), &need)),
        }
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

//! What a command that asks the agent works with.

use super::client::Client;
use super::screen::Screen;

/// The way to the agent, and the way to whoever asked.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) screen: Screen,
}

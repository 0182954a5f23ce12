//! How a delegate stands with NATS and with its agent: shown to systemd and told in the log, each time that it changes.

use std::sync::Arc;

use suitesync_contract::{DelegateName, FailureClass};
use suitesync_remote::{BusState, Refusal, Station};

use crate::cli::service;
use crate::engine::remote::trouble_with;

/// Shows it for as long as the delegate lives.
pub(super) async fn follow(station: Arc<Station>, agent: DelegateName) {
    let (mut state, mut refusal) = (station.state(), station.refusal());
    let mut shown = None;
    loop {
        let now = Situation::of(&state.borrow_and_update(), *refusal.borrow_and_update());
        // Each vain try to connect is a change of the state.
        if shown.as_ref() != Some(&now) {
            now.show(&agent);
            shown = Some(now);
        }
        let changed = tokio::select! {
            changed = state.changed() => changed,
            changed = refusal.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Situation {
    Connecting,
    Serving,
    Refused(Refusal),
    Away(FailureClass, String),
}

impl Situation {
    fn of(state: &BusState, refusal: Option<Refusal>) -> Self {
        match (state, refusal) {
            (BusState::Connecting, _) => Self::Connecting,
            (BusState::Connected, None) => Self::Serving,
            (BusState::Connected, Some(refusal)) => Self::Refused(refusal),
            (BusState::Away(error), _) => {
                let failure = trouble_with(error);
                Self::Away(failure.class, failure.message)
            }
        }
    }

    fn show(&self, agent: &DelegateName) {
        match self {
            Self::Connecting => service::status("connecting to NATS"),
            Self::Serving => {
                tracing::info!("connected to NATS, in the service of agent {agent}");
                service::status(&format!("serves agent {agent}"));
            }
            Self::Refused(refusal) => {
                tracing::warn!("agent {agent} does not let this delegate serve: {refusal}; {}", refusal.hint());
                service::status(&format!("refused by agent {agent}: {refusal}"));
            }
            Self::Away(class, message) => {
                tracing::warn!(class = class.code(), "{message}; it is tried again by itself");
                service::status(message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use suitesync_remote::RemoteError;

    use super::*;

    #[test]
    fn what_keeps_a_delegate_from_serving_is_shown() {
        let refused = Some(Refusal::NameTaken);
        assert_eq!(Situation::of(&BusState::Connected, None), Situation::Serving);
        assert_eq!(Situation::of(&BusState::Connected, refused), Situation::Refused(Refusal::NameTaken));
        let away = Situation::Away(FailureClass::Connect, "lost the connection to NATS".to_owned());
        assert_eq!(Situation::of(&BusState::Away(Arc::new(RemoteError::Lost)), refused), away);
    }
}

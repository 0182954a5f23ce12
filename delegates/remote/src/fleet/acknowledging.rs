//! What follows from what was heard: notices are passed on, and messages that were dealt with are acknowledged.

use bytes::Bytes;

use super::Shared;
use super::answers::Receipt;
use super::ledger::Consequence;
use crate::bus::Bus;

impl Shared {
    /// Does what follows from what was heard.
    pub(super) async fn follow_on(&self, bus: &Bus, consequence: Consequence) {
        consequence.notices.into_iter().for_each(|notice| (self.settings.notice)(notice));
        acknowledge(bus, consequence.acknowledge).await;
    }

    /// The same, on the connection of the moment. Without one, what is not acknowledged comes again.
    pub(super) async fn follow(&self, consequence: Consequence) {
        consequence.notices.into_iter().for_each(|notice| (self.settings.notice)(notice));
        self.acknowledge(consequence.acknowledge).await;
    }

    pub(super) async fn acknowledge(&self, receipts: Vec<Receipt>) {
        if let Some(bus) = self.line.now() {
            acknowledge(&bus, receipts).await;
        }
    }
}

pub(super) async fn acknowledge(bus: &Bus, receipts: Vec<Receipt>) {
    for Receipt { reply, .. } in receipts {
        // The empty message means that it was dealt with. One that is lost comes again, and is known then.
        bus.say(reply, Bytes::new()).await;
    }
}

//! Why a request failed, where the HTTP client cannot tell: on the way through a proxy its errors have no structure, so
//! the way is gone once more by hand.

use suitesync_contract::{Failure, FailureClass, Origin, Scheme};

use crate::classify::{self, Phase};
use crate::client::Client;
use crate::dial::Dial;
use crate::place::Place;

impl Client {
    /// Classifies an error of a request to `origin`. Where the request went through a proxy and found no connection,
    /// this takes up to the time limit of a connection once more, and sends nothing but CONNECT.
    pub async fn explain(&self, place: &Place, origin: &Origin, error: &reqwest::Error, phase: Phase) -> Failure {
        let Some(proxy) = self.proxy_to(origin) else {
            return classify::request_as(place, error, phase, self.presented());
        };
        let place = place.through(proxy);
        if !error.is_connect() {
            return classify::request_as(&place, error, phase, self.presented());
        }
        let dial = Dial { client: self, place: &place, origin };
        dial.walk().await.err().unwrap_or_else(|| passed(&place, origin))
    }
}

impl Dial<'_> {
    async fn walk(&self) -> Result<(), Failure> {
        let addresses = self.resolve().await?;
        let connected = self.connect(&addresses).await?;
        if self.origin.scheme == Scheme::Https {
            self.handshake(connected).await?;
        }
        Ok(())
    }
}

/// The way that failed is open now. The HTTP client cannot go it to a numeric host of version 6: it looks for the
/// brackets of the URL in the certificate.
fn passed(place: &Place, origin: &Origin) -> Failure {
    if origin.scheme == Scheme::Https && origin.host.contains(':') {
        let cause = "a numeric host of version 6 cannot be reached through a proxy";
        return place.host_failure(FailureClass::Proxy, "reach", cause).with_hint("use a name in the URL");
    }
    let cause = "the way through the proxy broke, and was open when it was looked at again";
    place.host_failure(FailureClass::Proxy, "reach", cause).with_hint("look at the proxy; it is tried again by itself")
}

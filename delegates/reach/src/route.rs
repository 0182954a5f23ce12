//! The way out to a server, as a delegate and a connection set it.

use rustls::ClientConfig;

use crate::fingerprint::Fingerprint;
use crate::identity::{ClientIdentity, Presented};
use crate::proxy::Proxy;
use crate::trust::Trust;

/// Whom is trusted on the way, what is gone through, and who we are to servers that ask for a certificate. Requests on
/// equal routes share a client and its kept connections; any difference, a new password of the proxy included, makes
/// it another route.
#[derive(Debug, Clone)]
pub struct Route {
    pub trust: Trust,
    pub proxy: Option<Proxy>,
    pub identity: Option<ClientIdentity>,
}

impl Route {
    /// Straight to the server, with no certificate of our own.
    pub fn new(trust: Trust) -> Self {
        Self { trust, proxy: None, identity: None }
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let proxy = self.proxy.as_ref().map(Proxy::fingerprint);
        let identity = self.identity.as_ref().map(ClientIdentity::fingerprint);
        let part = |fingerprint: Option<Fingerprint>| fingerprint.map_or_else(Vec::new, |one| one.as_ref().to_vec());
        Fingerprint::of([part(Some(self.trust.fingerprint())), part(proxy), part(identity)])
    }

    /// The settings of every TLS connection made on this route.
    pub(crate) fn tls_config(&self) -> Result<ClientConfig, rustls::Error> {
        let builder = self.trust.tls_config()?;
        Ok(match &self.identity {
            Some(identity) => builder.with_client_cert_resolver(identity.resolver()),
            None => builder.with_no_client_auth(),
        })
    }

    pub(crate) fn presented(&self) -> Presented {
        if self.identity.is_some() { Presented::Certificate } else { Presented::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use suitesync_loopback::Authority;

    use super::*;
    use crate::proxy::{NoProxy, ProxySettings};

    fn proxy(rules: &str) -> Proxy {
        let settings = ProxySettings { url: "http://proxy.dc1:3128", username: None, password: None };
        Proxy::new(settings, NoProxy::parse(rules).unwrap()).unwrap()
    }

    fn identity() -> ClientIdentity {
        let issued = Authority::new("Clients CA").unwrap().issue_client("dc1").unwrap();
        ClientIdentity::from_pem(issued.certificate_pem(), issued.key_pem()).unwrap()
    }

    #[test]
    fn a_difference_in_any_part_makes_another_route() {
        let direct = Route::new(Trust::system());
        let trust = Trust::with_additional([Authority::new("Our CA").unwrap().pem()]).unwrap();
        let routes = [
            Route { trust, ..direct.clone() },
            Route { proxy: Some(proxy(".corp")), ..direct.clone() },
            Route { proxy: Some(proxy(".other")), ..direct.clone() },
            Route { identity: Some(identity()), ..direct.clone() },
            Route { identity: Some(identity()), ..direct.clone() },
            direct,
        ];
        let fingerprints: std::collections::HashSet<_> = routes.iter().map(Route::fingerprint).collect();
        assert_eq!(fingerprints.len(), routes.len());
    }

    #[test]
    fn equal_parts_make_an_equal_route() {
        let route = || Route { proxy: Some(proxy(".corp,localhost")), ..Route::new(Trust::system()) };
        let again = Route { proxy: Some(proxy("LOCALHOST *.corp")), ..Route::new(Trust::system()) };
        assert_eq!(route().fingerprint(), route().fingerprint());
        assert_eq!(route().fingerprint(), again.fingerprint());
    }
}

//! Delegates on other hosts: the real agent, real delegates as processes of their own, and a real NATS server between them,
//! with TLS and NKeys.

mod hostile;
mod losses;
mod restarts;
mod serving;

use suitesync_loopback::SampleRepository;

use crate::support::Site;
use crate::support::katalon::small_project;
use crate::support::nats::Nats;

/// A site whose repositories can be reached from other hosts alone.
struct Estate {
    site: Site,
    nats: Nats,
    repository: SampleRepository,
    commit: String,
}

impl Estate {
    /// With the repository of a small project behind the link `shop`.
    fn new() -> Self {
        let site = Site::new();
        let nats = Nats::start(&site);
        let repository = site.repository("shop.git");
        let commit = repository.commit("main", "first", &small_project()).unwrap();
        let estate = Self { site, nats, repository, commit };
        estate.configure("");
        estate
    }

    /// Writes the agent's configuration: NATS, the connection, the link, and `rest`.
    fn configure(&self, rest: &str) {
        let text = self.remote(&self.nats.url()) + &self.connection() + &self.link("shop") + rest;
        self.site.configure(&text);
    }

    fn remote(&self, url: &str) -> String {
        format!(
            "[remote]\nurl = \"{url}\"\nnkey = {{ file = {:?} }}\nadditional_certs_path = {:?}\naccept = [\"dc*\"]\n\n",
            self.site.path("agent.nk"),
            self.site.path("nats-ca.pem"),
        )
    }

    /// The agent knows the secret's name; what it is, delegates know.
    fn connection(&self) -> String {
        let text = self.site.connection("server", "shop.git");
        let text = text.replace("{ env = \"SITE_TOKEN\" }", "{ secret = \"token\" }");
        let text = text.replace("test_every", "delegate_tags = [\"elsewhere\"]\ntest_every");
        text + "[secrets.token]\nenv = \"NOT_ON_THIS_HOST\"\n\n"
    }

    fn link(&self, name: &str) -> String {
        self.site.link(name, "server", &format!("{name}.git"), "")
    }
}

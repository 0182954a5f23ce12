//! One repository under many addresses: one mirror, and one request a poll.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use suitesync_loopback::{
    AzureDeployment, AzureOptions, AzureScope, AzureServer, GitServer, IssueOptions, ProxyOptions, ProxyServer,
    SampleRepository, ServerOptions, SshKey, SshKeyFormat, SshKeyKind, SshOptions, SshServer,
};

use crate::support::connection::Connection;
use crate::support::katalon::small_project;
use crate::support::{RunningAgent, Site};

/// A site whose only way out is a proxy that leads every name to one server here.
struct Network {
    site: Site,
    proxy: ProxyServer,
    hosts: Vec<&'static str>,
}

impl Network {
    fn new(hosts: &[&'static str]) -> Self {
        let site = Site::new();
        Self { site, proxy: ProxyServer::start(ProxyOptions::new()).unwrap(), hosts: hosts.to_vec() }
    }

    fn lead_to(&self, address: SocketAddr) {
        self.hosts.iter().for_each(|host| self.proxy.map(host, address));
    }

    fn azure(&self, deployment: AzureDeployment) -> AzureServer {
        let (authority, _) = self.site.authority("Own Authority");
        let identity = authority.issue(&IssueOptions::for_names(self.hosts.iter().copied())).unwrap();
        let options = AzureOptions::new(self.site.path("azure")).identity(identity).deployment(deployment);
        let azure = AzureServer::start(options).unwrap();
        azure.set_token("a-token", &[AzureScope::CodeRead]);
        self.lead_to(azure.address());
        azure
    }

    /// Starts an agent with a link for every form; all of them are synced when it returns.
    fn agent(&self, connection: &Connection, forms: &[&str]) -> RunningAgent {
        let link = |(number, form): (usize, &&str)| {
            format!(
                "[[link]]\nname = \"form-{number}\"\nconnection = {:?}\nurl = {form:?}\nsync_every = \"1h\"\n\n",
                connection.name
            )
        };
        let links: String = forms.iter().enumerate().map(link).collect();
        let delegate = format!("[[delegate]]\nname = \"local\"\nproxy = {:?}\n\n", self.proxy.url());
        self.site.configure(&format!("{delegate}{connection}{links}"));
        let agent = self.site.agent();
        for (number, form) in forms.iter().enumerate() {
            let link = self.site.wait_for_link(&format!("form-{number}"), "active");
            assert_eq!(link["counts"]["cases"], 3, "{form}: {link}");
        }
        agent
    }

    fn mirrors(&self) -> usize {
        let entries = std::fs::read_dir(self.site.path("state/delegate/mirrors")).unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_dir()).count()
    }

    /// Polls once, by one of the links, and checks that it was a poll of all.
    fn check_one_poll(&self) {
        let synced = self.site.json(&["link", "sync", "form-0", "--wait"]);
        assert_eq!(synced["outcome"], "unchanged", "{synced}");
        let links = self.site.json(&["link", "list"]);
        let checked: BTreeSet<_> =
            links.as_array().unwrap().iter().map(|link| link["checked_at"].to_string()).collect();
        assert_eq!(checked.len(), 1, "all links were checked at once: {checked:?}");
    }
}

fn azure_repository(site: &Site, path: &str) {
    let repository = SampleRepository::create(site.path("azure").join(path)).unwrap();
    repository.commit("main", "first", &small_project()).unwrap();
}

fn azure_connection(site: &Site, url: &str, keys: &str) -> Connection {
    let connection = Connection::new("azure", url).with("provider = \"azure-repos\"").with(keys);
    let token = site.secret_file("token", "a-token");
    connection.trusting(&site.path("Own-Authority.pem")).token_in(&token)
}

#[test]
fn every_address_on_azure_devops_services_is_one_repository() {
    let network = Network::new(&["dev.azure.com", "contoso.visualstudio.com"]);
    azure_repository(&network.site, "contoso/my pay/_git/checkout");
    let azure = network.azure(AzureDeployment::Services);
    let keys = "url_type = \"organization\"\ntest_repository = \"my pay/checkout\"";
    let connection = azure_connection(&network.site, "https://dev.azure.com/contoso", keys);
    let _agent = network.agent(
        &connection,
        &[
            "https://dev.azure.com/contoso/my%20pay/_git/checkout",
            "https://dev.azure.com/Contoso/My Pay/_git/Checkout",
            "https://contoso@DEV.azure.com:443/contoso/my%20pay/_git/checkout/",
            "https://dev.azure.com/contoso/my%20pay/_git/_optimized/checkout",
            "https://dev.azure.com/contoso/my%20pay/_git/_full/checkout",
            "https://dev.azure.com/contoso/my%20pay/_git/checkout?path=%2F&version=GBmain",
            "https://contoso.visualstudio.com/DefaultCollection/my%20pay/_git/checkout",
            "https://contoso.visualstudio.com/my%20pay/qa/_git/checkout",
            "git@ssh.dev.azure.com:v3/contoso/my%20pay/checkout",
            "contoso@vs-ssh.visualstudio.com:v3/contoso/my%20pay/checkout",
        ],
    );
    assert_eq!(network.mirrors(), 1);
    azure.server().reset_counters();
    network.check_one_poll();
    assert_eq!(azure.server().request_count(), 1, "{:?}", azure.server().requests());
    assert!(
        network.proxy.tunnels().iter().all(|tunnel| tunnel == "dev.azure.com:443"),
        "{:?}",
        network.proxy.tunnels()
    );
}

#[test]
fn every_address_on_an_azure_devops_server_is_one_repository() {
    let network = Network::new(&["ado.example.org"]);
    azure_repository(&network.site, "DefaultCollection/my pay/_git/checkout");
    let azure = network.azure(AzureDeployment::Server { virtual_folder: "tfs".to_owned() });
    let keys = "url_type = \"organization\"\ntest_repository = \"my pay/checkout\"\n\
                server_url = \"https://ado.example.org/tfs\"";
    let connection = azure_connection(&network.site, "https://ado.example.org/tfs/DefaultCollection", keys);
    let _agent = network.agent(
        &connection,
        &[
            "https://ado.example.org/tfs/DefaultCollection/my%20pay/_git/checkout",
            "https://ADO.example.org:443/tfs/defaultcollection/My Pay/_git/Checkout/",
            "https://ado.example.org/tfs/DefaultCollection/my%20pay/qa/_git/checkout",
            "https://ado.example.org/tfs/DefaultCollection/my%20pay/_git/_optimized/checkout",
            "https://ado.example.org/tfs/DefaultCollection/my%20pay/qa/_git/_full/checkout?version=GBmain",
        ],
    );
    assert_eq!(network.mirrors(), 1);
    azure.server().reset_counters();
    network.check_one_poll();
    assert_eq!(azure.server().request_count(), 1, "{:?}", azure.server().requests());
}

#[test]
fn every_address_on_a_git_server_is_one_repository() {
    let network = Network::new(&["git.example.org"]);
    let repository = network.site.repository("qa/my shop.git");
    repository.commit("main", "first", &small_project()).unwrap();
    let (authority, ca) = network.site.authority("Own Authority");
    let identity = authority.issue(&IssueOptions::for_names(["git.example.org"])).unwrap();
    let options = ServerOptions::new(network.site.path("repositories")).identity(identity);
    let server = GitServer::start(options).unwrap();
    network.lead_to(server.address());
    let connection = Connection::new("git", "https://git.example.org/qa").with("url_type = \"organization\"");
    let connection = connection.with("test_repository = \"my shop.git\"").trusting(&ca);
    let _agent = network.agent(
        &connection,
        &[
            "https://git.example.org/qa/my%20shop.git",
            "HTTPS://GIT.example.org:443/qa/my shop.git",
            "https://qa-bot@git.example.org/qa/my%20shop.git/",
            "https://git.example.org/%71a/my%20shop.git",
            "my shop.git",
        ],
    );
    assert_eq!(network.mirrors(), 1);
    server.reset_counters();
    network.check_one_poll();
    assert_eq!(server.request_count(), 1, "{:?}", server.requests());
}

#[test]
fn every_address_on_an_ssh_server_is_one_repository() {
    let network = Network::new(&["git.example.org"]);
    let repository = network.site.repository("qa/shop.git");
    repository.commit("main", "first", &small_project()).unwrap();
    let key = SshKey::generate(SshKeyKind::Ed25519, SshKeyFormat::OpenSsh, None).unwrap();
    let server = SshServer::start(SshOptions::new(network.site.path("repositories")).authorize(&key)).unwrap();
    network.lead_to(server.address());
    let login = server.user();
    let pins: Vec<_> = server.host_key_fingerprints().into_iter().map(|(_, fingerprint)| fingerprint).collect();
    let file = network.site.secret_file("key", key.private_text());
    let connection = Connection::new("ssh", &format!("ssh://{login}@git.example.org/qa"));
    let connection = connection.with("url_type = \"organization\"").with("test_repository = \"shop.git\"");
    let forms = [
        format!("ssh://{login}@git.example.org/qa/shop.git"),
        format!("ssh://{login}@GIT.example.org:22/qa/shop.git/"),
        format!("{login}@git.example.org:qa/shop.git"),
        format!("{login}@git.example.org:/qa/shop.git"),
        "shop.git".to_owned(),
    ];
    let forms: Vec<_> = forms.iter().map(String::as_str).collect();
    let _agent = network.agent(&connection.key_in(&file, &format!("host_keys = {pins:?}")), &forms);
    assert_eq!(network.mirrors(), 1);
    let before = server.commands().len();
    network.check_one_poll();
    assert_eq!(server.commands().len() - before, 1, "{:?}", server.commands());
}

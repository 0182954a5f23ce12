//! The servers that repeat, and an agent's configuration with a connection for each form of each secret.

use std::path::Path;

use suitesync_loopback::{
    Authority, AzureOptions, AzureScope, AzureServer, Fault, GitServer, IssueOptions, ProxyOptions, ProxyServer,
    SampleRepository, ServerOptions, SshFault, SshKey, SshKeyFormat, SshKeyKind, SshOptions, SshServer,
};

use super::super::Canary;
use crate::support::Site;
use crate::support::connection::Connection;

/// A name that leads nowhere but through the proxy.
const BEHIND_PROXY: &str = "git.example.org";

/// So much before a secret that what is shown of an answer ends in the middle of the secret.
const LONG: usize = 174;

pub(super) struct EchoSite {
    pub(super) site: Site,
    pub(super) proxy: ProxyServer,
    canaries: Vec<Canary>,
    connections: Vec<Connection>,
    _git: Vec<GitServer>,
    _azure: AzureServer,
    _ssh: Vec<SshServer>,
}

/// Servers and connections, as they come to be.
struct Making {
    site: Site,
    authority: Authority,
    canaries: Vec<Canary>,
    connections: Vec<Connection>,
    git: Vec<GitServer>,
    ssh: Vec<SshServer>,
}

impl EchoSite {
    /// A site whose agent writes its log in a format.
    pub(super) fn new(format: &str) -> Self {
        let site = Site::new();
        let (authority, _) = site.authority("Own Authority");
        let (canaries, connections) = (Vec::new(), Vec::new());
        let mut making = Making { site, authority, canaries, connections, git: Vec::new(), ssh: Vec::new() };
        making.logins();
        making.client_key();
        making.ssh_keys();
        let azure = making.api_token();
        let (proxy, delegate) = making.proxy_password();
        let Making { site, canaries, connections, git, ssh, .. } = making;
        let links: String = connections.iter().map(|connection| connection.link(&connection.name)).collect();
        let tables: String = connections.iter().map(ToString::to_string).collect();
        site.configure(&format!("[log]\nformat = {format:?}\nlevel = \"trace\"\n\n{delegate}{tables}{links}"));
        Self { site, proxy, canaries, connections, _git: git, _azure: azure, _ssh: ssh }
    }

    pub(super) fn canaries(&self) -> Vec<Canary> {
        self.canaries.clone()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.connections.iter().map(|connection| connection.name.clone()).collect()
    }

    /// Those whose server's answer is shown with the secret blotted out: no redirect is, nor is what is cut off.
    pub(super) fn repeating(&self) -> Vec<String> {
        let is_told =
            |name: &String| !(name.ends_with("-redirect") || name.ends_with("-cut") || name.starts_with("locked-"));
        self.names().into_iter().filter(is_told).collect()
    }

    /// Some of the links, which are called like their connections.
    pub(super) fn links(&self) -> Vec<String> {
        self.names().into_iter().filter(|name| name.ends_with("-pair") || name.ends_with("-packet")).collect()
    }
}

impl Making {
    /// Tokens, passwords and bearer tokens, by a server that repeats each of them in all its forms.
    fn logins(&mut self) {
        let token = Canary::new("", "canary/token+0123456789&abcdef");
        let password = Canary::new("qa-bot", "canary pass/word+0123456789");
        let bearer = Canary::new("", "canary/bearer+0123456789==");
        let [file, other, printed] = [("token", &token), ("password", &password), ("bearer", &bearer)]
            .map(|(name, canary)| self.site.secret_file(name, &canary.secret));
        let logins = [
            ("token", token, format!("password = {{ file = {file:?} }}")),
            ("password", password, format!("username = \"qa-bot\", password = {{ file = {other:?} }}")),
            ("bearer", bearer, format!("bearer = {{ command = [\"/bin/cat\", {printed:?}] }}")),
        ];
        let server = self.git_server(IssueOptions::default());
        for (name, canary, credentials) in logins {
            let credentials = format!("credentials = {{ {credentials} }}");
            for (form, fault) in echoes(&canary) {
                let name = format!("{name}-{form}");
                server.set_fault(&format!("/{name}.git"), fault);
                let connection = self.trusting(&name, &server.url(&format!("/{name}.git")));
                self.connections.push(connection.with(credentials.clone()));
            }
            self.canaries.push(canary);
        }
        self.git.push(server);
    }

    fn git_server(&self, named: IssueOptions) -> GitServer {
        let identity = self.authority.issue(&named).unwrap();
        GitServer::start(ServerOptions::new(self.site.path("repositories")).identity(identity)).unwrap()
    }

    /// A line of our certificate's key.
    fn client_key(&mut self) {
        let identity = self.authority.issue(&IssueOptions::default()).unwrap();
        let options = ServerOptions::new(self.site.path("repositories")).identity(identity);
        let server = GitServer::start(options.client_authority(self.authority.clone())).unwrap();
        let client = self.authority.issue_client("suitesync").unwrap();
        let canary = line_of(client.key_pem());
        server.set_fault("", said(&canary.secret));
        let chain = self.site.secret_file("client.pem", client.certificate_pem());
        let key = self.site.secret_file("client.key", client.key_pem());
        let tls = format!("tls = {{ client_certificate = {chain:?}, client_key = {key:?} }}");
        self.connections.push(self.trusting("client-key-pair", &server.url("/shop.git")).with(tls));
        self.git.push(server);
        self.canaries.push(canary);
    }

    /// A line of a private key, and the passphrase of it; and a key that cannot be opened.
    fn ssh_keys(&mut self) {
        let passphrase = Canary::new("", "canary/passphrase+0123456789");
        let key = SshKey::generate(SshKeyKind::Rsa, SshKeyFormat::Pem, Some(&passphrase.secret)).unwrap();
        // The first lines say how it is encrypted.
        let line = line_of(key.private_text().split("\n\n").nth(1).unwrap());
        let file = self.site.secret_file("key", key.private_text());
        let opened = self.site.secret_file("passphrase", &passphrase.secret);
        for (name, echo) in [("key-pair", &line), ("passphrase-pair", &passphrase)] {
            let options = SshOptions::new(self.site.path("repositories")).authorize(&key);
            let server = SshServer::start(options).unwrap();
            server.set_fault(&SshFault::Refuse(format!("remote: you sent {}", echo.secret))).unwrap();
            let known = self.site.secret_file(&format!("{name}.known"), &server.known_hosts("127.0.0.1"));
            let others = format!("known_hosts = {known:?}, passphrase = {{ file = {opened:?} }}");
            self.connections.push(Connection::new(name, &server.url("/shop.git")).key_in(&file, &others));
            let locked = Connection::new(&format!("locked-{name}"), &server.url("/shop.git"));
            self.connections.push(locked.key_in(&file, &format!("known_hosts = {known:?}")));
            self.ssh.push(server);
        }
        self.canaries.extend([line, passphrase]);
    }

    fn api_token(&mut self) -> AzureServer {
        SampleRepository::create(self.site.path("azure/contoso/payments/_git/checkout")).unwrap();
        let identity = self.authority.issue(&IssueOptions::default()).unwrap();
        let azure = AzureServer::start(AzureOptions::new(self.site.path("azure")).identity(identity)).unwrap();
        let canary = Canary::new("", "canary/api-token+0123456789&abcdef");
        azure.set_token("a-token", &[AzureScope::CodeRead]);
        let headers = vec![("X-TFS-ServiceError".to_owned(), canary.forms()[1].1.clone())];
        let body = format!("{{ \"message\": \"TF400813: {} {}\" }}", canary.forms()[3].1, canary.secret);
        azure.server().set_fault("/contoso/_apis", Fault::Status { code: 401, headers, body: body.into() });
        let [token, api] = [("azure-token", "a-token"), ("api-token", &canary.secret)]
            .map(|(name, text)| self.site.secret_file(name, text));
        let connection = self.trusting("api", &azure.url("/contoso/payments/_git/checkout")).azure();
        self.connections.push(connection.token_in(&token).api_token_in(&api));
        self.canaries.push(canary);
        azure
    }

    /// A server behind a proxy repeats what was sent to the proxy.
    fn proxy_password(&mut self) -> (ProxyServer, String) {
        let canary = Canary::new("svc", "canary/proxy+0123456789&abcdef");
        let server = self.git_server(IssueOptions::for_names([BEHIND_PROXY]));
        let options = ProxyOptions::new().user(canary.username, &canary.secret).map(BEHIND_PROXY, server.address());
        let proxy = ProxyServer::start(options).unwrap();
        for (form, fault) in echoes(&canary) {
            let name = format!("proxy-{form}");
            server.set_fault(&format!("/{name}.git"), fault);
            self.connections.push(self.trusting(&name, &format!("https://{BEHIND_PROXY}/{name}.git")));
        }
        let password = self.site.secret_file("proxy-password", &canary.secret);
        let delegate = format!(
            "[[delegate]]\nname = \"local\"\nno_proxy = [\"127.0.0.1\"]\n\
             proxy = {{ url = {:?}, username = \"svc\", password = {{ file = {password:?} }} }}\n\n",
            proxy.url()
        );
        self.git.push(server);
        self.canaries.push(canary);
        (proxy, delegate)
    }

    fn trusting(&self, name: &str, url: &str) -> Connection {
        let file: &Path = &self.site.path("Own-Authority.pem");
        Connection::new(name, url).trusting(file)
    }
}

/// Answers that hold a secret: in each form, cut off in its middle, as a type of content, and as a packet of Git.
pub(super) fn echoes(canary: &Canary) -> Vec<(&'static str, Fault)> {
    let mut echoes: Vec<_> = canary.forms().map(|(name, form)| (name, said(&form))).into();
    echoes.push(("cut", said(&format!("{}{}", "x".repeat(LONG), canary.secret))));
    let typed = |kind: String, body: String| Fault::Status {
        code: 200,
        headers: vec![("Content-Type".to_owned(), kind)],
        body: body.into_bytes(),
    };
    echoes.push(("type", typed(canary.secret.clone(), String::new())));
    let line = format!("ERR you sent {}\n", canary.secret);
    let packet = format!("{:04x}{line}", line.len() + 4);
    echoes.push(("packet", typed("application/x-git-upload-pack-advertisement".to_owned(), packet)));
    echoes.push(("redirect", Fault::Redirect(format!("https://127.0.0.1:1/?token={}", canary.forms()[1].1))));
    echoes
}

/// A refusal that says this.
fn said(text: &str) -> Fault {
    let headers = vec![("Content-Type".to_owned(), "text/plain".to_owned())];
    Fault::Status { code: 500, headers, body: format!("you sent {text} to me").into_bytes() }
}

/// A line of a key in PEM that is secret.
fn line_of(pem: &str) -> Canary {
    let line = pem.lines().find(|line| line.len() >= 60 && !line.starts_with('-'));
    Canary::new("", line.unwrap())
}

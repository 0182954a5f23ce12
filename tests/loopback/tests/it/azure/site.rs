//! A look-alike with one project, a token for it, and the real clients.

use std::process::Output;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use suitesync_loopback::{AzureOptions, AzureScope, AzureServer};

use crate::curl::curl;
use crate::support::{Site, stderr, stdout};

pub(crate) const TOKEN: &str = "canary-token";

pub(crate) struct AzureSite {
    pub(crate) site: Site,
    pub(crate) server: AzureServer,
}

/// What was answered to a request of REST.
pub(crate) struct Answered {
    pub(crate) status: u16,
    head: String,
    text: String,
}

impl AzureSite {
    pub(crate) fn new() -> Self {
        Self::with(|options| options)
    }

    pub(crate) fn with(change: impl FnOnce(AzureOptions) -> AzureOptions) -> Self {
        let site = Site::new();
        let options = AzureOptions::new(site.folder.path().join("served"));
        let options = options.identity(site.authority.issue(&Default::default()).unwrap());
        let server = AzureServer::start(change(options)).unwrap();
        server.set_token(TOKEN, &[AzureScope::CodeRead, AzureScope::ProjectRead]);
        Self { site, server }
    }

    /// GET with the token as the password of nobody.
    pub(crate) fn get(&self, path_and_query: &str) -> Answered {
        self.ask(path_and_query, &["--user", &format!(":{TOKEN}")])
    }

    pub(crate) fn ask(&self, path_and_query: &str, options: &[&str]) -> Answered {
        let trusted = self.site.folder.path().join("ca.pem").display().to_string();
        let url = format!("{}{path_and_query}", self.server.url(""));
        let answered = curl(&[&["--include", "--cacert", &trusted], options, &[&url]].concat());
        let all = stdout(&answered);
        let (head, text) = all.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{}", stderr(&answered)));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answered { status, head: head.to_lowercase(), text: text.to_owned() }
    }

    /// The real Git, which brings this token along.
    pub(crate) fn list(&self, path: &str, token: &str) -> Output {
        let login = format!("http.extraHeader=Authorization: Basic {}", STANDARD.encode(format!(":{token}")));
        self.site.git(&["-c", &login, "-c", "credential.helper=", "ls-remote", &self.server.url(path), "HEAD"])
    }
}

impl Answered {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn field(&self, pointer: &str) -> String {
        let body = self.body();
        let value = body.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {body}"));
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

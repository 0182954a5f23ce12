//! Fingerprints over the keys that matter: when one changes, what was known about the thing no longer holds.
//!
//! They are kept in the catalog across restarts, so what goes in is spelled out here rather than derived.

use sha2::{Digest, Sha256};
use suitesync_contract::{Credentials, Provider, RefSpec, SecretRef, UrlType};

use super::settings::{ConnectionConfig, HostKeysConfig, LinkConfig, SecretSource};

impl ConnectionConfig {
    /// SHA-256 over URL, how to connect, credentials and API access (as references), certificates and known hosts (as
    /// paths) and tags. A key that is not written leaves no mark: fingerprints of before it was known still hold.
    pub fn fingerprint(&self) -> String {
        let mut fields = Fields::new("connection");
        fields.add("provider", provider(self.provider));
        fields.add("url", &self.url.to_string());
        fields.add("url_type", url_type(self.url_type));
        fields.add("connection_type", self.connection_type.as_str());
        if let Some(login) = self.url.user() {
            fields.add("login", login);
        }
        if let Some(server) = self.url.server() {
            fields.add("server_url", &server.to_string());
        }
        fields.add("test_repository", self.test_repository.as_deref().unwrap_or_default());
        fields.add_credentials(self.credentials.as_ref());
        fields.add_host_keys(&self.host_keys);
        if let Some(certificate) = &self.client_certificate {
            fields.add("client_certificate", &certificate.chain.path.to_string_lossy());
            fields.add_secret("client_key", &certificate.key);
        }
        if let Some(api) = &self.api {
            fields.add("api", &api.url);
            fields.add_secret("api_token", &api.token);
        }
        self.secret_sources.values().for_each(|source| fields.add_source(source));
        if let Some(certificates) = &self.additional_certs {
            fields.add("additional_certs_path", &certificates.path.to_string_lossy());
        }
        self.delegate_tags.iter().for_each(|tag| fields.add("delegate_tag", tag));
        fields.add("allow_plain_http", if self.allow_plain_http { "true" } else { "false" });
        fields.finish()
    }
}

impl LinkConfig {
    /// SHA-256 over URL, connection, ref, directory, formats and tags. A key that is not written leaves no mark.
    pub fn fingerprint(&self) -> String {
        let mut fields = Fields::new("link");
        fields.add("connection", self.connection.as_str());
        fields.add("url", &self.repository.to_string());
        match &self.reference {
            RefSpec::Default => fields.add("default", ""),
            RefSpec::Branch(name) => fields.add("branch", name),
            RefSpec::Tag(name) => fields.add("tag", name),
            RefSpec::Commit(id) => fields.add("commit", &id.to_string()),
        }
        fields.add("directory", &self.directory);
        self.formats.iter().for_each(|format| fields.add("format", format.as_str()));
        if let Some(tags) = &self.delegate_tags {
            fields.add("delegate_tags", &tags.iter().count().to_string());
            tags.iter().for_each(|tag| fields.add("delegate_tag", tag));
        }
        fields.finish()
    }
}

/// Named fields on their way into a digest, each with its length so that none can pass for another.
struct Fields(Sha256);

impl Fields {
    fn new(kind: &str) -> Self {
        let mut fields = Self(Sha256::new());
        fields.add("kind", kind);
        fields
    }

    fn add(&mut self, name: &str, value: &str) {
        self.0.update(format!("{name}={}:{value};", value.len()));
    }

    fn add_credentials(&mut self, credentials: Option<&Credentials>) {
        match credentials {
            None => (),
            Some(Credentials::Basic { username, password }) => {
                self.add("username", username);
                self.add_secret("password", password);
            }
            Some(Credentials::Bearer { token }) => self.add_secret("bearer", token),
            Some(Credentials::PrivateKey { private_key, passphrase }) => {
                self.add_secret("private_key", private_key);
                passphrase.iter().for_each(|passphrase| self.add_secret("passphrase", passphrase));
            }
        }
    }

    fn add_host_keys(&mut self, host_keys: &HostKeysConfig) {
        match host_keys {
            HostKeysConfig::Published => (),
            HostKeysConfig::KnownHosts { path, .. } => self.add("known_hosts", &path.to_string_lossy()),
            HostKeysConfig::Pinned(keys) => keys.iter().for_each(|key| self.add("host_key", key)),
        }
    }

    fn add_source(&mut self, source: &SecretSource) {
        match source {
            SecretSource::Env(name) => self.add("secret_env", name),
            SecretSource::File(path) => self.add("secret_file", &path.to_string_lossy()),
            SecretSource::Credential(name) => self.add("secret_credential", name),
            SecretSource::Command(words) => self.add_words("secret_command", words),
        }
    }

    fn add_words(&mut self, name: &str, words: &[String]) {
        self.add(name, &words.len().to_string());
        words.iter().for_each(|word| self.add("word", word));
    }

    fn add_secret(&mut self, name: &str, reference: &SecretRef) {
        let (kind, value) = match reference {
            SecretRef::Secret(name) => ("secret", name.as_str()),
            SecretRef::Env(name) => ("env", name.as_str()),
            SecretRef::File(path) => ("file", path.as_str()),
            SecretRef::Credential(name) => ("credential", name.as_str()),
            SecretRef::Command(words) => {
                self.add(name, "command");
                return self.add_words("source", words);
            }
        };
        self.add(name, kind);
        self.add("source", value);
    }

    fn finish(self) -> String {
        hex::encode(self.0.finalize())
    }
}

fn provider(provider: Provider) -> &'static str {
    match provider {
        Provider::AzureRepos => "azure-repos",
        Provider::Git => "git",
    }
}

fn url_type(url_type: UrlType) -> &'static str {
    match url_type {
        UrlType::Organization => "organization",
        UrlType::Project => "project",
        UrlType::Repository => "repository",
    }
}

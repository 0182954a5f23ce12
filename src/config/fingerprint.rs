//! Fingerprints over the keys that matter: when one changes, what was known about the thing no longer holds.
//!
//! They are kept in the catalog across restarts, so what goes in is spelled out here rather than derived.

use sha2::{Digest, Sha256};
use suitesync_contract::{Credentials, Provider, RefSpec, SecretRef, UrlType};

use super::settings::{ConnectionConfig, ConnectionType, LinkConfig, SecretSource};

impl ConnectionConfig {
    /// SHA-256 over URL, how to connect, credentials (as references), CA (as a path) and tags.
    pub fn fingerprint(&self) -> String {
        let mut fields = Fields::new("connection");
        fields.add("provider", provider(self.provider));
        fields.add("url", &self.url.to_string());
        fields.add("url_type", url_type(self.url_type));
        match self.connection_type {
            ConnectionType::Http => fields.add("connection_type", "http"),
        }
        fields.add("test_repository", self.test_repository.as_deref().unwrap_or_default());
        fields.add_credentials(self.credentials.as_ref());
        match &self.secret_source {
            None => (),
            Some(SecretSource::Env(name)) => fields.add("secret_env", name),
            Some(SecretSource::File(path)) => fields.add("secret_file", &path.to_string_lossy()),
        }
        if let Some(certificates) = &self.additional_certs {
            fields.add("additional_certs_path", &certificates.path.to_string_lossy());
        }
        self.delegate_tags.iter().for_each(|tag| fields.add("delegate_tag", tag));
        fields.add("allow_plain_http", if self.allow_plain_http { "true" } else { "false" });
        fields.finish()
    }
}

impl LinkConfig {
    /// SHA-256 over URL, connection, ref, directory and formats.
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
        }
    }

    fn add_secret(&mut self, name: &str, reference: &SecretRef) {
        let (kind, value) = match reference {
            SecretRef::Secret(name) => ("secret", name.as_str()),
            SecretRef::Env(name) => ("env", name.as_str()),
            SecretRef::File(path) => ("file", path.as_str()),
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

//! An operator with an account and a user, as `.creds` files come from: signed by NKeys.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::{Value, json};

pub(crate) struct Credentials {
    /// What the server has to be told.
    pub(crate) configuration: String,
    /// The content of the `.creds` file.
    pub(crate) file: String,
}

impl Credentials {
    pub(crate) fn new() -> Self {
        let (operator, system) = (KeyPair::new_operator(), KeyPair::new_account());
        let (account, user) = (KeyPair::new_account(), KeyPair::new_user());
        let unlimited = json!({
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1,
            "leaf": -1, "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1,
        });
        let without_jetstream = json!({
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1,
        });
        let of_operator = token(&operator, &operator, json!({ "type": "operator", "version": 2 }));
        let of_account = |key: &KeyPair, limits: Value| {
            token(&operator, key, json!({ "type": "account", "version": 2, "limits": limits }))
        };
        let preload = format!(
            "{}: {}\n{}: {}",
            account.public_key(),
            of_account(&account, unlimited),
            system.public_key(),
            of_account(&system, without_jetstream),
        );
        let configuration = format!(
            "operator: {of_operator}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{\n{preload}\n}}",
            system.public_key(),
        );
        let rights =
            json!({ "type": "user", "version": 2, "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1 });
        let file = format!(
            "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
            token(&account, &user, rights),
            user.seed().unwrap(),
        );
        Self { configuration, file }
    }
}

/// What `issuer` says of `subject`, signed.
fn token(issuer: &KeyPair, subject: &KeyPair, claims: Value) -> String {
    let header = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let payload = json!({
        "jti": subject.public_key(), "iat": 1_700_000_000, "iss": issuer.public_key(), "name": "test",
        "sub": subject.public_key(), "nats": claims,
    });
    let written = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", written(&header), written(&payload));
    let signature = issuer.sign(text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

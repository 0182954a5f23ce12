//! The one key that is offered to a server, kept in memory, and what can be said of it without its secret half.
//!
//! Keys in OpenSSH's format name their public half in the clear (PROTOCOL.key); those in PEM are read by OpenSSL, which
//! also tells whether the passphrase fits. So what is wrong with a key is told before anything is sent.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::bn::BigNumContext;
use openssl::ec::{EcKey, PointConversionForm};
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::fingerprint::{PublicKey, take_field};

const OPENSSH_BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const OPENSSH_END: &str = "-----END OPENSSH PRIVATE KEY-----";
/// How a key in OpenSSH's format begins once it is decoded.
const OPENSSH_MAGIC: &[u8] = b"openssh-key-v1\0";

/// Who we are; clones share the secret.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(super) login: String,
    secret: Arc<Secret>,
}

struct Secret {
    private_key: Zeroizing<String>,
    passphrase: Option<Zeroizing<String>>,
}

/// Why a text cannot be used as a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyFault {
    #[error("the secret holds a public key, not a private one")]
    Public,
    #[error("the secret holds a key in PuTTY's format; export it in OpenSSH's with puttygen")]
    Putty,
    #[error("the secret holds no private key")]
    NoKey,
    #[error("the private key is encrypted and no passphrase is set")]
    PassphraseMissing,
    #[error("the private key cannot be opened with the passphrase")]
    PassphraseWrong,
    #[error("the private key is encrypted with a cipher that is not supported")]
    Cipher,
    #[error("the private key is damaged")]
    Damaged,
    #[error("the private key is of a kind that is not supported; use RSA, ECDSA or Ed25519")]
    Unsupported,
}

impl Identity {
    /// Takes the key as it was resolved; nothing is read yet.
    pub(crate) fn new(login: &str, private_key: &str, passphrase: Option<&str>) -> Self {
        let private_key = from_its_beginning(private_key).trim();
        let private_key = Zeroizing::new(format!("{private_key}\n").replace("\r\n", "\n"));
        let passphrase = passphrase.filter(|text| !text.is_empty()).map(|text| Zeroizing::new(text.to_owned()));
        Self { login: login.to_owned(), secret: Arc::new(Secret { private_key, passphrase }) }
    }

    pub(super) fn private_key(&self) -> &str {
        &self.secret.private_key
    }

    pub(super) fn passphrase(&self) -> Option<&str> {
        self.secret.passphrase.as_ref().map(|text| text.as_str())
    }

    /// Tells identities apart.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for text in [self.private_key(), self.passphrase().unwrap_or_default()] {
            digest.update(text.len().to_be_bytes());
            digest.update(text);
        }
        digest.finalize().into()
    }

    /// The public half, if the key can be used.
    pub(super) fn public_key(&self) -> Result<PublicKey, KeyFault> {
        let text = self.private_key();
        if let Some(body) = text.strip_prefix(OPENSSH_BEGIN) {
            return self.of_openssh(body);
        }
        if text.starts_with("PuTTY-User-Key-File") {
            return Err(KeyFault::Putty);
        }
        let line = text.lines().next().unwrap_or_default();
        if is_public(line) {
            return Err(KeyFault::Public);
        }
        if line.starts_with("-----BEGIN") { self.of_pem() } else { Err(KeyFault::NoKey) }
    }

    fn of_openssh(&self, body: &str) -> Result<PublicKey, KeyFault> {
        let (encoded, _) = body.split_once(OPENSSH_END).ok_or(KeyFault::Damaged)?;
        let encoded = Zeroizing::new(encoded.split_ascii_whitespace().collect::<String>());
        let decoded = Zeroizing::new(STANDARD.decode(encoded.as_bytes()).map_err(|_| KeyFault::Damaged)?);
        let (cipher, key) = openssh_header(&decoded).ok_or(KeyFault::Damaged)?;
        if cipher != b"none" && self.passphrase().is_none() {
            return Err(KeyFault::PassphraseMissing);
        }
        if is_opened(cipher) { Ok(key) } else { Err(KeyFault::Cipher) }
    }

    fn of_pem(&self) -> Result<PublicKey, KeyFault> {
        let text = self.private_key();
        let is_encrypted = text.contains("ENCRYPTED");
        // An empty passphrase, so that OpenSSL does not ask for one on the terminal.
        let passphrase = self.passphrase().unwrap_or_default();
        let key = PKey::private_key_from_pem_passphrase(text.as_bytes(), passphrase.as_bytes());
        let key = key.map_err(|_| match (is_encrypted, self.passphrase()) {
            (false, _) => KeyFault::Damaged,
            (true, None) => KeyFault::PassphraseMissing,
            (true, Some(_)) => KeyFault::PassphraseWrong,
        })?;
        match key.id() {
            Id::RSA => of_rsa(&key),
            Id::EC => of_ec(&key),
            _ => None,
        }
        .ok_or(KeyFault::Unsupported)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("login", &self.login).finish_non_exhaustive()
    }
}

/// The key without what an export may have written before it (`Bag Attributes`, a certificate); OpenSSH passes it over,
/// too.
fn from_its_beginning(text: &str) -> &str {
    let parts = text.match_indices("-----BEGIN ").filter_map(|(at, _)| text.get(at..));
    let is_private = |part: &&str| part.lines().next().is_some_and(|line| line.contains("PRIVATE KEY-----"));
    parts.into_iter().find(is_private).unwrap_or(text)
}

/// Whether libssh2 decrypts a key in OpenSSH's format that is encrypted with this; it fails to with 3DES.
fn is_opened(cipher: &[u8]) -> bool {
    [b"none".as_slice(), b"aes", b"rijndael", b"chacha20"].iter().any(|known| cipher.starts_with(known))
}

/// A line of `authorized_keys` or `.pub`, or the beginning of a public key in another format.
fn is_public(line: &str) -> bool {
    let name = line.split(' ').next().unwrap_or_default();
    let names = ["ssh-rsa", "ssh-ed25519", "ssh-dss"];
    names.contains(&name) || name.starts_with("ecdsa-sha2-") || line.contains("PUBLIC KEY")
}

/// The cipher and the public half.
fn openssh_header(decoded: &[u8]) -> Option<(&[u8], PublicKey)> {
    let (cipher, rest) = take_field(decoded.strip_prefix(OPENSSH_MAGIC)?)?;
    let (_derivation, rest) = take_field(rest)?;
    let (_options, rest) = take_field(rest)?;
    let (count, rest) = rest.split_first_chunk::<4>()?;
    let (key, _) = take_field(rest)?;
    (u32::from_be_bytes(*count) == 1).then(|| (cipher, PublicKey::new(key)))
}

fn of_rsa(key: &PKey<Private>) -> Option<PublicKey> {
    let rsa = key.rsa().ok()?;
    Some(PublicKey::of_fields(&[b"ssh-rsa", &positive(rsa.e().to_vec()), &positive(rsa.n().to_vec())]))
}

fn of_ec(key: &PKey<Private>) -> Option<PublicKey> {
    let key: EcKey<Private> = key.ec_key().ok()?;
    let (name, curve) = match key.group().curve_name()? {
        Nid::X9_62_PRIME256V1 => ("ecdsa-sha2-nistp256", "nistp256"),
        Nid::SECP384R1 => ("ecdsa-sha2-nistp384", "nistp384"),
        Nid::SECP521R1 => ("ecdsa-sha2-nistp521", "nistp521"),
        _ => return None,
    };
    let mut context = BigNumContext::new().ok()?;
    let point = key.public_key().to_bytes(key.group(), PointConversionForm::UNCOMPRESSED, &mut context).ok()?;
    Some(PublicKey::of_fields(&[name.as_bytes(), curve.as_bytes(), &point]))
}

/// A number as SSH writes it (RFC 4251, `mpint`): one that begins with a set bit would be negative.
fn positive(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.first().is_some_and(|byte| byte & 0x80 != 0) {
        bytes.insert(0, 0);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use suitesync_loopback::{SshKey, SshKeyFormat, SshKeyKind};

    use super::*;

    const KINDS: [SshKeyKind; 3] = [SshKeyKind::Ed25519, SshKeyKind::Rsa, SshKeyKind::Ecdsa];
    const FORMATS: [SshKeyFormat; 3] = [SshKeyFormat::OpenSsh, SshKeyFormat::Pem, SshKeyFormat::Pkcs8];

    fn fingerprint(text: &str, passphrase: Option<&str>) -> Result<String, KeyFault> {
        Identity::new("git", text, passphrase).public_key().map(|key| key.fingerprint())
    }

    #[test]
    fn keys_of_every_kind_and_format_are_known_by_their_fingerprint() {
        for kind in KINDS {
            for (format, passphrase) in
                FORMATS.into_iter().flat_map(|format| [(format, None), (format, Some("s3cret"))])
            {
                let key = SshKey::generate(kind, format, passphrase).unwrap();
                let read = fingerprint(key.private_text(), passphrase);
                assert_eq!(read, Ok(key.fingerprint()), "{kind:?} {format:?} {passphrase:?}");
                let windows = key.private_text().replace('\n', "\r\n");
                assert_eq!(fingerprint(&windows, passphrase), Ok(key.fingerprint()), "{kind:?} {format:?}");
            }
        }
    }

    #[test]
    fn what_stands_before_a_key_is_passed_over() {
        for format in FORMATS {
            let key = SshKey::generate(SshKeyKind::Rsa, format, None).unwrap();
            let exported = format!(
                "Bag Attributes\n    friendlyName: qa\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{}",
                key.private_text()
            );
            assert_eq!(fingerprint(&exported, None), Ok(key.fingerprint()), "{format:?}");
        }
    }

    #[test]
    fn a_cipher_that_cannot_be_opened_is_told_from_a_wrong_passphrase() {
        let field = |text: &[u8]| [&u32::try_from(text.len()).unwrap().to_be_bytes(), text].concat();
        let key = [OPENSSH_MAGIC, &field(b"3des-cbc"), &field(b"bcrypt"), &field(b""), &[0, 0, 0, 1], &field(b"key")];
        let text = format!("{OPENSSH_BEGIN}\n{}\n{OPENSSH_END}\n", STANDARD.encode(key.concat()));
        assert_eq!(fingerprint(&text, Some("s3cret")), Err(KeyFault::Cipher));
    }

    #[test]
    fn what_is_wrong_with_a_key_is_told_apart() {
        let key = SshKey::generate(SshKeyKind::Rsa, SshKeyFormat::Pem, Some("s3cret")).unwrap();
        let openssh = SshKey::generate(SshKeyKind::Ed25519, SshKeyFormat::OpenSsh, Some("s3cret")).unwrap();
        let check = |text: &str, passphrase: Option<&str>, expect| {
            assert_eq!(fingerprint(text, passphrase), Err(expect), "{expect:?}");
        };
        check(key.private_text(), None, KeyFault::PassphraseMissing);
        check(key.private_text(), Some("wrong"), KeyFault::PassphraseWrong);
        check(openssh.private_text(), None, KeyFault::PassphraseMissing);
        check(openssh.private_text(), Some(""), KeyFault::PassphraseMissing);
        check(key.public_line(), None, KeyFault::Public);
        check("PuTTY-User-Key-File-3: ssh-rsa", None, KeyFault::Putty);
        check("hunter2", None, KeyFault::NoKey);
        check("", None, KeyFault::NoKey);
        check("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----", None, KeyFault::Damaged);
        check(&openssh.private_text()[..120], Some("s3cret"), KeyFault::Damaged);
    }

    #[test]
    fn debug_shows_no_secret() {
        let identity = Identity::new("git", "hunter2", Some("hunter2"));
        assert!(!format!("{identity:?}").contains("hunter2"));
    }
}

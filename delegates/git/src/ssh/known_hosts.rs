//! What a `known_hosts` file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT") says about one server.
//!
//! Plain, negated and hashed names, patterns, ports and `@revoked` lines are understood. Lines of `@cert-authority` are
//! passed over: certificates of hosts are not asked for, and a host that has nothing else stays unknown. A line that
//! cannot be read says nothing, as with OpenSSH.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;

use super::fingerprint::PublicKey;

/// The port that names without one mean.
const USUAL_PORT: u16 = 22;

/// The keys that a file gives for one server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct KnownKeys {
    pub(super) trusted: Vec<PublicKey>,
    pub(super) revoked: Vec<PublicKey>,
}

impl KnownKeys {
    /// What `text` says of the server. A port of its own is looked up first, the host alone where that says nothing.
    pub(super) fn read(text: &str, host: &str, port: u16) -> Self {
        let host = host.to_ascii_lowercase();
        let alone = || Self::named(text, &host);
        if port == USUAL_PORT {
            return alone();
        }
        let found = Self::named(text, &format!("[{host}]:{port}"));
        if found == Self::default() { alone() } else { found }
    }

    fn named(text: &str, name: &str) -> Self {
        let mut known = Self::default();
        for line in text.lines() {
            if let Some((marker, key)) = read_line(line, name) {
                match marker {
                    Marker::None => known.trusted.push(key),
                    Marker::Revoked => known.revoked.push(key),
                }
            }
        }
        known
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    None,
    Revoked,
}

/// The key of a line that is about `name`.
fn read_line(line: &str, name: &str) -> Option<(Marker, PublicKey)> {
    let line = line.trim();
    let (marker, line) = match line.split_once([' ', '\t']) {
        Some(("@revoked", rest)) => (Marker::Revoked, rest.trim_start()),
        _ if line.starts_with(['@', '#']) => return None,
        _ => (Marker::None, line),
    };
    let mut words = line.split_ascii_whitespace();
    let names = words.next()?;
    let kind = words.next()?;
    let key = PublicKey::new(STANDARD.decode(words.next()?).ok()?);
    (key.name() == kind.as_bytes() && is_about(names, name)).then_some((marker, key))
}

/// Whether a list of patterns means the name: one has to match, and no negated one may.
fn is_about(patterns: &str, name: &str) -> bool {
    if let Some(hashed) = patterns.strip_prefix("|1|") {
        return is_hash_of(hashed, name).unwrap_or(false);
    }
    let mut found = false;
    for pattern in patterns.split(',') {
        let (negated, pattern) = match pattern.strip_prefix('!') {
            Some(pattern) => (true, pattern),
            None => (false, pattern),
        };
        if matches(pattern.to_ascii_lowercase().as_bytes(), name.as_bytes()) {
            if negated {
                return false;
            }
            found = true;
        }
    }
    found
}

/// Whether `SALT|HASH` is the HMAC-SHA1 of the name.
fn is_hash_of(hashed: &str, name: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let key = PKey::hmac(&STANDARD.decode(salt).ok()?).ok()?;
    let mut signer = Signer::new(MessageDigest::sha1(), &key).ok()?;
    Some(signer.sign_oneshot_to_vec(name.as_bytes()).ok()? == STANDARD.decode(hash).ok()?)
}

/// `*` stands for any characters, `?` for one. Walked without recursion, so that no pattern takes long.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    // Where the last star stands, and how much of the name it has been given.
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = name.get(from) {
        match (pattern.get(at), star) {
            (Some(b'*'), _) => {
                star = Some((at, from));
                at += 1;
            }
            (Some(&wanted), _) if wanted == b'?' || wanted == byte => (at, from) = (at + 1, from + 1),
            (_, Some((stands, taken))) => {
                (at, from) = (stands + 1, taken + 1);
                star = Some((stands, taken + 1));
            }
            (_, None) => return false,
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, body: &str) -> PublicKey {
        PublicKey::of_fields(&[name.as_bytes(), body.as_bytes()])
    }

    fn words(name: &str, body: &str) -> String {
        let fields = [name, body].map(|field| [&(field.len() as u32).to_be_bytes()[..], field.as_bytes()].concat());
        format!("{name} {}", STANDARD.encode(fields.concat()))
    }

    fn check(names: &str, host: &str, port: u16, expect: bool) {
        let text = format!("# a comment\n\n{names} {} who@where\n", words("ssh-ed25519", "a"));
        let known = KnownKeys::read(&text, host, port);
        assert_eq!(known.trusted == [key("ssh-ed25519", "a")], expect, "{names} for {host}:{port}");
    }

    #[test]
    fn plain_names_patterns_and_ports_mean_what_openssh_means() {
        check("git.example.org", "git.example.org", 22, true);
        check("git.example.org", "GIT.example.org", 22, true);
        check("a,git.example.org,10.0.0.1", "10.0.0.1", 22, true);
        check("*.example.org", "git.example.org", 22, true);
        check("*.example.org,!git.example.org", "git.example.org", 22, false);
        check("g?t.*.org", "git.example.org", 22, true);
        check("git.example.org", "git.example.org.evil.com", 22, false);
        check("[git.example.org]:2222", "git.example.org", 2222, true);
        check("[git.example.org]:2222", "git.example.org", 22, false);
        check("git.example.org", "git.example.org", 2222, true);
    }

    #[test]
    fn a_port_of_its_own_comes_before_the_host_alone() {
        let (with_port, alone) = (words("ssh-ed25519", "port"), words("ssh-ed25519", "alone"));
        let text = format!("h {alone}\n[h]:2222 {with_port}\n");
        assert_eq!(KnownKeys::read(&text, "h", 2222).trusted, [key("ssh-ed25519", "port")]);
        assert_eq!(KnownKeys::read(&text, "h", 22).trusted, [key("ssh-ed25519", "alone")]);
    }

    #[test]
    fn hashed_names_are_found() {
        // Made by `ssh-keygen -H` from the name `git.example.org`.
        let salt = STANDARD.encode(b"01234567890123456789");
        let signing = PKey::hmac(b"01234567890123456789").unwrap();
        let mut signer = Signer::new(MessageDigest::sha1(), &signing).unwrap();
        let hash = STANDARD.encode(signer.sign_oneshot_to_vec(b"git.example.org").unwrap());
        check(&format!("|1|{salt}|{hash}"), "git.example.org", 22, true);
        check(&format!("|1|{salt}|{hash}"), "other.example.org", 22, false);
        check("|1|not base64|", "git.example.org", 22, false);
    }

    #[test]
    fn revoked_keys_are_told_apart_and_authorities_are_passed_over() {
        let (bad, good) = (words("ssh-rsa", "bad"), words("ssh-rsa", "good"));
        let text = format!("@revoked * {bad}\n@cert-authority * {good}\nh {good}\nh ssh-rsa {}\n", "AAAA");
        let known = KnownKeys::read(&text, "h", 22);
        assert_eq!(known, KnownKeys { trusted: vec![key("ssh-rsa", "good")], revoked: vec![key("ssh-rsa", "bad")] });
    }
}

//! What a mirror is of, and the name of its folder, which follows from that alone.

use sha2::{Digest, Sha256};
use suitesync_contract::{ConnectionName, RepositoryIdentity};

/// Characters of the readable part of a name; file names have room for 255 bytes.
const MAX_SLUG: usize = 60;
/// Bytes of the hash in a name: 48 bits keep thousands of mirrors apart.
const HASH_BYTES: usize = 6;

/// One repository under one connection: its links share a mirror.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MirrorKey {
    pub connection: ConnectionName,
    pub repository: RepositoryIdentity,
}

impl MirrorKey {
    /// The name of the mirror's files, without an ending: readable, and apart from all others by a hash.
    pub fn name(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(self.connection.as_str());
        digest.update([0]);
        digest.update(self.repository.as_str());
        let hash = hex::encode(digest.finalize().get(..HASH_BYTES).unwrap_or_default());
        format!("{}-{hash}", slug(&format!("{}/{}", self.connection, self.repository)))
    }
}

/// Whether a name can be that of a mirror.
pub(crate) fn is_mirror_name(name: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let hash = name.rsplit_once('-').map_or("", |(_, hash)| hash);
    hash.len() == 2 * HASH_BYTES && hash.bytes().all(is_digit)
}

/// A readable part for the folder's name, from the end of the repository's path.
fn slug(text: &str) -> String {
    let letters: Vec<char> =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let words: Vec<String> =
        letters.split(|c| *c == '-').filter(|word| !word.is_empty()).map(String::from_iter).collect();
    let whole = words.join("-");
    let start = whole.len().saturating_sub(MAX_SLUG);
    whole.get(start..).unwrap_or_default().trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use suitesync_contract::{Provider, RepoUrl};

    use super::*;

    fn name_of(url: &str) -> String {
        let repository = RepoUrl::parse(url, Provider::AzureRepos).unwrap().repository.identity().clone();
        MirrorKey { connection: "contoso".parse().unwrap(), repository }.name()
    }

    #[test]
    fn slugs_are_short_plain_and_readable() {
        let check = |text: &str, expect: &str| assert_eq!(slug(text), expect);
        check("contoso/contoso/payments/_git/checkout", "contoso-contoso-payments-git-checkout");
        check("a/My%20Project/..", "a-my-20project");
        check("ü/../..", "");
        assert_eq!(slug(&"x".repeat(500)).len(), MAX_SLUG);
    }

    #[test]
    fn every_address_of_a_repository_leads_to_the_same_mirror() {
        let name = name_of("https://dev.azure.com/contoso/payments/_git/checkout");
        assert_eq!(name, name_of("https://contoso.visualstudio.com/Payments/_git/Checkout"));
        assert_ne!(name, name_of("https://dev.azure.com/contoso/payments/_git/other"));
    }

    #[test]
    fn names_of_mirrors_are_told_from_others() {
        assert!(is_mirror_name(&name_of("https://dev.azure.com/contoso/payments/_git/checkout")));
        for other in ["", "backup", "a-0123456789a", "a-0123456789AB", "a-0123456789ab.git", "a-0123456789ag"] {
            assert!(!is_mirror_name(other), "{other}");
        }
    }
}

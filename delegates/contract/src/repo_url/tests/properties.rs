//! What holds for every text: no panic, no leak, and what is shown is read back as the same repository.

use crate::{ConnectionUrl, Provider, RepoUrl, UrlType};

const SEEDS: [&str; 10] = [
    "https://contoso@dev.azure.com/contoso/My%20Project/_git/checkout?path=%2Ftests&version=GBmain",
    "https://contoso.visualstudio.com/DefaultCollection/payments/qa/_git/_full/checkout",
    "ssh://contoso@vs-ssh.visualstudio.com:22/DefaultCollection/payments/_ssh/checkout",
    "git@ssh.dev.azure.com:v3/contoso/payments/checkout",
    "https://127.0.0.1:8443/tfs/contoso/payments/_git/checkout/#version=GTv1",
    "http://[::1]:8080/qa/shop.git",
    "git@[fe80::1]:qa/größe.git",
    "qa-bot@git.example.org:~qa/shop.git",
    "file:///srv/git/a%20b",
    "/srv/git/a%20b",
];
const PROVIDERS: [Provider; 2] = [Provider::AzureRepos, Provider::Git];
const TYPES: [UrlType; 3] = [UrlType::Organization, UrlType::Project, UrlType::Repository];
const SPLICES: [&str; 20] = [
    "/", "//", ":", "@", "?", "#", "%", "%2F", "%2e", "..", "[", "]", "_git/", "v3/", "\0", "\\", "é", " ", "tfs/",
    "://",
];
/// Enough that every splice meets every seed at many places, in well under a second.
const MUTATIONS_PER_SEED: u64 = 3_000;

/// Numbers that look random and are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn mutate(&mut self, seed: &str) -> String {
        let mut characters: Vec<char> = seed.chars().collect();
        for _ in 0..=self.below(3) {
            let from = self.below(characters.len() + 1);
            let to = from + self.below((characters.len() - from).min(4) + 1);
            let splice = SPLICES[self.below(SPLICES.len())];
            characters.splice(from..to, splice.chars());
        }
        characters.into_iter().collect()
    }
}

fn check_all(check: impl Fn(&str)) {
    let mut numbers = Numbers(0x5eed);
    for seed in SEEDS {
        check(seed);
        (0..MUTATIONS_PER_SEED).for_each(|_| check(&numbers.mutate(seed)));
    }
}

#[test]
fn what_is_shown_is_read_back_as_the_same_repository() {
    check_all(|text| {
        for url in PROVIDERS.iter().filter_map(|provider| RepoUrl::parse(text, *provider).ok()) {
            let url = url.repository;
            let again =
                RepoUrl::parse(&url.to_string(), url.provider()).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!(again.repository.identity(), url.identity(), "{text:?}");
            assert_eq!(again.repository.to_string(), url.to_string(), "{text:?}");
        }
    });
}

#[test]
fn what_is_shown_is_what_an_http_client_connects_to() {
    check_all(|text| {
        for url in PROVIDERS.iter().filter_map(|provider| RepoUrl::parse(text, *provider).ok()) {
            let shown = url.repository.request_url();
            assert_eq!(url::Url::parse(&shown).unwrap().as_str(), shown, "{text:?}");
        }
    });
}

#[test]
fn an_address_travels_as_json() {
    check_all(|text| {
        for url in PROVIDERS.iter().filter_map(|provider| RepoUrl::parse(text, *provider).ok()) {
            let json = serde_json::to_string(&url.repository).unwrap();
            assert_eq!(serde_json::from_str::<RepoUrl>(&json).unwrap(), url.repository, "{text:?}");
        }
    });
}

#[test]
fn an_address_that_parsing_never_makes_is_not_taken_from_json() {
    let url = RepoUrl::parse("https://git.example.org/qa/shop", Provider::Git).unwrap().repository;
    for (field, forged) in [
        ("/path", "/qa/../shop"),
        ("/path", "@evil.example/shop"),
        ("/path", ""),
        ("/origin/host", "qa@evil.example"),
        ("/origin/host", "GIT.example.org"),
        ("/identity", "git.example.org/qa/other"),
        ("/provider", "azure-repos"),
    ] {
        let mut json = serde_json::to_value(&url).unwrap();
        *json.pointer_mut(field).unwrap() = forged.into();
        assert!(serde_json::from_value::<RepoUrl>(json).is_err(), "{field} {forged:?}");
    }
}

#[test]
fn a_connection_reads_any_text_without_a_panic() {
    let mut numbers = Numbers(0xc0de);
    for (provider, url_type) in PROVIDERS.iter().flat_map(|provider| TYPES.map(|url_type| (*provider, url_type))) {
        for text in SEEDS.map(|seed| numbers.mutate(seed)).iter().chain(&SEEDS.map(str::to_owned)) {
            let Ok(connection) = ConnectionUrl::parse(text, provider, url_type) else { continue };
            for link in SEEDS.map(|seed| numbers.mutate(seed)).iter().chain([text]) {
                let linked = connection.link(link).ok();
                assert!(linked.is_none_or(|link| link.repository.origin() == connection.origin()), "{link:?}");
            }
        }
    }
}

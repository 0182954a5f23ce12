//! The command that a server is asked to run.

use percent_encoding::percent_decode_str;
use suitesync_contract::{AzureAccount, RepoUrl};

const PROGRAM: &str = "git-upload-pack";

/// `git-upload-pack` with the path as Git itself sends it.
///
/// Azure DevOps Services gets the path as its portal writes it (`git@ssh.dev.azure.com:v3/…`), of which Git decodes
/// nothing. Everywhere else it is decoded once, and a home folder (`/~login`) loses the slash before it.
pub(super) fn command(url: &RepoUrl) -> String {
    let is_services = url.azure().is_some_and(|names| matches!(names.account, AzureAccount::Organization(_)));
    if is_services {
        return format!("{PROGRAM} {}", quoted(url.path().trim_start_matches('/')));
    }
    let path = percent_decode_str(url.path()).decode_utf8_lossy();
    let path = if path.starts_with("/~") { path.trim_start_matches('/') } else { &path };
    format!("{PROGRAM} {}", quoted(path))
}

/// One word for a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''").replace('!', r"'\!'"))
}

#[cfg(test)]
mod tests {
    use suitesync_contract::Provider;

    use super::*;

    fn check(provider: Provider, url: &str, expect: &str) {
        let url = RepoUrl::parse(url, provider).unwrap().repository;
        assert_eq!(command(&url), format!("git-upload-pack {expect}"), "{url}");
    }

    #[test]
    fn paths_are_sent_as_git_sends_them() {
        check(Provider::Git, "ssh://git@h/team/My%20Project", "'/team/My Project'");
        check(Provider::Git, "ssh://git@h/a%2525", "'/a%25'");
        check(Provider::Git, "ssh://git@h/it's!.git", r"'/it'\''s'\!'.git'");
        check(Provider::Git, "ssh://h/~me/x", "'~me/x'");
        check(Provider::Git, "git@h:team/x.git", "'/team/x.git'");
    }

    #[test]
    fn azure_gets_the_path_that_its_portal_writes() {
        let path = "'v3/contoso/My%20Project/checkout'";
        check(Provider::AzureRepos, "git@ssh.dev.azure.com:v3/contoso/My%20Project/checkout", path);
        check(Provider::AzureRepos, "ssh://git@ssh.dev.azure.com/v3/contoso/My%20Project/checkout", path);
    }

    #[test]
    fn an_azure_server_gets_its_path_whole() {
        let url = "ssh://tfs.example.org:22/tfs/Default/My%20Project/_git/checkout";
        check(Provider::AzureRepos, url, "'/tfs/Default/My Project/_git/checkout'");
    }
}

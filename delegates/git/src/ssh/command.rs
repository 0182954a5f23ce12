//! The command that a server is asked to run.

use suitesync_contract::RepoUrl;

const PROGRAM: &str = "git-upload-pack";

/// `git-upload-pack` with the path of the repository.
pub(super) fn command(url: &RepoUrl) -> String {
    format!("{PROGRAM} {}", quoted(&url.ssh_path()))
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
        check(Provider::Git, "git@h:team/x.git", "'team/x.git'");
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

//! `[connection.api]` and `server_url`.

use super::{check_errors, config, problems};

const TOKEN: &str = "[connection.api]\ntoken = { env = \"PAT\" }";
const KEY: &str = "[connection.credentials]\nprivate_key = { env = \"PAT\" }\n";

/// A connection to a project with this URL, these keys and these tables.
fn project(url: &str, keys: &str, tables: &str) -> String {
    format!(
        "[[connection]]\nname = \"c\"\nprovider = \"azure-repos\"\nurl_type = \"project\"\ntest_repository = \"r\"\nurl = \"{url}\"\n{keys}\n{tables}\n"
    )
}

fn check_url(url: &str, keys: &str, tables: &str, expect: &str) {
    let config = config(&project(url, keys, &format!("{tables}{TOKEN}")));
    assert_eq!(config.connections["c"].api.as_ref().unwrap().url, expect, "{url}");
}

#[test]
fn the_apis_address_is_that_of_the_organization_or_the_collection() {
    let services = "https://dev.azure.com/contoso";
    check_url("https://dev.azure.com/contoso/payments", "", "", services);
    check_url("https://contoso.visualstudio.com/payments", "", "", services);
    check_url("git@ssh.dev.azure.com:v3/contoso/payments", "", KEY, services);
    check_url("https://ado.example.org/tfs/qa/payments", "", "", "https://ado.example.org/tfs/qa");
    let plain = "allow_plain_http = true";
    check_url("http://ado.example.org:8080/qa/payments", plain, "", "http://ado.example.org:8080/qa");
    let server = "server_url = \"https://ado.example.org:8443/tfs\"";
    check_url("ssh://git@ado.example.org:2222/tfs/qa/payments", server, KEY, "https://ado.example.org:8443/tfs/qa");
}

#[test]
fn an_api_without_an_address_or_a_token_is_refused() {
    let ssh = project("ssh://git@ado.example.org/tfs/qa/payments", "", &format!("{KEY}{TOKEN}"));
    check_errors(&ssh, &["an address of ssh does not tell where a Server's API is"]);
    assert!(problems(&ssh).contains("set `server_url` in [[connection]]"), "{}", problems(&ssh));
    let without = project("https://dev.azure.com/contoso/payments", "", "[connection.api]");
    check_errors(&without, &["[connection.api] lacks `token`"]);
    let git = format!("[[connection]]\nname = \"c\"\nurl = \"https://git.example.org/t.git\"\n{TOKEN}\n");
    check_errors(&git, &["[connection.api] is for provider azure-repos"]);
}

#[test]
fn the_apis_token_does_not_go_in_the_clear_unless_that_is_allowed() {
    let refused = "the API's token would be sent in the clear over http://";
    check_errors(&project("http://ado.example.org/qa/payments", "", TOKEN), &[refused]);
    let server = "server_url = \"http://ado.example.org\"";
    check_errors(&project("ssh://git@ado.example.org/qa/payments", server, &format!("{KEY}{TOKEN}")), &[refused]);
    check_errors(&project("http://ado.example.org/qa/payments", "allow_plain_http = true", TOKEN), &[]);
}

#[test]
fn a_servers_url_settles_where_its_folders_end_for_connection_and_links() {
    let connection = |server: &str| {
        format!(
            "[[connection]]\nname = \"c\"\nprovider = \"azure-repos\"\nurl_type = \"repository\"\n{server}\nurl = \"https://ado.example.org/tfs/qa/team/_git/r\"\n\
             [[link]]\nname = \"l\"\nconnection = \"c\"\nurl = \"https://ado.example.org/TFS/QA/team/_git/r?path=/a\"\n"
        )
    };
    let check = |server: &str, collection: &str, project: &str| {
        let config = config(&connection(server));
        let names = config.links["l"].repository.azure().unwrap();
        assert_eq!((names.account.name(), names.project.as_str()), (collection, project), "{server}");
    };
    check("server_url = \"https://ado.example.org\"", "tfs", "qa");
    check("server_url = \"https://ado.example.org/tfs/\"", "qa", "team");
    check("", "qa", "team");
}

#[test]
fn a_servers_url_that_does_not_fit_is_refused() {
    let check = |server: &str, message: &str| {
        let keys = format!("server_url = \"{server}\"");
        check_errors(&project("https://ado.example.org/tfs/qa/payments", &keys, ""), &[message]);
    };
    check(
        "https://dev.azure.com",
        "`server_url` is not usable: `dev.azure.com` is one of Azure's own hosts, not a Server",
    );
    check("git@ado.example.org:tfs", "`server_url` is not usable: a server's URL begins with `https://`");
    check("https://ado.example.org/other", "`url` is not usable: the URL is not below `server_url`");
    check(
        "https://ado.example.com/tfs",
        "`url` is not usable: https://ado.example.org/tfs/qa/payments is not on the server https://ado.example.com/tfs",
    );
    let git = "[[connection]]\nname = \"c\"\nurl = \"https://git.example.org/t.git\"\nserver_url = \"https://git.example.org\"\n";
    check_errors(git, &["`server_url` is of an Azure DevOps Server, and the provider is `git`"]);
}

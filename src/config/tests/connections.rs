//! `[[connection]]`, a rule at a time.

use suitesync_contract::{Credentials, Provider, SecretRef, UrlType};

use super::{check_errors, config, problems};
use crate::domain::cadence::Cadence;

/// A connection in order but for these lines.
fn with(lines: &str) -> String {
    format!(
        "[[connection]]\nname = \"contoso\"\nurl = \"https://dev.azure.com/contoso/payments\"\ntest_repository = \"checkout\"\n{lines}\n"
    )
}

/// A connection to any Git server, with these lines.
fn git(url: &str, lines: &str) -> String {
    format!("[[connection]]\nname = \"git\"\nurl = \"{url}\"\n{lines}\n")
}

#[test]
fn what_is_not_written_has_a_default() {
    let config = config(&git("https://git.example.org/team/tests.git", ""));
    let connection = &config.connections["git"];
    assert_eq!((connection.provider, connection.url_type), (Provider::Git, UrlType::Repository));
    assert_eq!(connection.display_name, "git");
    assert_eq!(connection.test_cadence, Cadence::every("30m").unwrap());
    assert_eq!((&connection.credentials, &connection.disconnected), (&None, &None));
    assert_eq!(connection.probed_repository.request_url(), "https://git.example.org/team/tests.git");
}

#[test]
fn provider_and_kind_of_url_are_taken_from_azures_own_urls() {
    let check = |url: &str, test_repository: &str, url_type| {
        let text = format!("[[connection]]\nname = \"c\"\nurl = \"{url}\"\n{test_repository}");
        let config = config(&text);
        assert_eq!(config.connections["c"].provider, Provider::AzureRepos);
        assert_eq!(config.connections["c"].url_type, url_type, "{url}");
    };
    check("https://dev.azure.com/contoso", "test_repository = \"payments/checkout\"", UrlType::Organization);
    check("https://dev.azure.com/contoso/payments", "test_repository = \"checkout\"", UrlType::Project);
    check("https://dev.azure.com/contoso/payments/_git/checkout", "", UrlType::Repository);
    check("https://contoso@dev.azure.com/contoso/payments/_git/checkout", "", UrlType::Repository);
}

#[test]
fn credentials_are_references() {
    let basic = config(&with("[connection.credentials]\nusername = \"me\"\npassword = { env = \"PAT\" }"));
    let password = SecretRef::Env("PAT".to_owned());
    let expect = Credentials::Basic { username: "me".to_owned(), password };
    assert_eq!(basic.connections["contoso"].credentials, Some(expect));
    let bearer = config(&with("credentials = { bearer = { file = \"/run/token\" } }"));
    let token = SecretRef::File("/run/token".to_owned());
    assert_eq!(bearer.connections["contoso"].credentials, Some(Credentials::Bearer { token }));
}

#[test]
fn values_that_cannot_be_used_are_refused() {
    let check = |lines: &str, message: &str| check_errors(&with(lines), &[message]);
    check("provider = \"github\"", "`github` is not allowed for `provider`");
    check("connection_type = \"ftp\"", "`ftp` is not allowed for `connection_type`");
    check("display_name = \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"", "`display_name` has 51 characters");
    check(&format!("description = \"{}\"", "x".repeat(256)), "`description` has 256 characters");
    check("test_every = \"soon\"", "`test_every` is not usable: \"soon\" is no interval");
    check("test_every = 30", "`test_every` is a text in quotes, not a number");
    check("test_schedule = \"* * *\"", "`test_schedule` is not usable: a cron expression has 6 fields, this has 3");
    check("delegate_tags = \"linux\"", "`delegate_tags` is a list of texts, such as [\"a\", \"b\"], not a text");
    check("delegate_tags = [1]", "`delegate_tags` is a list of texts, such as [\"a\", \"b\"], not a number");
    check("allow_plain_http = \"yes\"", "`allow_plain_http` is true or false, not a text");
    check("disconnected = 1", "`disconnected` is true or false, not a number");
}

#[test]
fn keys_and_words_of_later_versions_are_refused_by_name() {
    let check =
        |lines: &str, what: &str| check_errors(&with(lines), &[&format!("{what} is not supported by this version")]);
    for key in ["renamed_from", "proxy", "no_proxy"] {
        check(&format!("{key} = \"x\""), &format!("`{key}` in [[connection]]"));
    }
    let token = "[connection.api]\ntoken = { env = \"PAT\" }\n";
    check(&format!("{token}hooks = true"), "`hooks` in [connection.api]");
    check(&format!("{token}statuses = true"), "`statuses` in [connection.api]");
    check_errors(&git("file:///srv/git/tests", ""), &["a URL of file is not supported by this version"]);
}

#[test]
fn keys_that_exclude_each_other_are_refused() {
    let check = |lines: &str, message: &str| {
        let found = problems(&with(lines));
        assert!(found.contains(message), "{found}");
    };
    check("test_every = \"1h\"\ntest_schedule = \"@daily\"", "6:1 `test_every` and `test_schedule` exclude each other");
    let both = "[connection.credentials]\npassword = { env = \"PAT\" }\nbearer = { env = \"PAT\" }";
    check(both, "7:1 `password` and `bearer` exclude each other");
    let user = "[connection.credentials]\nusername = \"a\"\nbearer = { env = \"PAT\" }";
    check(user, "`bearer` and `username` exclude each other");
}

#[test]
fn a_test_repository_is_needed_unless_the_url_names_one() {
    let text =
        "[[connection]]\nname = \"c\"\nprovider = \"azure-repos\"\nurl = \"https://dev.azure.com/contoso/payments\"";
    check_errors(text, &["`test_repository` is needed where `url_type` is `project`"]);
    let text = git("https://git.example.org/tests.git", "test_repository = \"x\"");
    check_errors(
        &text,
        &["`test_repository` is not usable: `test_repository` is not used where `url_type` is `repository`"],
    );
}

#[test]
fn a_url_that_may_name_several_things_needs_its_kind() {
    let text =
        git("https://azure.example.org/tfs/contoso/payments", "provider = \"azure-repos\"\ntest_repository = \"x\"");
    check_errors(&text, &["[[connection]] lacks `url_type`, and its URL may name several things"]);
}

#[test]
fn a_project_url_that_holds_a_repository_is_refused_with_the_corrected_one() {
    let text = "[[connection]]\nname = \"c\"\nurl_type = \"project\"\ntest_repository = \"x\"\n\
                url = \"https://dev.azure.com/contoso/payments/_git/checkout\"";
    let found = problems(text);
    assert!(found.contains("[did you mean \"https://dev.azure.com/contoso/payments\"?]"), "{found}");
}

#[test]
fn credentials_in_the_clear_need_to_be_allowed() {
    let credentials = "[connection.credentials]\npassword = { env = \"PAT\" }";
    let refused = "credentials would be sent in the clear over http://";
    check_errors(&git("http://git.example.org/t.git", credentials), &[refused]);
    check_errors(&git("http://git.example.org/t.git", &format!("allow_plain_http = true\n{credentials}")), &[]);
    check_errors(&git("http://git.example.org/t.git", ""), &[]);
}

#[test]
fn a_url_that_holds_a_password_is_refused_and_not_shown() {
    let found = super::diagnostics(&git("https://me:hunter2@git.example.org/t.git", ""));
    let shown: String = found.iter().map(|d| format!("{d:?}\n{}", d.render())).collect();
    assert!(shown.contains("password"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_pin_knows_where_it_is_written() {
    let config = config(&with("disconnected = true"));
    let pin = config.connections["contoso"].disconnected.as_ref().unwrap();
    assert!(pin.file.ends_with("suitesync.toml"));
    assert_eq!(pin.line, 5);
}

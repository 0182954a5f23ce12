//! REST: what is listed, who may see it, in which version.

use suitesync_loopback::{AzureDeployment, AzureRefusal, AzureScope, AzureScopeRefusal, SampleRepository};

use crate::azure::site::{AzureSite, TOKEN};
use crate::support::REPOSITORY;

#[test]
fn the_connection_names_the_user_of_the_token() {
    let site = AzureSite::new();
    let path = "/contoso/_apis/connectionData?connectOptions=1&api-version=7.1-preview";

    let basic = site.get(path);
    let bearer = site.ask(path, &["--header", &format!("Authorization: Bearer {TOKEN}")]);

    assert_eq!(basic.field("/authenticatedUser/properties/Account/$value"), "ada@sample.example");
    assert_eq!(basic.field("/deploymentType"), "hosted");
    assert_eq!(basic.body(), bearer.body());
}

#[test]
fn repositories_are_found_by_name_and_by_id() {
    let site = AzureSite::new();
    let id = site.server.repository_id("contoso", "payments", "checkout");
    let project = site.server.project_id("contoso", "payments");
    let check = |path: &str| {
        let answered = site.get(path);
        assert_eq!((answered.status, answered.field("/id")), (200, id.clone()), "{path}");
    };

    check("/contoso/payments/_apis/git/repositories/checkout?api-version=7.1");
    check(&format!("/contoso/{project}/_apis/git/repositories/{id}?api-version=7.0"));
    check(&format!("/contoso/_apis/git/repositories/{id}"));
    check("/contoso/PAYMENTS/_apis/git/Repositories/Checkout");
}

#[test]
fn a_repository_says_where_it_is_and_what_its_default_branch_is() {
    let site = AzureSite::new();
    SampleRepository::create(site.site.folder.path().join("served/contoso/my project/_git/empty")).unwrap();
    site.server.set_ssh_base("ssh://ada@127.0.0.1:2222/v3");

    let full = site.get("/contoso/payments/_apis/git/repositories/checkout");
    let empty = site.get("/contoso/my%20project/_apis/git/repositories/empty");

    assert_eq!(full.field("/remoteUrl"), site.server.url(REPOSITORY));
    assert_eq!(full.field("/sshUrl"), "ssh://ada@127.0.0.1:2222/v3/contoso/payments/checkout");
    assert_eq!(
        (full.field("/defaultBranch").as_str(), full.field("/isDisabled").as_str()),
        ("refs/heads/main", "false")
    );
    assert_eq!(empty.field("/webUrl"), site.server.url("/contoso/my project/_git/empty"));
    assert_eq!(empty.body().get("defaultBranch"), None);
}

#[test]
fn a_disabled_repository_is_listed_and_not_found() {
    let site = AzureSite::new();
    site.server.disable("contoso", "payments", "checkout");

    let (listed, asked) = (
        site.get("/contoso/payments/_apis/git/repositories"),
        site.get("/contoso/payments/_apis/git/repositories/checkout"),
    );

    assert_eq!((listed.field("/count").as_str(), listed.field("/value/0/isDisabled").as_str()), ("1", "true"));
    assert_eq!((asked.status, asked.field("/typeKey").as_str()), (404, "GitRepositoryNotFoundException"));
}

#[test]
fn any_url_of_a_repository_leads_to_its_collection() {
    let site =
        AzureSite::with(|options| options.deployment(AzureDeployment::Server { virtual_folder: "tfs".to_owned() }));

    let told = site.get(&format!("/tfs{REPOSITORY}/vsts/info"));

    assert_eq!(told.field("/serverUrl"), site.server.url("/tfs/contoso"));
    assert_eq!(
        (told.field("/collection/name").as_str(), told.field("/repository/project/state").as_str()),
        ("contoso", "1")
    );
    assert!(site.list(&format!("/tfs{REPOSITORY}"), TOKEN).status.success());
    assert_eq!(site.get(&format!("{REPOSITORY}/vsts/info")).status, 404);
}

#[test]
fn projects_come_in_pages() {
    let site = AzureSite::new();
    SampleRepository::create(site.site.folder.path().join("served/contoso/another/_git/another")).unwrap();

    let first = site.get("/contoso/_apis/projects?$top=1&api-version=7.1");
    let second = site.get("/contoso/_apis/projects?$top=1&continuationToken=1&api-version=7.1");

    assert_eq!((first.field("/value/0/name").as_str(), first.header("x-ms-continuationtoken")), ("another", Some("1")));
    assert_eq!((second.field("/value/0/name").as_str(), second.header("x-ms-continuationtoken")), ("payments", None));
    assert_eq!(site.get("/contoso/_apis/projects/nope").field("/typeKey"), "ProjectDoesNotExistWithNameException");
    assert_eq!(site.get("/nobody/_apis/projects").status, 404);
}

#[test]
fn a_token_that_is_not_known_meets_the_page_to_sign_in_or_what_was_set() {
    let site = AzureSite::new();
    let path = "/contoso/_apis/projects";
    let page = site.ask(path, &[]);
    assert_eq!((page.status, page.header("content-type")), (203, Some("text/html; charset=utf-8")));
    assert!(page.text().contains("Sign In"));
    assert_eq!(
        site.ask(path, &["--header", "X-TFS-FedAuthRedirect: Suppress"]).field("/typeKey"),
        "UnauthorizedRequestException"
    );
    assert_eq!(site.ask(path, &["--request", "PATCH"]).status, 401);

    site.server.set_rest_refusal(AzureRefusal::SignInRedirect);
    assert_eq!(site.ask(path, &[]).status, 302);
    site.server.set_rest_refusal(AzureRefusal::Unauthorized);
    assert!(site.ask(path, &[]).field("/message").starts_with("TF400813"));
}

#[test]
fn tokens_that_are_expired_or_lack_a_scope_are_told_so() {
    let site = AzureSite::new();
    site.server.set_token(TOKEN, &[AzureScope::CodeRead]);
    let asked = || site.get("/contoso/_apis/projects");
    assert_eq!((asked().status, asked().field("/message").starts_with("TF401027")), (403, true));
    assert_eq!(site.get("/contoso/_apis/git/repositories").status, 200);

    site.server.set_scope_refusal(AzureScopeRefusal::Unauthorized);
    assert_eq!(asked().status, 401);
    site.server.expire_token(TOKEN);

    assert_eq!((asked().status, asked().field("/typeKey").as_str()), (401, "AccessCheckException"));
    assert!(asked().header("x-tfs-serviceerror").unwrap().contains("expired"));
    site.server.revoke_token(TOKEN);
    assert_eq!(asked().status, 203);
}

#[test]
fn versions_that_are_too_new_or_not_released_are_refused() {
    let site = AzureSite::with(|options| options.latest_version("6.0"));
    let check = |path: &str, type_key: &str| {
        let refused = site.get(path);
        assert_eq!((refused.status, refused.field("/typeKey").as_str()), (400, type_key), "{path}");
    };

    check("/contoso/_apis/projects?api-version=7.1", "VssVersionOutOfRangeException");
    check("/contoso/_apis/connectionData?api-version=6.0", "VssInvalidPreviewVersionException");
    assert_eq!(site.get("/contoso/_apis/projects?api-version=6.0").status, 200);
    assert_eq!(site.get("/contoso/_apis/connectionData?api-version=6.0-preview").status, 200);
    let accept = ["--user", &format!(":{TOKEN}"), "--header", "Accept: application/json;api-version=7.1"];
    assert_eq!(site.ask("/contoso/_apis/projects", &accept).status, 400);
}

#[test]
fn clients_discover_resources_and_areas() {
    let site = AzureSite::with(|options| options.latest_version("6.0"));

    let resources = site.ask("/contoso/_apis", &["--request", "OPTIONS", "--user", &format!(":{TOKEN}")]);
    let areas = site.get("/contoso/_apis/ResourceAreas");

    let all = resources.body();
    let repositories =
        all["value"].as_array().unwrap().iter().find(|one| one["resourceName"] == "repositories").unwrap();
    assert_eq!(repositories["maxVersion"], "6.0");
    assert_eq!(areas.field("/value/0/locationUrl"), format!("{}/", site.server.url("/contoso")));
}

#[test]
fn an_answer_that_is_right_may_ask_for_quiet() {
    let site = AzureSite::new();
    site.server.slow_down(5);
    let slow = site.get("/contoso/_apis/projects");
    assert_eq!((slow.status, slow.header("retry-after"), slow.field("/count").as_str()), (200, Some("5"), "1"));

    site.server.end_slow_down();

    assert_eq!(site.get("/contoso/_apis/projects").header("retry-after"), None);
}

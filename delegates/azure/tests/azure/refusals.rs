//! One row for each way in which Azure refuses: what is answered, and what is made of it.

use suitesync_contract::FailureClass as Class;

use crate::answers::{Answer, error, page, redirect, text};
use crate::support::{IDENTITY, REPOSITORY, World};

const EXPIRED: &str = "Access Denied: The Personal Access Token used has expired.";
const SIGN_IN: &str = "https://spsexample.vssps.visualstudio.com/_signin?realm=dev.azure.com&reply_to=x";

/// Refuses at `path` and looks at what a probe makes of it.
async fn check(path: &str, answer: Answer, class: Class, message: &str, hint: &str) {
    let world = World::healthy();
    world.says(path, answer.clone());
    let failure = world.probe().await.unwrap_err();
    assert_eq!(failure.class, class, "{failure} {answer:?}");
    assert!(failure.message.contains(message), "{failure}");
    assert!(failure.hint.contains(hint), "{}", failure.hint);
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_rejected_however_the_server_shows_it() {
    let check = async |answer, message| check(IDENTITY, answer, Class::AuthRejected, message, "the token").await;
    let sign_in = || page(203, "Azure DevOps Services | Sign In");
    check(sign_in(), "sign-in page (http 203)").await;
    check(Answer { status: 200, ..sign_in() }, "sign-in page (http 200)").await;
    check(redirect(SIGN_IN), "redirected to a sign-in page").await;
    check(redirect("/_signin?realm=x&reply_to=y"), "redirected to a sign-in page").await;
    let unauthorized = |text| error(401, "UnauthorizedRequestException", text);
    check(unauthorized("TF400813: The user '' is not authorized"), "http 401: TF400813: The user ''").await;
    check(unauthorized("in another language"), "http 401: in another language").await;
    check(page(401, "Unauthorized"), "the credentials were rejected, http 401").await;
    check(text(401, "text/plain", ""), "the credentials were rejected, http 401").await;
}

#[tokio::test]
async fn a_user_who_never_signed_in_is_told_to() {
    let answer = error(401, "UnauthorizedRequestException", "TF401444: Please sign-in at least once as ada");
    check(IDENTITY, answer, Class::AuthRejected, "TF401444", "sign in once on the web").await;
}

#[tokio::test]
async fn a_token_that_has_run_out_is_told_apart_by_the_kind_of_the_error() {
    let check = async |answer, message| check(IDENTITY, answer, Class::AuthExpired, message, "make a new token").await;
    check(error(401, "AccessCheckException", EXPIRED), "http 401: Access Denied: The Personal Access Token").await;
    check(error(401, "AccessCheckException", "in another language"), "in another language").await;
    let in_header = page(401, "Unauthorized").header("X-TFS-ServiceError", "Access%20Denied%3A%20it%20has%20expired.");
    check(in_header, "http 401: Access Denied: it has expired.").await;
}

#[tokio::test]
async fn the_header_that_stands_for_an_error_is_classified_by_its_code() {
    let answer = page(401, "Unauthorized").header("X-TFS-ServiceError", "TF400813%3A%20The%20user%20is%20unknown.");
    check(IDENTITY, answer, Class::AuthRejected, "TF400813: The user is unknown.", "not revoked").await;
}

#[tokio::test]
async fn a_lacking_right_names_the_scope_that_gives_it() {
    let check = async |answer, message| check(REPOSITORY, answer, Class::Forbidden, message, "`Code (Read)`").await;
    let permission = "TF401027: You need the Git 'GenericRead' permission to perform this action.";
    check(error(403, "GitNeedsPermissionException", permission), "'GenericRead' permission").await;
    check(error(403, "AccessCheckException", "the permission is missing"), "http 403: the permission").await;
    check(text(403, "text/plain", ""), "lack the right to read it, http 403").await;
    let same = "; the same token signs in as Ada Example";
    check(error(401, "UnauthorizedRequestException", "TF400813: not authorized"), same).await;
    check(error(401, "AccessCheckException", "the scope lacks"), same).await;
    check(page(203, "Sign In"), same).await;
}

#[tokio::test]
async fn a_user_who_is_not_let_in_lacks_no_scope() {
    let answer = error(403, "AccessCheckException", "VS403283: no access to the organization");
    check(IDENTITY, answer, Class::Forbidden, "http 403: VS403283", "any scope will do").await;
}

#[tokio::test]
async fn what_is_missing_is_told_by_its_kind() {
    let project = async |path, answer, message| check(path, answer, Class::ProjectNotFound, message, "URL").await;
    let missing = error(404, "ProjectDoesNotExistWithNameException", "TF200016: The following project does not exist");
    project(REPOSITORY, missing, "http 404: TF200016").await;
    let missing = error(404, "ProjectDoesNotExistException", "VS800075: The project with id 'x' does not exist");
    project(REPOSITORY, missing, "http 404: VS800075").await;
    project(REPOSITORY, error(404, "ProjectDoesNotExistException", "in another language"), "another language").await;
    project(IDENTITY, page(404, "Not found"), "no organization or collection answers at https://127.0.0.1").await;
    let missing = error(404, "GitRepositoryNotFoundException", "TF401019: The Git repository does not exist");
    let meaning = "it is missing, disabled, or not to be seen with these credentials, http 404: TF401019";
    check(REPOSITORY, missing, Class::RepositoryNotFound, meaning, "not disabled").await;
}

#[tokio::test]
async fn a_blocked_caller_learns_when_it_may_go_on() {
    let told = async |answer: Answer| {
        let world = World::healthy();
        world.says(REPOSITORY, answer);
        let failure = world.probe().await.unwrap_err();
        assert_eq!(failure.class, Class::RateLimited, "{failure}");
        failure.retry_after
    };
    let blocked = || text(429, "text/html", "TF400733: The request has been canceled: it exceeds the usage.");
    assert_eq!(told(blocked().header("Retry-After", "45")).await, Some(45));
    assert_eq!(told(blocked()).await, None);
    let reset = chrono::Utc::now().timestamp() + 300;
    let seconds = told(blocked().header("X-RateLimit-Reset", &reset.to_string())).await;
    assert!(seconds.is_some_and(|seconds| (290..=300).contains(&seconds)), "{seconds:?}");
}

#[tokio::test]
async fn faults_of_the_server_and_breaches_of_protocol_are_told_apart() {
    let down = "TF10216: Azure DevOps services are currently unavailable. Try again later.";
    check(IDENTITY, text(503, "text/html", down), Class::ServerError, "http 503", "tried again").await;
    check(REPOSITORY, page(500, "Runtime error"), Class::ServerError, "http 500", "tried again").await;
    let invalid = error(400, "VssPropertyValidationException", "the value is not valid");
    check(REPOSITORY, invalid, Class::Protocol, "http 400: the value is not valid", "report it").await;
    let unversioned = error(400, "VssVersionNotSpecifiedException", "No api-version was supplied");
    check(REPOSITORY, unversioned, Class::Protocol, "No api-version", "report it").await;
    let plain = text(200, "text/plain", "hello");
    check(REPOSITORY, plain, Class::Protocol, "content of type `text/plain`, not with JSON", "report it").await;
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let check =
        async |location, message| check(IDENTITY, redirect(location), Class::RedirectRefused, message, "").await;
    check("https://elsewhere.example.org/contoso/_apis", "it redirects to https://elsewhere.example.org, another")
        .await;
    check("//elsewhere.example.org/", "it redirects to https://elsewhere.example.org, another origin").await;
    check("file:///etc/passwd", "it redirects to an address of `file`, another origin").await;
    check("/tfs/contoso/_apis", "it redirects to `/tfs/contoso/_apis`, another place of the same host").await;
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_a_breach_of_protocol() {
    check(IDENTITY, page(302, "Moved"), Class::Protocol, "without saying where", "").await;
}

//! Git behind tokens, scopes and the rules of Azure.

use suitesync_loopback::{AzureFault, AzureRefusal, AzureScope, SampleRepository};

use crate::azure::site::{AzureSite, TOKEN};
use crate::support::{REPOSITORY, stderr, stdout};

#[test]
fn every_form_of_a_repositorys_path_is_served() {
    let site = AzureSite::new();
    SampleRepository::create(site.site.folder.path().join("served/contoso/alike/_git/alike.git")).unwrap();
    let check = |path: &str| {
        let listed = site.list(path, TOKEN);
        assert!(listed.status.success(), "{path}: {}", stderr(&listed));
    };

    assert_eq!(stdout(&site.list(REPOSITORY, TOKEN)), format!("{}\tHEAD\n", site.site.commit));
    check("/contoso/Payments/_git/CHECKOUT");
    check("/contoso/payments/_git/_optimized/checkout");
    check("/contoso/payments/team/_git/_full/checkout");
    check("/contoso/_git/alike");
    check("/contoso/alike/_git/alike");
}

#[test]
fn tokens_that_are_unknown_expired_or_short_of_a_scope_are_refused() {
    let site = AzureSite::new();
    site.server.set_token("other", &[AzureScope::ProjectRead]);
    site.server.set_token("old", &[AzureScope::CodeRead]);
    site.server.expire_token("old");
    let check = |token: &str, said: &str| {
        let refused = site.list(REPOSITORY, token);
        assert!(!refused.status.success() && stderr(&refused).contains(said), "{token}: {}", stderr(&refused));
    };

    check("unknown", "could not read Username");
    check("old", "could not read Username");
    check("other", "TF401027");
    site.server.set_git_refusal(AzureRefusal::SignInPage);
    check("unknown", "is this a git repository?");
    site.server.set_git_refusal(AzureRefusal::SignInRedirect);
    check("unknown", "/_signin?realm=");
}

#[test]
fn what_is_missing_or_disabled_is_not_found() {
    let site = AzureSite::new();
    let check = |path: &str, name: &str| {
        let refused = stderr(&site.list(path, TOKEN));
        assert!(refused.contains(&format!("TF401019: The Git repository with name or identifier {name}")), "{refused}");
    };

    check("/contoso/payments/_git/missing", "missing");
    check("/contoso/missing/_git/checkout", "checkout");
    check("/missing/payments/_git/checkout", "checkout");
    site.server.disable("contoso", "payments", "checkout");
    check(REPOSITORY, "checkout");
    site.server.enable("contoso", "payments", "checkout");
    assert!(site.list(REPOSITORY, TOKEN).status.success());
}

#[test]
fn a_client_that_does_not_call_itself_git_is_sent_to_sign_in() {
    let site = AzureSite::new();
    let path = format!("{REPOSITORY}/info/refs?service=git-upload-pack");

    let browser = site.get(&path);

    assert_eq!((browser.status, browser.header("location").map(|to| to.starts_with("/_signin?"))), (302, Some(true)));
    assert_eq!(site.ask(&path, &["--user", &format!(":{TOKEN}"), "--user-agent", "git/2.0 (x)"]).status, 200);
    assert_eq!(site.ask("/_signin", &[]).status, 200);
}

#[test]
fn bad_days_are_faults_of_the_server_underneath() {
    let site = AzureSite::new();
    let server = site.server.server();
    let check = |fault: AzureFault, status: u16| {
        server.set_fault("/contoso", fault.into());
        assert_eq!(site.get("/contoso/_apis/projects").status, status);
        assert!(!site.list(REPOSITORY, TOKEN).status.success());
    };

    check(AzureFault::RateLimited { seconds: 7 }, 429);
    assert_eq!(site.get("/contoso/_apis/projects").header("retry-after"), Some("7"));
    check(AzureFault::Unavailable, 503);
    check(AzureFault::SignInPage, 203);
    check(AzureFault::SignInRedirect, 302);
    check(AzureFault::Unauthorized, 401);
    check(AzureFault::TokenExpired, 401);
    server.clear_faults();
    assert!(site.list(REPOSITORY, TOKEN).status.success());
}

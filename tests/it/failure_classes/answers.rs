//! What a server of Git over HTTPS answers, and what that means.

use suitesync_contract::FailureClass;
use suitesync_loopback::{Fault, GitServer, ServerOptions};

use super::{Row, Scene};
use crate::support::Site;
use crate::support::connection::Connection;

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "without-token",
        class: FailureClass::AuthMissing,
        step: "credentials",
        says: &["failed to read {url} from delegate local: it asks for credentials and none are set, http 401"],
        hint: "set `credentials` for the connection",
    },
    Row {
        name: "wrong-token",
        class: FailureClass::AuthRejected,
        step: "credentials",
        says: &["failed to read {url} from delegate local: the credentials were rejected, http 401"],
        hint: "check that the token is whole, not revoked",
    },
    Row {
        name: "foreign-schemes",
        class: FailureClass::AuthRejected,
        step: "credentials",
        says: &["failed to read {url} from delegate local: it takes none of our ways to sign in, only Negotiate, NTLM"],
        hint: "have the server take Basic or Bearer",
    },
    Row {
        name: "forbidden",
        class: FailureClass::Forbidden,
        step: "credentials",
        says: &["failed to read {url} from delegate local: the credentials lack the right to read it, http 403"],
        hint: "give the token",
    },
    Row {
        name: "missing",
        class: FailureClass::RepositoryNotFound,
        step: "repository",
        says: &["failed to read {url} from delegate local: it is missing, disabled, or not to be seen", "http 404"],
        hint: "check the repository in the URL",
    },
    Row {
        name: "page",
        class: FailureClass::NotGit,
        step: "repository",
        says: &["failed to talk Git with {url} from delegate local: it answered with a page instead of Git"],
        hint: "check that the URL is the one used for `git clone`",
    },
    Row {
        name: "redirected",
        class: FailureClass::RedirectRefused,
        step: "credentials",
        says: &["failed to read {url} from delegate local: it redirects to {elsewhere}, another origin"],
        hint: "use the address that the server redirects to, if it is yours",
    },
    Row {
        name: "limited",
        class: FailureClass::RateLimited,
        step: "credentials",
        says: &["failed to read {url} from delegate local: ", "http 429", "; the server allows another try at 20"],
        hint: "nothing: it goes on by itself",
    },
    Row {
        name: "unavailable",
        class: FailureClass::ServerError,
        step: "credentials",
        says: &["failed to read {url} from delegate local: http 503: down for the night"],
        hint: "look at the server; it is tried again by itself",
    },
    Row {
        name: "garbage",
        class: FailureClass::Protocol,
        step: "repository",
        says: &["failed to talk Git with {url} from delegate local: "],
        hint: "check that nothing in between changes the answers",
    },
];

fn answer(code: u16, headers: &[(&str, &str)], body: &str) -> Fault {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Fault::Status { code, headers, body: body.as_bytes().to_vec() }
}

fn faults(elsewhere: &GitServer) -> [(&'static str, Fault); 7] {
    let advertisement = [("Content-Type", "application/x-git-upload-pack-advertisement")];
    [
        ("foreign-schemes", answer(401, &[("WWW-Authenticate", "Negotiate"), ("WWW-Authenticate", "NTLM")], "")),
        ("forbidden", answer(403, &[], "")),
        ("page", answer(200, &[("Content-Type", "text/html")], "<!DOCTYPE html><html></html>")),
        ("redirected", Fault::Redirect(elsewhere.url("/redirected.git/info/refs?service=git-upload-pack"))),
        ("limited", answer(429, &[("Retry-After", "3600")], "")),
        ("unavailable", answer(503, &[("Content-Type", "text/plain")], "down for the night\n")),
        ("garbage", answer(200, &advertisement, "zzzz no packet of Git")),
    ]
}

#[test]
fn answers_that_are_not_git_s_are_told_apart_and_a_token_stays_at_its_origin() {
    let mut scene = Scene::new(Site::new());
    let ca = scene.site.path("ca.pem");
    let elsewhere = GitServer::start(ServerOptions::new(scene.site.path("repositories"))).unwrap();
    scene.name("{elsewhere}", elsewhere.url(""));
    for (name, fault) in faults(&elsewhere) {
        scene.site.server.set_fault(&format!("/{name}.git"), fault);
    }
    for row in ROWS {
        let url = scene.site.server.url(&format!("/{}.git", row.name));
        let connection = Connection::new(row.name, &url).trusting(&ca);
        scene.add(match row.name {
            "without-token" => connection,
            "wrong-token" => connection.token("WRONG_TOKEN"),
            _ => connection.token("SITE_TOKEN"),
        });
    }
    scene.check(ROWS);
    assert_eq!(elsewhere.connections(), 0, "nothing is sent to another origin");
}

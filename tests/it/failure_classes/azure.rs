//! Azure Repos: pages to sign in, codes of its own, and the API beside Git.

use std::path::PathBuf;

use suitesync_contract::FailureClass;
use suitesync_loopback::{AzureFault, AzureOptions, AzureScope, AzureServer, Fault, IssueOptions, SampleRepository};

use super::{Row, Scene};
use crate::support::Site;
use crate::support::connection::Connection;

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "sign-in-page",
        class: FailureClass::AuthRejected,
        step: "credentials",
        says: &["failed to talk Git with {url} from delegate local: it answered with a sign-in page (http 203)"],
        hint: "check that the token is whole, not revoked",
    },
    Row {
        name: "sign-in-redirect",
        class: FailureClass::AuthRejected,
        step: "credentials",
        says: &["failed to talk Git with {url} from delegate local: it redirected to a sign-in page"],
        hint: "check that the token is whole, not revoked",
    },
    Row {
        name: "page",
        class: FailureClass::AuthRejected,
        step: "credentials",
        says: &["failed to talk Git with {url} from delegate local: it answered with a page instead of Git"],
        hint: "check that the token is whole, not revoked",
    },
    Row {
        name: "unknown-token",
        class: FailureClass::AuthRejected,
        step: "credentials",
        says: &["failed to read {url} from delegate local: the credentials were rejected, http 401"],
        hint: "made for this organization",
    },
    Row {
        name: "expired-token",
        class: FailureClass::AuthExpired,
        step: "credentials",
        says: &["failed to read {url} from delegate local: ", "has expired"],
        hint: "make a new token",
    },
    Row {
        name: "without-scope",
        class: FailureClass::Forbidden,
        step: "credentials",
        says: &["failed to read {url} from delegate local: ", "http 403: TF401027: "],
        hint: "Code (Read)",
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
        says: &["failed to read {url} from delegate local: ", "http 503"],
        hint: "look at the server",
    },
    Row {
        name: "no-project",
        class: FailureClass::ProjectNotFound,
        step: "repository",
        says: &["failed to read {url} from delegate local: ", "http 404: VS800075: "],
        hint: "check the project in the URL",
    },
    Row {
        name: "missing",
        class: FailureClass::RepositoryNotFound,
        step: "repository",
        says: &["failed to read {url} from delegate local: ", "http 404: TF401019: "],
        hint: "check the repository in the URL",
    },
    Row {
        name: "disabled",
        class: FailureClass::RepositoryNotFound,
        step: "repository",
        says: &["failed to read {url} from delegate local: it is missing, disabled, or", "http 404: TF401019: "],
        hint: "that it is not disabled",
    },
    Row {
        name: "api-unknown-token",
        class: FailureClass::AuthRejected,
        step: "api",
        says: &["failed to read {url} from delegate local: ", "TF400813"],
        hint: "check that the token is whole, not revoked",
    },
    Row {
        name: "api-expired-token",
        class: FailureClass::AuthExpired,
        step: "api",
        says: &["failed to read {url} from delegate local: ", "has expired"],
        hint: "make a new token",
    },
    Row {
        name: "api-without-scope",
        class: FailureClass::Forbidden,
        step: "api",
        says: &["failed to read {url} from delegate local: ", "TF401027"],
        hint: "give the token the scope `Code (Read)`",
    },
];

/// Rows whose connection has API access, and API tokens of which nothing good is known.
const API_TOKENS: [(&str, &str); 3] = [
    ("api-unknown-token", "an-api-token-that-nobody-made"),
    ("api-expired-token", "an-api-token-of-last-year"),
    ("api-without-scope", "an-api-token-for-projects"),
];

const TOKEN: &str = "a-token-that-reads-code";

/// Everything that goes wrong at the server.
fn server(site: &Site) -> AzureServer {
    let root = site.path("azure");
    for row in ROWS.iter().filter(|row| row.name != "missing") {
        SampleRepository::create(root.join(format!("contoso/payments/_git/{}", row.name))).unwrap();
    }
    let (authority, _) = site.authority("Azure Authority");
    let identity = authority.issue(&IssueOptions::default()).unwrap();
    let azure = AzureServer::start(AzureOptions::new(root).identity(identity)).unwrap();
    azure.set_token(TOKEN, &[AzureScope::CodeRead]);
    for token in ["a-token-of-last-year", "an-api-token-of-last-year"] {
        azure.set_token(token, &[AzureScope::CodeRead]);
        azure.expire_token(token);
    }
    for token in ["a-token-for-projects", "an-api-token-for-projects"] {
        azure.set_token(token, &[AzureScope::ProjectRead]);
    }
    azure.disable("contoso", "payments", "disabled");
    for (name, fault) in faults() {
        azure.server().set_fault(&format!("/contoso/payments/_git/{name}/"), fault);
    }
    azure
}

fn faults() -> [(&'static str, Fault); 6] {
    let answer = |code, kind: &str, body: &str| {
        let headers = vec![("Content-Type".to_owned(), kind.to_owned())];
        Fault::Status { code, headers, body: body.as_bytes().to_vec() }
    };
    let no_project = "VS800075: The project with id 'vstfs:///payments' does not exist.";
    [
        ("sign-in-page", AzureFault::SignInPage.into()),
        ("sign-in-redirect", AzureFault::SignInRedirect.into()),
        ("page", answer(200, "text/html; charset=utf-8", "<!DOCTYPE html><html></html>")),
        ("limited", AzureFault::RateLimited { seconds: 3600 }.into()),
        ("unavailable", AzureFault::Unavailable.into()),
        ("no-project", answer(404, "text/plain; charset=utf-8", no_project)),
    ]
}

fn token_file(site: &Site, row: &str) -> PathBuf {
    let token = match row {
        "unknown-token" => "a-token-that-nobody-made",
        "expired-token" => "a-token-of-last-year",
        "without-scope" => "a-token-for-projects",
        _ => TOKEN,
    };
    site.secret_file(&format!("{row}.token"), token)
}

#[test]
fn what_azure_refuses_is_told_apart() {
    let mut scene = Scene::new(Site::new());
    let azure = server(&scene.site);
    for row in ROWS {
        let url = azure.url(&format!("/contoso/payments/_git/{}", row.name));
        let connection = Connection::new(row.name, &url).azure().trusting(&scene.site.path("Azure-Authority.pem"));
        let connection = connection.token_in(&token_file(&scene.site, row.name));
        let api = API_TOKENS.iter().find(|(name, _)| *name == row.name);
        scene.add(match api {
            Some((name, token)) => {
                connection.api_token_in(&scene.site.secret_file(&format!("{name}.api-token"), token))
            }
            None => connection,
        });
    }
    scene.check(ROWS);
}

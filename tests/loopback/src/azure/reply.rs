//! Answers as Azure DevOps words them: JSON, the envelope of an error, pages to sign in.

use hyper::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::front::Reply;

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const SIGN_IN: &str =
    "<!DOCTYPE html>\n<html><head><title>Azure DevOps Services | Sign In</title></head><body></body></html>\n";
/// The event that goes with most refusals.
const EVENT: i32 = 3000;

/// What a client branches on: a class of exceptions by its short name, and a sentence that starts with a code.
struct Failure {
    status: StatusCode,
    type_name: &'static str,
    message: String,
    event: i32,
}

impl Failure {
    fn reply(self) -> Reply {
        let assembly = "Microsoft.TeamFoundation.Server";
        let type_key = self.type_name;
        let body = json!({
            "$id": "1",
            "innerException": null,
            "message": self.message,
            "typeName": format!("{assembly}.{type_key}, {assembly}"),
            "typeKey": type_key,
            "errorCode": 0,
            "eventId": self.event,
        });
        reply(self.status, &body)
    }
}

pub(super) fn ok(body: &Value) -> Reply {
    reply(StatusCode::OK, body)
}

/// A list as all of REST words them.
pub(super) fn list(values: Vec<Value>) -> Value {
    json!({ "count": values.len(), "value": values })
}

/// What was looked up, or why it cannot be had.
pub(super) fn answered(found: Result<Value, Reply>) -> Reply {
    found.map_or_else(|refusal| refusal, |body| ok(&body))
}

pub(super) fn sign_in_page(status: StatusCode) -> Reply {
    Reply::new(status, HTML, SIGN_IN)
}

pub(super) fn sign_in_redirect() -> Reply {
    Reply::new(StatusCode::FOUND, HTML, "").with("Location", "/_signin?realm=loopback&reply_to=%2F")
}

/// What Git asks for with 401.
pub(super) fn challenge() -> Reply {
    Reply::new(StatusCode::UNAUTHORIZED, HTML, "")
        .with("WWW-Authenticate", "Bearer authorization_uri=https://login.example/loopback")
        .with("WWW-Authenticate", "Basic realm=\"loopback\"")
}

pub(super) fn unauthorized() -> Reply {
    Failure {
        status: StatusCode::UNAUTHORIZED,
        type_name: "UnauthorizedRequestException",
        message: "TF400813: The user '' is not authorized to access this resource.".to_owned(),
        event: EVENT,
    }
    .reply()
}

pub(super) fn expired() -> Reply {
    let message = "Access Denied: The Personal Access Token used has expired.";
    let encoded = utf8_percent_encode(message, NON_ALPHANUMERIC).to_string();
    let failure = Failure {
        status: StatusCode::UNAUTHORIZED,
        type_name: "AccessCheckException",
        message: message.to_owned(),
        event: EVENT,
    };
    failure.reply().with("X-TFS-ServiceError", encoded).with("WWW-Authenticate", "Basic realm=\"loopback\"")
}

pub(super) fn forbidden(permission: &str) -> Reply {
    Failure {
        status: StatusCode::FORBIDDEN,
        type_name: "GitNeedsPermissionException",
        message: format!("TF401027: You need the '{permission}' permission to perform this action."),
        event: EVENT,
    }
    .reply()
}

pub(super) fn project_missing(name: &str) -> Reply {
    Failure {
        status: StatusCode::NOT_FOUND,
        type_name: "ProjectDoesNotExistWithNameException",
        message: format!("TF200016: The following project does not exist: {name}."),
        event: EVENT,
    }
    .reply()
}

pub(super) fn repository_missing(name: &str) -> Reply {
    Failure {
        status: StatusCode::NOT_FOUND,
        type_name: "GitRepositoryNotFoundException",
        message: repository_missing_text(name),
        event: EVENT,
    }
    .reply()
}

/// The same as Git is told.
pub(super) fn git_repository_missing(name: &str) -> Reply {
    Reply::new(StatusCode::NOT_FOUND, TEXT, repository_missing_text(name))
}

pub(super) fn git_forbidden() -> Reply {
    let text = "TF401027: You need the Git 'GenericRead' permission to perform this action.";
    Reply::new(StatusCode::FORBIDDEN, TEXT, text)
}

pub(super) fn rate_limited(seconds: u32) -> Reply {
    let text =
        "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource 'Core'.";
    slowed_down(Reply::new(StatusCode::TOO_MANY_REQUESTS, HTML, text), seconds)
}

/// The headers that ask to wait before the next request, whatever the answer to this one.
pub(super) fn slowed_down(reply: Reply, seconds: u32) -> Reply {
    reply.with("Retry-After", seconds.to_string()).with("X-RateLimit-Resource", "Core").with("X-RateLimit-Limit", "200")
}

pub(super) fn unavailable() -> Reply {
    let text = "TF10216: Azure DevOps services are currently unavailable. Try again later.";
    Reply::new(StatusCode::SERVICE_UNAVAILABLE, HTML, text)
}

/// Nothing at all at this path, as for an organisation that is not there.
pub(super) fn page_missing() -> Reply {
    Reply::new(StatusCode::NOT_FOUND, HTML, "<html><body>The resource cannot be found.</body></html>\n")
}

pub(super) fn version_refused(type_name: &'static str, message: String) -> Reply {
    Failure { status: StatusCode::BAD_REQUEST, type_name, message, event: 0 }.reply()
}

fn reply(status: StatusCode, body: &Value) -> Reply {
    Reply::new(status, "application/json; charset=utf-8; api-version=7.1", body.to_string())
}

fn repository_missing_text(name: &str) -> String {
    format!(
        "TF401019: The Git repository with name or identifier {name} does not exist or you do not have permissions \
         for the operation you are attempting."
    )
}

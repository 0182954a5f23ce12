//! Answers of the shapes that Azure gives, with names of our own.

use std::fmt::Display;

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    fn new(status: u16, content_type: &str, body: impl Display) -> Self {
        Self { status, headers: Vec::new(), body: body.to_string() }.header("Content-Type", content_type)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

pub(crate) fn json(status: u16, body: impl Display) -> Answer {
    Answer::new(status, "application/json; charset=utf-8; api-version=7.1", body)
}

pub(crate) fn page(status: u16, title: &str) -> Answer {
    let body = format!("<!DOCTYPE html><html><head><title>{title}</title></head><body></body></html>");
    Answer::new(status, "text/html; charset=utf-8", body)
}

pub(crate) fn text(status: u16, content_type: &str, body: &str) -> Answer {
    Answer::new(status, content_type, body)
}

pub(crate) fn redirect(location: &str) -> Answer {
    page(302, "Object moved").header("Location", location)
}

/// The envelope of an error: the kind of the exception and its text.
pub(crate) fn error(status: u16, kind: &str, message: &str) -> Answer {
    let body = serde_json::json!({
        "$id": "1",
        "innerException": null,
        "message": message,
        "typeName": format!("Microsoft.Example.Server.{kind}, Microsoft.Example.Server"),
        "typeKey": kind,
        "errorCode": 0,
        "eventId": 3000,
    });
    json(status, body)
}

/// What a web server says of a path that leads nowhere.
pub(crate) fn not_found() -> Answer {
    page(404, "The resource cannot be found.")
}

pub(crate) fn identity(name: &str) -> Answer {
    identity_with_id("51d1b6a4-7a2e-4a55-9c0e-0a3d2f6b7c11", name)
}

pub(crate) fn identity_with_id(id: &str, name: &str) -> Answer {
    let user = serde_json::json!({
        "id": id,
        "descriptor": "Microsoft.IdentityModel.Claims.ClaimsIdentity;example",
        "providerDisplayName": name,
        "isActive": true,
        "properties": { "Account": { "$type": "System.String", "$value": "ada@example.org" } },
    });
    let body = serde_json::json!({
        "authenticatedUser": user,
        "authorizedUser": user,
        "instanceId": "7b0c9f7e-3b57-4a0b-8d55-0b5a4f3f5a10",
        "deploymentType": "onPremises",
    });
    json(200, body)
}

pub(crate) fn repository(project: &str, name: &str, is_disabled: bool) -> Answer {
    json(200, repository_value(project, name, is_disabled))
}

/// The repositories of the project `payments`: names, and whether each is disabled.
pub(crate) fn repositories(listed: &[(&str, bool)]) -> Answer {
    let value: Vec<_> =
        listed.iter().map(|(name, is_disabled)| repository_value("payments", name, *is_disabled)).collect();
    json(200, serde_json::json!({ "count": value.len(), "value": value }))
}

/// What lies behind a clone URL: the collection's name and URL as the server tells them.
pub(crate) fn info(collection: &str, url: &str) -> Answer {
    let body = serde_json::json!({
        "serverUrl": url,
        "collection": { "id": "0f1e2d3c", "name": collection, "url": format!("{url}/_apis/projectCollections/0f1e2d3c") },
        "repository": {
            "id": "c0ffee00-0000-4000-8000-000000000001",
            "name": "checkout",
            "url": format!("{url}/_apis/git/repositories/c0ffee00-0000-4000-8000-000000000001"),
            "project": { "id": "dec0de00-0000-4000-8000-000000000002", "name": "payments", "state": 1 },
        },
    });
    json(200, body)
}

fn repository_value(project: &str, name: &str, is_disabled: bool) -> serde_json::Value {
    serde_json::json!({
        "id": format!("c0ffee00-0000-4000-8000-{:0>12}", name.len()),
        "name": name,
        "url": "https://example.org/_apis/git/repositories/1",
        "project": { "id": "dec0de00-0000-4000-8000-000000000002", "name": project, "state": "wellFormed" },
        "defaultBranch": "refs/heads/main",
        "isDisabled": is_disabled,
    })
}

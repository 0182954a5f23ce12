//! Projects as REST shows them.

use serde_json::{Value, json};

use crate::azure::call::Call;
use crate::azure::inventory::Project;
use crate::azure::reply::{answered, list, ok};
use crate::front::Reply;

/// Projects on a page when the request does not say.
const A_PAGE: usize = 100;

/// A page of projects; a header names where the next one begins.
pub(super) fn list_page(call: &Call<'_>) -> Reply {
    let number = |name: &str| call.head.query(name).and_then(|text| text.parse::<usize>().ok());
    let skip = number("continuationToken").or_else(|| number("$skip")).unwrap_or(0);
    let page = number("$top").unwrap_or(A_PAGE);
    let all = call.projects();
    let next = skip.saturating_add(page);
    let reply = ok(&list(all.iter().skip(skip).take(page).map(|project| body(call, project)).collect()));
    if next < all.len() { reply.with("x-ms-continuationtoken", next.to_string()) } else { reply }
}

pub(super) fn one(call: &Call<'_>) -> Reply {
    answered(call.project(call.named(0)).map(|project| body(call, &project)))
}

pub(super) fn body(call: &Call<'_>, project: &Project) -> Value {
    let url = format!("{}/_apis/projects/{}", call.base, project.id);
    json!({ "id": project.id, "name": project.name, "url": url, "state": "wellFormed", "visibility": "private" })
}

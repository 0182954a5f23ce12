//! Repositories as REST shows them; what is disabled is listed and cannot be had.

use serde_json::{Value, json};

use crate::azure::call::Call;
use crate::azure::inventory::{Repository, id_of};
use crate::azure::projects;
use crate::azure::reply::{answered, list, ok};
use crate::front::{Reply, encoded};

pub(super) fn of_organisation(call: &Call<'_>) -> Reply {
    ok(&list(all(call).iter().map(|repository| body(call, repository)).collect()))
}

pub(super) fn one_of_organisation(call: &Call<'_>) -> Reply {
    answered(call.repository(all(call), call.named(0)).map(|repository| body(call, &repository)))
}

pub(super) fn of_project(call: &Call<'_>) -> Reply {
    let bodies = |all: Vec<Repository>| list(all.iter().map(|repository| body(call, repository)).collect());
    answered(call.project(call.named(0)).map(|project| bodies(call.repositories(&project))))
}

pub(super) fn one_of_project(call: &Call<'_>) -> Reply {
    answered(named(call).map(|repository| body(call, &repository)))
}

/// What any URL of a repository leads to; the state of the project is a number here.
pub(super) fn of_url(call: &Call<'_>) -> Reply {
    answered(named(call).map(|repository| {
        let mut repository = body(call, &repository);
        if let Some(state) = repository.pointer_mut("/project/state") {
            *state = json!(1);
        }
        let id = id_of(&[call.organisation]);
        let url = format!("{}/_apis/projectCollections/{id}", call.base);
        let collection = json!({ "id": id, "name": call.organisation, "url": url });
        json!({ "serverUrl": call.base, "collection": collection, "repository": repository })
    }))
}

fn all(call: &Call<'_>) -> Vec<Repository> {
    call.projects().iter().flat_map(|project| call.repositories(project)).collect()
}

/// The repository of a path that names the project first.
fn named(call: &Call<'_>) -> Result<Repository, Reply> {
    let project = call.project(call.named(0))?;
    call.repository(call.repositories(&project), call.named(1))
}

fn body(call: &Call<'_>, repository: &Repository) -> Value {
    let (project, name) = (encoded(&repository.project.name), encoded(&repository.name));
    let url = format!("{}/{}/_apis/git/repositories/{}", call.base, repository.project.id, repository.id);
    let web_url = format!("{}/{project}/_git/{name}", call.base);
    let ssh_url = format!("{}/{}/{project}/{name}", call.azure.changing().ssh_base, encoded(call.organisation));
    let mut body = json!({
        "id": repository.id,
        "name": repository.name,
        "url": url,
        "project": projects::body(call, &repository.project),
        "size": 0,
        "remoteUrl": web_url,
        "sshUrl": ssh_url,
        "webUrl": web_url,
        "isDisabled": call.azure.is_disabled(repository),
    });
    // An empty repository has none.
    if let (Some(branch), Some(fields)) = (&repository.default_branch, body.as_object_mut()) {
        fields.insert("defaultBranch".to_owned(), json!(branch));
    }
    body
}

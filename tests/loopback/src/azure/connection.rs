//! Who is connected to what: `connectionData`, and the resources and areas that clients discover.

use serde_json::json;

use crate::azure::call::Call;
use crate::azure::inventory::id_of;
use crate::azure::options::AzureDeployment;
use crate::azure::reply::{list, ok};
use crate::front::Reply;

/// Id, area, name and route of what clients look up before they ask for it.
const RESOURCES: [[&str; 4]; 4] = [
    ["00d9565f-ed9c-4a06-9a50-00e7896ccab4", "Location", "ConnectionData", "_apis/{resource}"],
    ["e81700f7-3be2-46de-8624-2eb35882fcaa", "Location", "ResourceAreas", "_apis/{resource}/{areaId}"],
    ["603fe2ac-9723-48b9-88ad-09305aa6c6e1", "core", "projects", "_apis/{resource}/{*projectId}"],
    ["225f7195-f9c7-4d14-ab28-a83f7ff77e1f", "git", "repositories", "{project}/_apis/{area}/{resource}/{repositoryId}"],
];
/// Id and name of the areas that lie below the organisation.
const AREAS: [[&str; 2]; 2] =
    [["79134c72-4a58-4b42-976c-04e7115f32bf", "core"], ["4e080c62-fa21-4fbc-8fef-2a10a2b38049", "git"]];

/// Whose token it is.
pub(super) fn user(call: &Call<'_>) -> Reply {
    let user = json!({
        "id": id_of(&[call.organisation, "user"]),
        "descriptor": "Microsoft.IdentityModel.Claims.ClaimsIdentity;ada@sample.example",
        "providerDisplayName": "Ada Sample",
        "isActive": true,
        "properties": { "Account": { "$type": "System.String", "$value": "ada@sample.example" } },
    });
    let deployment = match call.azure.deployment {
        AzureDeployment::Services => "hosted",
        AzureDeployment::Server { .. } => "onPremises",
    };
    ok(&json!({
        "authenticatedUser": user,
        "authorizedUser": user,
        "instanceId": id_of(&[call.organisation]),
        "deploymentId": id_of(&["deployment"]),
        "deploymentType": deployment,
    }))
}

/// What there is, and in which versions.
pub(super) fn resources(call: &Call<'_>) -> Reply {
    let latest = call.azure.changing().latest_version.clone();
    let resource = |[id, area, name, route]: [&str; 4]| {
        let released = if area == "Location" { "0.0" } else { latest.as_str() };
        json!({
            "id": id, "area": area, "resourceName": name, "routeTemplate": route, "resourceVersion": 1,
            "minVersion": "1.0", "maxVersion": latest, "releasedVersion": released,
        })
    };
    ok(&list(RESOURCES.into_iter().map(resource).collect()))
}

pub(super) fn areas(call: &Call<'_>) -> Reply {
    let area = |[id, name]: [&str; 2]| json!({ "id": id, "name": name, "locationUrl": format!("{}/", call.base) });
    ok(&list(AREAS.into_iter().map(area).collect()))
}

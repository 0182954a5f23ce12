//! The part of REST that is answered: one line a route.

use hyper::Method;

use crate::azure::call::Call;
use crate::azure::options::AzureScope;
use crate::azure::version::Released;
use crate::azure::{connection, projects, repositories};
use crate::front::Reply;

/// A method and a path below the organisation, and what it takes to be answered.
pub(super) struct Route {
    method: Method,
    /// `*` stands for any one segment.
    path: &'static str,
    /// What a token has to be good for, if for anything.
    pub(super) scope: Option<AzureScope>,
    pub(super) released: Released,
    pub(super) answer: fn(&Call<'_>) -> Reply,
}

const ROUTES: [Route; 10] = [
    get("_apis/connectionData", None, Released::Never, connection::user),
    options("_apis", connection::resources),
    get("_apis/ResourceAreas", None, Released::Never, connection::areas),
    get("_apis/projects", Some(AzureScope::ProjectRead), Released::Yes, projects::list_page),
    get("_apis/projects/*", Some(AzureScope::ProjectRead), Released::Yes, projects::one),
    get("_apis/git/repositories", Some(AzureScope::CodeRead), Released::Yes, repositories::of_organisation),
    get("_apis/git/repositories/*", Some(AzureScope::CodeRead), Released::Yes, repositories::one_of_organisation),
    get("*/_apis/git/repositories", Some(AzureScope::CodeRead), Released::Yes, repositories::of_project),
    get("*/_apis/git/repositories/*", Some(AzureScope::CodeRead), Released::Yes, repositories::one_of_project),
    get("*/_git/*/vsts/info", Some(AzureScope::CodeRead), Released::Yes, repositories::of_url),
];

const fn get(
    path: &'static str,
    scope: Option<AzureScope>,
    released: Released,
    answer: fn(&Call<'_>) -> Reply,
) -> Route {
    Route { method: Method::GET, path, scope, released, answer }
}

const fn options(path: &'static str, answer: fn(&Call<'_>) -> Reply) -> Route {
    Route { method: Method::OPTIONS, path, scope: None, released: Released::Yes, answer }
}

/// The route of a request, and the segments that its stars stand for.
pub(super) fn find<'path>(method: &Method, path: &'path [String]) -> Option<(Route, Vec<&'path str>)> {
    let mut routes = ROUTES.into_iter().filter(|route| route.method == method);
    routes.find_map(|route| matched(route.path, path).map(|named| (route, named)))
}

fn matched<'path>(pattern: &str, path: &'path [String]) -> Option<Vec<&'path str>> {
    let pattern: Vec<&str> = pattern.split('/').collect();
    let fits = pattern.len() == path.len()
        && pattern
            .iter()
            .zip(path)
            .all(|(expected, segment)| *expected == "*" || expected.eq_ignore_ascii_case(segment));
    let starred = pattern.iter().zip(path).filter(|(expected, _)| **expected == "*");
    fits.then(|| starred.map(|(_, segment)| segment.as_str()).collect())
}

#[cfg(test)]
mod tests {
    use super::matched;

    #[test]
    fn paths_match_without_case_and_stars_take_one_segment() {
        let check = |pattern: &str, path: &str, expect: Option<&[&str]>| {
            let path: Vec<String> = path.split('/').map(str::to_owned).collect();
            assert_eq!(matched(pattern, &path).as_deref(), expect, "{pattern}");
        };

        check("_apis/projects", "_apis/Projects", Some(&[]));
        check(
            "*/_apis/git/repositories/*",
            "payments/_apis/git/repositories/checkout",
            Some(&["payments", "checkout"]),
        );
        check("_apis/projects/*", "_apis/projects", None);
        check("_apis/projects", "_apis/projects/payments", None);
    }
}

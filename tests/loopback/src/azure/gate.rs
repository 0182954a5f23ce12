//! Who comes in: Git or REST, the token, its scopes, the version, and only then what was asked for.

use hyper::header::{AUTHORIZATION, HOST, USER_AGENT};
use hyper::{Method, StatusCode};

use crate::azure::call::Call;
use crate::azure::inventory::{is_named, projects, repositories};
use crate::azure::options::{AzureDeployment, AzureRefusal, AzureScope, AzureScopeRefusal};
use crate::azure::reply;
use crate::azure::routes;
use crate::azure::state::{Azure, Caller};
use crate::azure::version;
use crate::front::{Entry, Front, Head, Reply, encoded};

/// A client that cannot follow to a page says so by this header with `Suppress`.
const REDIRECT: &str = "x-tfs-fedauthredirect";

impl Front for Azure {
    fn meet(&self, head: &Head<'_>) -> Entry {
        if matches!(head.segments.as_slice(), [page] if page == "_signin") {
            return Entry::Reply(reply::sign_in_page(StatusCode::OK));
        }
        let Some((organisation, path)) = self.below_virtual_folder(&head.segments).and_then(<[String]>::split_first)
        else {
            return Entry::Reply(reply::page_missing());
        };
        let path = with_project(path);
        match path.as_slice() {
            [project, git, repository, rest @ ..] if git == "_git" && !rest.is_empty() && rest != ["vsts", "info"] => {
                let asked = Asked { organisation, project, repository, rest };
                self.git(head, &asked).unwrap_or_else(Entry::Reply)
            }
            _ => Entry::Reply(self.rest(head, organisation, &path).unwrap_or_else(|refusal| refusal)),
        }
    }
}

/// What Git asks for.
struct Asked<'path> {
    organisation: &'path str,
    project: &'path str,
    repository: &'path str,
    rest: &'path [String],
}

impl Azure {
    fn below_virtual_folder<'path>(&self, segments: &'path [String]) -> Option<&'path [String]> {
        match (&self.deployment, segments) {
            (AzureDeployment::Server { virtual_folder }, [first, rest @ ..]) if !virtual_folder.is_empty() => {
                first.eq_ignore_ascii_case(virtual_folder).then_some(rest)
            }
            (_, segments) => Some(segments),
        }
    }

    fn git(&self, head: &Head<'_>, asked: &Asked<'_>) -> Result<Entry, Reply> {
        let is_git = head.header(USER_AGENT).is_some_and(|agent| agent.starts_with("git/"));
        if !is_git && asked.rest == ["info", "refs"] {
            // Taken for a browser, whatever else it brings along.
            return Err(reply::sign_in_redirect());
        }
        match self.caller(head.header(AUTHORIZATION)) {
            Caller::Known(scopes) if scopes.contains(&AzureScope::CodeRead) => {}
            Caller::Known(_) => return Err(reply::git_forbidden()),
            Caller::Expired => return Err(reply::expired()),
            Caller::Unknown => return Err(refused(self.changing().git_refusal, reply::challenge)),
        }
        let path = self.folder(asked).ok_or_else(|| reply::git_repository_missing(asked.repository))?;
        Ok(Entry::Git { path: format!("/{path}/{}", asked.rest.join("/")), user: "token".to_owned() })
    }

    /// The folder of a repository below the root.
    fn folder(&self, asked: &Asked<'_>) -> Option<String> {
        let project = projects(&self.root, asked.organisation)?
            .into_iter()
            .find(|project| is_named(asked.project, &project.name, &project.id))?;
        let repository = repositories(&self.root, asked.organisation, &project)
            .into_iter()
            .find(|repository| is_named(asked.repository, &repository.name, &repository.id))?;
        let path = format!("{}/{}/_git/{}", asked.organisation, project.name, repository.folder);
        (!self.is_disabled(&repository)).then_some(path)
    }

    fn rest(&self, head: &Head<'_>, organisation: &str, path: &[String]) -> Result<Reply, Reply> {
        let scopes = match self.caller(head.header(AUTHORIZATION)) {
            Caller::Known(scopes) => scopes,
            Caller::Expired => return Err(reply::expired()),
            Caller::Unknown => return Err(self.rest_refusal(head)),
        };
        if projects(&self.root, organisation).is_none() {
            return Err(reply::page_missing());
        }
        let (route, named) = routes::find(head.method(), path).ok_or_else(reply::page_missing)?;
        if let Some(scope) = route.scope.filter(|scope| !scopes.contains(scope)) {
            return Err(self.scope_refusal(scope));
        }
        let latest = self.changing().latest_version.clone();
        if let Some(refusal) = version::refusal(head, route.released, &latest) {
            return Err(refusal);
        }
        let base = self.base(head, organisation);
        let reply = (route.answer)(&Call { azure: self, head, organisation, named, base });
        let slow_down = self.changing().slow_down;
        Ok(match slow_down {
            Some(seconds) => reply::slowed_down(reply, seconds),
            None => reply,
        })
    }

    fn rest_refusal(&self, head: &Head<'_>) -> Reply {
        let suppressed = head.header(REDIRECT).is_some_and(|value| value.eq_ignore_ascii_case("suppress"));
        if suppressed || !matches!(*head.method(), Method::GET | Method::POST) {
            return reply::unauthorized();
        }
        refused(self.changing().rest_refusal, reply::unauthorized)
    }

    fn scope_refusal(&self, scope: AzureScope) -> Reply {
        match self.changing().scope_refusal {
            AzureScopeRefusal::Unauthorized => reply::unauthorized(),
            AzureScopeRefusal::Forbidden => reply::forbidden(scope.permission()),
        }
    }

    /// The URL of an organisation under the name by which the client has reached this server.
    fn base(&self, head: &Head<'_>, organisation: &str) -> String {
        let host = head.header(HOST).unwrap_or("localhost");
        let folder = match &self.deployment {
            AzureDeployment::Server { virtual_folder } if !virtual_folder.is_empty() => format!("/{virtual_folder}"),
            AzureDeployment::Server { .. } | AzureDeployment::Services => String::new(),
        };
        format!("{}://{host}{folder}/{}", self.scheme, encoded(organisation))
    }
}

fn refused(refusal: AzureRefusal, unauthorized: fn() -> Reply) -> Reply {
    match refusal {
        AzureRefusal::SignInPage => reply::sign_in_page(StatusCode::NON_AUTHORITATIVE_INFORMATION),
        AzureRefusal::SignInRedirect => reply::sign_in_redirect(),
        AzureRefusal::Unauthorized => unauthorized(),
    }
}

/// A path to a repository as `PROJECT/_git/REPOSITORY/…`: the project may be left out when it is named alike, a team
/// may come after it, and `_full` or `_optimized` before the repository. Other paths stay as they are.
fn with_project(path: &[String]) -> Vec<String> {
    let mut parts = path.splitn(2, |segment| segment == "_git");
    let (Some(before), Some(after)) = (parts.next(), parts.next()) else { return path.to_vec() };
    let after = match after {
        [kind, after @ ..] if kind == "_full" || kind == "_optimized" => after,
        after => after,
    };
    let Some((repository, rest)) = after.split_first() else { return path.to_vec() };
    let project = before.first().unwrap_or(repository);
    [&[project.clone(), "_git".to_owned(), repository.clone()], rest].concat()
}

//! What a web URL of Azure Repos shows of a repository: directory and branch, tag or commit.
//!
//! Files are not told from directories here, and a pull request's page names the repository alone.

use url::form_urlencoded;

use super::UrlError;
use super::address::Address;
use super::segment;
use crate::RefSpec;

/// Directory and reference.
pub(super) type View = (Option<String>, Option<RefSpec>);

/// Pages below a repository that name no view of its files.
const OTHER_PAGES: [&str; 10] = [
    "branchcompare",
    "branches",
    "commits",
    "pullrequest",
    "pullrequestcreate",
    "pullrequests",
    "pushes",
    "stats",
    "tags",
    "forks",
];

/// Reads the segments behind the repository's name, the query, and the same keys behind `#` as hook messages have them.
pub(super) fn read(page: &[String], address: &Address) -> Result<View, UrlError> {
    let committed = commit_of(page)?;
    let mut path = None;
    let mut version = None;
    for (key, value) in [&address.query, &address.fragment].into_iter().flatten().flat_map(|keys| pairs(keys)) {
        match key.as_str() {
            "path" => path = path.or(Some(value)),
            "version" => version = version.or(Some(value)),
            _ => {}
        }
    }
    let directory = path.map(|path| read_directory(&path)).transpose()?.flatten();
    let versioned = version.map(|version| read_version(&version)).transpose()?.flatten();
    Ok((directory, committed.or(versioned)))
}

fn pairs(keys: &str) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(keys.as_bytes()).map(|(key, value)| (key.into_owned(), value.into_owned()))
}

fn commit_of(page: &[String]) -> Result<Option<RefSpec>, UrlError> {
    match page {
        [] => Ok(None),
        [word, id] if word.eq_ignore_ascii_case("commit") => commit(id).map(Some),
        [word, ..] if OTHER_PAGES.contains(&word.to_ascii_lowercase().as_str()) => Ok(None),
        [..] => Err(UrlError::new("the URL goes on behind the repository's name, with no page that is known")),
    }
}

fn read_directory(path: &str) -> Result<Option<String>, UrlError> {
    let trimmed = path.strip_prefix('/').unwrap_or(path);
    let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
    if trimmed.is_empty() {
        return Ok(None);
    }
    trimmed
        .split('/')
        .try_for_each(segment::check)
        .map_err(|error| UrlError::new(format!("in the URL's `path=`, {}", error.message)))?;
    Ok(Some(trimmed.to_owned()))
}

fn read_version(version: &str) -> Result<Option<RefSpec>, UrlError> {
    let named = |name: &str| match name {
        "" => Err(UrlError::new("the URL's `version=` names nothing")),
        _ if name.contains(char::is_control) => Err(UrlError::new("the URL's `version=` holds a control character")),
        _ => Ok(name.to_owned()),
    };
    if version.is_empty() {
        return Ok(None);
    }
    if let Some(branch) = version.strip_prefix("GB") {
        return named(branch).map(RefSpec::Branch).map(Some);
    }
    if let Some(tag) = version.strip_prefix("GT") {
        return named(tag).map(RefSpec::Tag).map(Some);
    }
    if let Some(id) = version.strip_prefix("GC") {
        return commit(id).map(Some);
    }
    Err(UrlError::new("the URL's `version=` begins with none of GB (branch), GT (tag) and GC (commit)"))
}

fn commit(id: &str) -> Result<RefSpec, UrlError> {
    id.parse().map(RefSpec::Commit).map_err(|_| UrlError::new("the URL's commit id is not 40 hexadecimal digits"))
}

//! What the segments before `_git` mean on an Azure DevOps Server: `FOLDER…/COLLECTION[/PROJECT[/TEAM]]`.
//!
//! A URL alone does not tell where the folders end. A connection does; without one it is guessed.

use super::site::is_default_collection;
use super::{AzureAccount, is_same_name};
use crate::repo_url::UrlError;

/// The folder that a Server is installed under unless its owner chose another.
const USUAL_FOLDER: &str = "tfs";

/// The collection, and the project if one is named.
pub(super) fn owners(
    segments: &[String],
    account: Option<&AzureAccount>,
) -> Result<(AzureAccount, Option<String>), UrlError> {
    let (account, rest) = match account {
        Some(account) => (account.clone(), below(segments, account)?),
        None => guess(segments)?,
    };
    let project = match rest {
        [] => None,
        [project] | [project, _] => Some(project.clone()),
        [..] => return Err(UrlError::new("the URL has too many segments before the repository")),
    };
    Ok((account, project))
}

fn below<'a>(segments: &'a [String], account: &AzureAccount) -> Result<&'a [String], UrlError> {
    let rest = segments.get(account.segments().len()..).filter(|_| account.is_above(segments));
    rest.ok_or_else(|| UrlError::new(format!("the URL is not in collection `{}`", account.name())))
}

fn guess(segments: &[String]) -> Result<(AzureAccount, &[String]), UrlError> {
    let folders = segments.iter().position(|segment| is_default_collection(segment)).unwrap_or_else(|| {
        let is_usual = segments.len() > 1 && segments.first().is_some_and(|first| is_same_name(first, USUAL_FOLDER));
        if is_usual { 1 } else { segments.len().saturating_sub(2) }
    });
    match segments.split_at(folders) {
        (virtual_folders, [collection, rest @ ..]) => {
            let account =
                AzureAccount::Collection { virtual_folders: virtual_folders.to_vec(), collection: collection.clone() };
            Ok((account, rest))
        }
        (_, []) => Err(UrlError::new("the URL names no collection")),
    }
}

//! What the segments before `_git` mean on an Azure DevOps Server: `FOLDER…/COLLECTION[/PROJECT[/TEAM]]`.
//!
//! A URL alone does not tell where the folders end. A connection or its `server_url` does; without them it is guessed.

use super::site::is_default_collection;
use super::{AzureAccount, is_same_name};
use crate::repo_url::UrlError;

/// The folder that a Server is installed under unless its owner chose another.
const USUAL_FOLDER: &str = "tfs";

/// What is known of a Server's paths before one of them is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Settled<'a> {
    Nothing,
    /// The folders that the Server is installed under.
    Folders(&'a [String]),
    /// Folders and collection.
    Account(&'a AzureAccount),
}

/// The collection, and the project if one is named.
pub(super) fn owners(segments: &[String], settled: Settled<'_>) -> Result<(AzureAccount, Option<String>), UrlError> {
    let (account, rest) = match settled {
        Settled::Account(account) => (account.clone(), below(segments, account)?),
        Settled::Folders(folders) => in_folders(segments, folders)?,
        Settled::Nothing => guess(segments)?,
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

/// The collection right below the Server's folders, and what stands behind it.
pub(crate) fn in_folders<'a>(
    segments: &'a [String],
    folders: &[String],
) -> Result<(AzureAccount, &'a [String]), UrlError> {
    let is_below = segments.len() >= folders.len() && folders.iter().zip(segments).all(|(a, b)| is_same_name(a, b));
    let rest = segments.get(folders.len()..).filter(|_| is_below);
    let rest = rest.ok_or_else(|| UrlError::new("the URL is not below `server_url`"))?;
    account(folders, rest)
}

fn guess(segments: &[String]) -> Result<(AzureAccount, &[String]), UrlError> {
    let folders = segments.iter().position(|segment| is_default_collection(segment)).unwrap_or_else(|| {
        let is_usual = segments.len() > 1 && segments.first().is_some_and(|first| is_same_name(first, USUAL_FOLDER));
        if is_usual { 1 } else { segments.len().saturating_sub(2) }
    });
    let (folders, rest) = segments.split_at(folders);
    account(folders, rest)
}

fn account<'a>(folders: &[String], below: &'a [String]) -> Result<(AzureAccount, &'a [String]), UrlError> {
    let (collection, rest) = below.split_first().ok_or_else(|| UrlError::new("the URL names no collection"))?;
    let account = AzureAccount::Collection { virtual_folders: folders.to_vec(), collection: collection.clone() };
    Ok((account, rest))
}

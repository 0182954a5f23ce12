//! Organisations, projects and repositories: the folders below the root, with ids that are the same every time.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Project {
    pub(super) name: String,
    pub(super) id: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repository {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) project: Project,
    /// The full name of a branch that is there.
    pub(super) default_branch: Option<String>,
    /// Its folder below `_git`.
    pub(super) folder: String,
}

/// Whether this is the thing that a URL names, by name in any case or by id.
pub(super) fn is_named(wanted: &str, name: &str, id: &str) -> bool {
    wanted.eq_ignore_ascii_case(id) || wanted.to_lowercase() == name.to_lowercase()
}

/// The projects of an organisation by name; nothing when there is no such organisation.
pub(super) fn projects(root: &Path, organisation: &str) -> Option<Vec<Project>> {
    let names = folders(&root.join(plain(organisation)?))?;
    let project = |name: String| Project { id: id_of(&[organisation, &name]), name };
    Some(names.into_iter().filter(|name| !name.starts_with(['_', '.'])).map(project).collect())
}

/// The repositories of a project by name.
pub(super) fn repositories(root: &Path, organisation: &str, project: &Project) -> Vec<Repository> {
    let folder = root.join(organisation).join(&project.name).join("_git");
    let names = folders(&folder).unwrap_or_default();
    let repository = |folder_name: String| {
        let name = folder_name.strip_suffix(".git").unwrap_or(&folder_name).to_owned();
        Repository {
            id: id_of(&[organisation, &project.name, &name]),
            default_branch: default_branch(&folder.join(&folder_name)),
            project: project.clone(),
            folder: folder_name,
            name,
        }
    };
    names.into_iter().map(repository).collect()
}

/// A GUID made of names.
pub(super) fn id_of(names: &[&str]) -> String {
    let hash = format!("{:x}", Sha256::digest(names.join("/").to_lowercase()));
    let mut id = String::new();
    for (index, digit) in hash.chars().take(32).enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        id.push(digit);
    }
    id
}

/// What `HEAD` names, if that branch has a commit.
fn default_branch(repository: &Path) -> Option<String> {
    let head = fs::read_to_string(repository.join("HEAD")).ok()?;
    let branch = head.trim_end().strip_prefix("ref: ")?;
    let packed = fs::read_to_string(repository.join("packed-refs")).unwrap_or_default();
    let is_there = repository.join(branch).is_file() || packed.lines().any(|line| line.ends_with(branch));
    is_there.then(|| branch.to_owned())
}

/// The names of the folders in a folder, sorted; nothing when it is not there.
fn folders(folder: &Path) -> Option<Vec<String>> {
    let entries = fs::read_dir(folder).ok()?.flatten().filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Some(names)
}

/// A segment that stays where it is joined to.
fn plain(segment: &str) -> Option<&str> {
    (!segment.is_empty() && !segment.starts_with('.') && !segment.contains(['/', '\0'])).then_some(segment)
}

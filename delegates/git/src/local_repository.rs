//! A repository in a folder of this host, read where it lies by libgit2: no server, no mirror, and nothing is written.
//!
//! Whatever a folder may be is opened: a bare repository, one with its files beside it, and a further working tree. Who
//! may be asked for folders is the caller's to decide: this reads any that the process may read and whose owner runs it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::{ErrorCode, ObjectType, Oid, Reference, Repository, RepositoryOpenFlags};
use percent_encoding::percent_decode_str;
use suitesync_contract::{DelegateName, Failure, FailureClass, ObjectId, RefSpec, RepoUrl, TreeEntry};
use suitesync_reach::{Place, shown};

use crate::limits::Limits;
use crate::mirror::{BlobContent, Extent, Fault, SharedStore};
use crate::refs::{Absence, Ref, Tip};
use crate::remote::Resolved;

/// The keys of a repository's configuration, any of which makes it a partial clone (gitpartial-clone).
const PARTIAL: &str = r"^(extensions\.partialclone|remote\..*\.promisor)$";

/// A repository of this host. Every call blocks.
pub struct LocalRepository {
    folder: PathBuf,
    /// Where the objects are, which further working trees share.
    common: PathBuf,
    place: Place,
    extent: Extent,
    limits: Limits,
    store: SharedStore,
}

impl LocalRepository {
    /// Opens the repository that a file URL names. The delegate is named in messages.
    pub fn open(url: &RepoUrl, delegate: &DelegateName) -> Result<Self, Failure> {
        let place = Place::new(url, delegate);
        let folder = PathBuf::from(percent_decode_str(url.path()).decode_utf8_lossy().into_owned());
        let repository = open(&folder).map_err(|error| unopened(&place, &folder, &error))?;
        Ok(Self {
            common: repository.commondir().to_owned(),
            folder,
            place,
            extent: extent(&repository),
            limits: Limits::default(),
            store: SharedStore::default(),
        })
    }

    /// What each of `wanted` points to. A branch, or the default one, of a repository without any commit is
    /// [`Tip::Empty`].
    pub fn resolve(&self, wanted: &[RefSpec]) -> Result<Resolved, Failure> {
        let repository = open(&self.folder).map_err(|error| unopened(&self.place, &self.folder, &error))?;
        let tips = wanted.iter().map(|reference| (reference.clone(), self.tip(&repository, reference)));
        Ok(Resolved { tips: tips.collect() })
    }

    /// Everything that the commit's tree holds, as [`crate::Mirror::snapshot`] gives it.
    pub fn snapshot(&self, commit: ObjectId) -> Result<Arc<[TreeEntry]>, Failure> {
        let snapshot = self.store.read(&self.common, |store| store.snapshot(commit, &self.limits));
        snapshot.map_err(|fault| self.reported(&fault))
    }

    /// The content of a blob of at most `max` bytes, as [`crate::Mirror::read_blob`] gives it.
    pub fn read_blob(&self, id: ObjectId, max: u64) -> Result<BlobContent, Failure> {
        let content = self.store.read(&self.common, |store| store.read_blob(id, max, self.extent));
        content.map_err(|fault| self.reported(&fault))
    }

    fn tip(&self, repository: &Repository, wanted: &RefSpec) -> Result<Tip, Failure> {
        let found = match (wanted, wanted.full_name()) {
            (RefSpec::Commit(id), _) => holds(repository, *id).then_some(*id),
            (_, Some(name)) => repository.find_reference(&name).ok().and_then(|found| listed(&found).commit()),
            (_, None) => None,
        };
        match found {
            Some(commit) => Ok(Tip::Commit(commit)),
            None => Absence::of(wanted, &self.list(repository)?).told(&self.place, wanted),
        }
    }

    fn list(&self, repository: &Repository) -> Result<Vec<Ref>, Failure> {
        let list = || Ok(repository.references()?.filter_map(Result::ok).map(|found| listed(&found)).collect());
        list().map_err(|error: git2::Error| {
            let cause = shown(error.message().as_bytes());
            self.place.repository_failure(FailureClass::RepositoryCorrupt, "list the refs of", cause)
        })
    }

    /// A fault as the mirror's, but for what is to be done: nobody fetches here anew.
    fn reported(&self, fault: &Fault) -> Failure {
        let Failure { class, hint, .. } = fault.failure(&self.place);
        let failure = |class| self.place.repository_failure(class, "read", fault);
        match fault {
            Fault::Damaged(_) => failure(class).with_hint("run `git fsck` in it"),
            Fault::NotFetched(_) => failure(FailureClass::RepositoryCorrupt)
                .with_hint("it is a partial clone: name what it was cloned from"),
            Fault::Refused(_)
            | Fault::TooLarge(_)
            | Fault::NoCommit(_)
            | Fault::NoPack(_)
            | Fault::DiskFull
            | Fault::Denied { .. }
            | Fault::Local(_)
            | Fault::Canceled => failure(class).with_hint(hint),
        }
    }
}

impl fmt::Debug for LocalRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalRepository").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Opens the repository of exactly this folder, whatever the environment says.
fn open(folder: &Path) -> Result<Repository, git2::Error> {
    Repository::open_ext(folder, RepositoryOpenFlags::NO_SEARCH, std::iter::empty::<&Path>())
}

fn unopened(place: &Place, folder: &Path, error: &git2::Error) -> Failure {
    let failure = |class, cause: &str| place.repository_failure(class, "open", cause);
    let code = error.code();
    if code == ErrorCode::Owner {
        let hint = format!("run it as that user, or `git config --global --add safe.directory {}`", folder.display());
        return failure(FailureClass::Forbidden, "it belongs to another user of this host").with_hint(hint);
    }
    if code != ErrorCode::NotFound {
        return failure(FailureClass::RepositoryCorrupt, &shown(error.message().as_bytes()))
            .with_hint("check that this user may read it, and run `git fsck` in it");
    }
    if folder.exists() {
        return failure(FailureClass::NotGit, "the folder is no Git repository")
            .with_hint("name a bare repository, or the folder that `git rev-parse --show-toplevel` prints");
    }
    failure(FailureClass::RepositoryNotFound, "there is no such folder")
        .with_hint("check the path, and that this user may read it")
}

/// A configuration that cannot be read says nothing: what lacks is then told as a fault of the repository.
fn extent(repository: &Repository) -> Extent {
    let is_partial = || Ok::<_, git2::Error>(repository.config()?.entries(Some(PARTIAL))?.next().is_some());
    if is_partial().unwrap_or(false) { Extent::Blobless } else { Extent::Whole }
}

fn holds(repository: &Repository, id: ObjectId) -> bool {
    repository.odb().and_then(|odb| Ok(odb.exists(Oid::from_bytes(id.as_bytes())?))).unwrap_or(false)
}

/// A ref as a server would list it.
fn listed(reference: &Reference<'_>) -> Ref {
    let id = |oid: Oid| <[u8; 20]>::try_from(oid.as_bytes()).ok().map(ObjectId::from_bytes);
    let resolved = reference.resolve().ok();
    // A tag of a tag is followed to what is none.
    let peeled = resolved.as_ref().and_then(|resolved| resolved.peel(ObjectType::Any).ok());
    Ref {
        name: reference.name_bytes().to_vec(),
        id: resolved.as_ref().and_then(Reference::target).and_then(id),
        peeled: peeled.and_then(|object| id(object.id())),
        target: reference.symbolic_target_bytes().map(<[u8]>::to_vec),
    }
}

#[cfg(test)]
mod tests {
    use git2::ErrorClass;
    use suitesync_contract::Provider;

    use super::*;

    #[test]
    fn a_repository_of_another_user_is_told_plainly() {
        let url = RepoUrl::parse("/srv/their.git", Provider::Git).unwrap().repository;
        let place = Place::new(&url, &"inspect".parse().unwrap());
        let error = git2::Error::new(ErrorCode::Owner, ErrorClass::Config, "not owned by current user");
        let failure = unopened(&place, Path::new("/srv/their.git"), &error);
        assert_eq!(failure.class, FailureClass::Forbidden);
        assert!(failure.message.ends_with("it belongs to another user of this host"), "{}", failure.message);
        assert!(failure.hint.contains("safe.directory /srv/their.git"), "{}", failure.hint);
    }
}

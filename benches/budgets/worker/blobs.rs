//! What libgit2 alone takes for the blobs that a sync parses: to read them, and to find them first.

use std::collections::HashSet;
use std::hint::black_box;
use std::path::Path;

use anyhow::{anyhow, ensure};
use git2::{Odb, Oid, Repository, TreeWalkMode, TreeWalkResult};
use suitesync_contract::{Failure, ObjectId};
use suitesync_git::{Mirror, Mirrors};
use suitesync_suites::files_to_parse;
use tokio_util::sync::CancellationToken;

use super::hiring;
use crate::measuring::Link;

/// The mirror of a link in the folder of a delegate.
pub(super) async fn open_mirror(folder: &Path, link: &Link) -> anyhow::Result<Mirror> {
    let mirrors = Mirrors::new(folder.join("mirrors"), hiring::delegate_name()?);
    let (connection, url, cancel) = ("bench".parse()?, hiring::repository(link)?, CancellationToken::new());
    mirrors.open(&connection, &url, &cancel).await.map_err(|failure| failed(&failure))
}

/// The blobs that a sync of the link reads.
pub(super) fn wanted(mirror: &Mirror, link: &Link, commit: ObjectId) -> anyhow::Result<Vec<Oid>> {
    let entries = mirror.snapshot(commit).map_err(|failure| failed(&failure))?;
    // As libgit2 comes: the mirror's own setting is the process's, and this process does nothing else.
    git2::opts::strict_hash_verification(true);
    let files = files_to_parse(&entries, &link.directory);
    files.iter().map(|file| Ok(Oid::from_bytes(file.blob.as_bytes())?)).collect()
}

/// Reads the blobs by their ids.
pub(super) fn read(mirror: &Path, wanted: &[Oid]) -> anyhow::Result<u64> {
    let repository = Repository::open_bare(mirror)?;
    let odb = repository.odb()?;
    for id in wanted {
        read_one(&odb, *id)?;
    }
    Ok(wanted.len() as u64)
}

/// Walks the commit's tree and reads those blobs where it meets them.
pub(super) fn find_and_read(mirror: &Path, commit: ObjectId, wanted: Vec<Oid>) -> anyhow::Result<u64> {
    let repository = Repository::open_bare(mirror)?;
    let (odb, total) = (repository.odb()?, wanted.len());
    let mut left: HashSet<Oid> = wanted.into_iter().collect();
    let mut fault = None;
    let tree = repository.find_commit(Oid::from_bytes(commit.as_bytes())?)?.tree()?;
    tree.walk(TreeWalkMode::PreOrder, |_, entry| {
        let read = if left.remove(&entry.id()) { read_one(&odb, entry.id()) } else { Ok(()) };
        fault = read.err();
        if fault.is_none() { TreeWalkResult::Ok } else { TreeWalkResult::Abort }
    })?;
    ensure!(left.is_empty() && fault.is_none(), "{} of {total} blobs were not met: {fault:?}", left.len());
    Ok(total as u64)
}

fn read_one(odb: &Odb<'_>, id: Oid) -> Result<(), git2::Error> {
    black_box(odb.read(id)?.data());
    Ok(())
}

fn failed(failure: &Failure) -> anyhow::Error {
    anyhow!("{}: {}", failure.class.code(), failure.message)
}

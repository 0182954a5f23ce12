//! Removes from inside a mirror what killed processes left there. With the lock held.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::fault::Fault;

/// Removes lock files of Git, temporary packs, and files of packs that lack the pack or its index.
pub(crate) fn heal(mirror: &Path) -> Result<(), Fault> {
    let packs = mirror.join("objects").join("pack");
    for file in files(mirror)?.into_iter().filter(|file| has_extension(file, "lock")) {
        remove(&file)?;
    }
    for file in files(&packs)? {
        let partner = match file.extension().and_then(|extension| extension.to_str()) {
            Some("pack") => Some(file.with_extension("idx")),
            Some("idx" | "promisor") => Some(file.with_extension("pack")),
            _ => None,
        };
        if !partner.is_some_and(|partner| partner.is_file()) {
            remove(&file)?;
        }
    }
    Ok(())
}

fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|found| found == extension)
}

/// What lies in a folder, folders left out.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return Err(Fault::Damaged(format!("the folder {} cannot be read: {error}", folder.display()))),
    };
    let files = entries.filter_map(Result::ok).filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
    Ok(files.map(|entry| entry.path()).collect())
}

/// Removes a file or a whole folder, if it is there. Symbolic links are removed, never followed.
pub(crate) fn remove(path: &Path) -> Result<(), Fault> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Fault::io("remove", path, &error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let files = files(folder).unwrap();
        let mut names: Vec<_> =
            files.iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn leftovers_of_a_killed_process_go_and_whole_packs_stay() {
        let folder = tempfile::tempdir().unwrap();
        let packs = folder.path().join("objects/pack");
        fs::create_dir_all(&packs).unwrap();
        let whole = ["pack-a.idx", "pack-a.pack", "pack-a.promisor"];
        let left = ["pack-b.pack", "pack-c.idx", "pack-c.promisor", "pack_git2_x1", "tmp_pack_y", "pack-d.idx.lock"];
        for name in whole.iter().chain(&left) {
            fs::write(packs.join(name), "").unwrap();
        }
        for name in ["HEAD", "shallow.lock", "config.lock"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        heal(folder.path()).unwrap();
        assert_eq!(names(&packs), whole);
        assert_eq!(names(folder.path()), ["HEAD"]);
    }
}

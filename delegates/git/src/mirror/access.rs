//! What we may not read or write in a folder of ours, such as after `sudo git gc` or a `chmod`: what is our own is opened
//! to us again, and what is not is told apart.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{Access, access};

use super::fault::Fault;

/// What the owner of a folder needs to use it.
const FOLDER: u32 = 0o700;
/// What the owner of a file needs to use it.
const FILE: u32 = 0o600;
/// Folders of a mirror that are written to.
const WRITTEN: [&str; 3] = ["", "objects", "objects/pack"];

/// Opens a file, or a folder with the folders below it, to us as far as it is ours. What is not stays as it is, and
/// symbolic links are not followed.
pub(crate) fn regain(path: &Path) {
    let Ok(found) = fs::symlink_metadata(path) else { return };
    if found.is_symlink() {
        return;
    }
    let (mode, needed) = (found.permissions().mode(), if found.is_dir() { FOLDER } else { FILE });
    if mode & needed != needed
        && let Err(error) = fs::set_permissions(path, Permissions::from_mode(mode | needed))
    {
        tracing::debug!(path = %path.display(), %error, "failed to open what lies in the place of a mirror");
    }
    for entry in fs::read_dir(path).into_iter().flatten().filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            regain(&entry.path());
        }
    }
}

/// Makes sure that a mirror can be used, of which some folders may be missing: that is judged elsewhere.
pub(crate) fn expect_usable(mirror: &Path) -> Result<(), Fault> {
    let is_usable = |folder: &Path| access(folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_ok();
    for folder in WRITTEN.map(|folder| mirror.join(folder)) {
        if !is_usable(&folder) {
            regain(mirror);
        }
        if !is_usable(&folder) && folder.exists() {
            return Err(Fault::Damaged(format!("the folder {} is another user's", folder.display())));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

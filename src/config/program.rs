//! Whether a program can be started on this host.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The bits of a file's mode that let somebody start it.
const STARTABLE: u32 = 0o111;

/// Whether a path leads to a file that somebody may start.
pub(super) fn is_program(path: &Path) -> bool {
    let startable = |file: std::fs::Metadata| file.is_file() && file.permissions().mode() & STARTABLE != 0;
    std::fs::metadata(path).is_ok_and(startable)
}

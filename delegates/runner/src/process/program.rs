//! Finds the program of a command before it is started, so that a missing one is told as such.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Why a command cannot be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartFault {
    #[error("the command is empty; write the program and its arguments into `command`")]
    EmptyCommand,
    #[error("failed to enter the working folder {folder}")]
    WorkingFolder {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("failed to find the program {0:?}; install it, or give its path")]
    NotFound(String),
    #[error("the program {0:?} may not be executed; check its mode and its owner")]
    NotExecutable(String),
    #[error("failed to write the log {path}")]
    Log {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("failed to start the program {program:?}")]
    Spawn {
        program: String,
        #[source]
        source: io::Error,
    },
}

/// Where the shell would find a program: in the folders of `path`, or below the working folder where it has a slash.
pub(super) fn find(program: &str, path: &str, working_folder: &Path) -> Result<PathBuf, StartFault> {
    let candidates: Vec<PathBuf> = if program.contains('/') {
        vec![working_folder.join(program)]
    } else {
        std::env::split_paths(path).map(|folder| working_folder.join(folder).join(program)).collect()
    };
    let mut files = candidates.into_iter().filter(|candidate| candidate.is_file()).peekable();
    if files.peek().is_none() {
        return Err(StartFault::NotFound(program.to_owned()));
    }
    let executable = files.find(|file| access(file, Access::EXEC_OK).is_ok());
    executable.ok_or_else(|| StartFault::NotExecutable(program.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn check(program: &str, expect: &str) {
        let folder = tempfile::tempdir().unwrap();
        for (name, mode) in [("a/tool", 0o644), ("b/tool", 0o755), ("run.sh", 0o755), ("notes", 0o644)] {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        }
        let found = find(program, "nowhere:a:b", folder.path());
        let shown = match &found {
            Ok(file) => file.strip_prefix(folder.path()).unwrap().display().to_string(),
            Err(fault) => fault.to_string(),
        };
        assert_eq!(shown, expect);
    }

    #[test]
    fn programs_are_found_as_a_shell_finds_them() {
        check("tool", "b/tool");
        check("./run.sh", "run.sh");
        check("a/tool", "the program \"a/tool\" may not be executed; check its mode and its owner");
        check("run.sh", "failed to find the program \"run.sh\"; install it, or give its path");
        check("./a", "failed to find the program \"./a\"; install it, or give its path");
    }
}

//! The example of `delegates/examples` as a plug-in of a site, with all that it says written down.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::protocol::complaints;
use super::{Site, wait_for};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/delegates/examples/host-git");

/// The program of the example, as its `plugin.toml` has it.
const PROGRAM: &str = "host_git.py";

pub(crate) struct Plugin {
    pub(crate) folder: PathBuf,
    /// Every line that it has said.
    lines: PathBuf,
    /// The number of its process.
    process: PathBuf,
}

impl Plugin {
    /// Copies the example to where the agent looks for plug-ins, or will look.
    pub(crate) fn install(site: &Site, name: &str) -> Self {
        let folder = site.path("etc/delegates.d").join(name);
        let (lines, process) = (site.path(&format!("{name}.lines")), site.path(&format!("{name}.process")));
        // It is put there whole.
        let beside = site.path(name);
        std::fs::create_dir(&beside).unwrap();
        for entry in std::fs::read_dir(EXAMPLE).unwrap().map(|entry| entry.unwrap()) {
            std::fs::copy(entry.path(), beside.join(entry.file_name())).unwrap();
        }
        let plugin = Self { folder, lines, process };
        plugin.listen(&beside);
        std::fs::create_dir_all(site.path("etc/delegates.d")).unwrap();
        std::fs::rename(beside, &plugin.folder).unwrap();
        plugin
    }

    /// Puts a program in the place of the example's that starts it and writes down what it says.
    fn listen(&self, folder: &Path) {
        let (program, real) = (folder.join(PROGRAM), self.folder.join("real.py"));
        std::fs::rename(&program, folder.join("real.py")).unwrap();
        let begin = "echo $$ >\"$1\"; exec \"$2\"";
        let script = format!(
            "#!/bin/sh\nsh -c '{begin}' sh '{}' '{}' | tee -a '{}'\n",
            self.process.display(),
            real.display(),
            self.lines.display()
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn lines(&self) -> String {
        std::fs::read_to_string(&self.lines).unwrap_or_default()
    }

    /// Ends its process as the kernel does, and waits until it is gone.
    pub(crate) fn kill(&self) {
        let process = std::fs::read_to_string(&self.process).unwrap();
        assert!(Command::new("kill").args(["-9", process.trim()]).status().unwrap().success());
        wait_for("the delegate to be gone", || {
            let status = std::fs::read_to_string(format!("/proc/{}/stat", process.trim())).unwrap_or_default();
            (status.is_empty() || status.contains(") Z ")).then_some(())
        });
    }

    /// What it has said that the protocol does not know.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let lines = self.lines();
        assert!(!lines.is_empty(), "the delegate has said nothing");
        complaints(&lines)
    }
}

//! The units as systemd itself reads them, where it is there.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What `systemd-analyze` prints about a unit of ours whose program is there; nothing on a system without it.
fn analyze(words: &[&str], unit: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd");
    for file in std::fs::read_dir(&units).unwrap().map(|entry| entry.unwrap().path()) {
        let text = std::fs::read_to_string(&file).unwrap().replace("/usr/bin/suitesync", "/bin/true");
        std::fs::write(folder.path().join(file.file_name().unwrap()), text).unwrap();
    }
    let path: PathBuf = folder.path().join(unit);
    let output = Command::new("systemd-analyze").args(words).arg(path).output().ok()?;
    Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn check(unit: &str, most_exposed: f64) {
    let Some(faults) = analyze(&["verify", "--man=no"], unit) else { return };
    assert!(!faults.contains(unit), "{faults}");
    let Some(told) = analyze(&["security", "--offline=true", "--no-pager"], unit) else { return };
    let level = told.lines().rev().find_map(|line| line.split(&format!("{unit}: ")).nth(1)).unwrap_or_default();
    let level: f64 = level.split(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("{told}"));
    assert!(level <= most_exposed, "{level}");
}

#[test]
fn the_agent_s_unit_is_tight() {
    check("suitesync.service", 2.0);
}

/// Test tools need namespaces and code that is made as it runs.
#[test]
fn the_units_of_those_who_execute_runs_leave_test_tools_what_they_need_and_no_more() {
    check("suitesync-runner.service", 3.5);
    check("suitesync-delegate.service", 3.5);
}

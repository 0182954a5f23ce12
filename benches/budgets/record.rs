//! The table as it is kept: in `benches/README.md`, with the date, the machine and the tools.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use chrono::Utc;

use crate::table::Table;

const BEGIN: &str = "<!-- table: written by ./dev bench --write -->\n";
const END: &str = "<!-- end of table -->";
const KIB_PER_GIB: f64 = 1024.0 * 1024.0;

/// Puts the table in place of the one before.
pub(crate) fn write(table: &Table) -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/README.md");
    let text = fs::read_to_string(&path)?;
    let (before, rest) = text.split_once(BEGIN).context("benches/README.md has no place for the table")?;
    let (_, after) = rest.split_once(END).context("benches/README.md has no end of the table")?;
    let circumstances = circumstances()?;
    Ok(fs::write(&path, format!("{before}{BEGIN}\n{circumstances}\n\n{}\n{END}{after}", table.render()))?)
}

/// When, on what and with what it was measured.
fn circumstances() -> anyhow::Result<String> {
    let cores = std::thread::available_parallelism()?;
    let (libgit2_major, libgit2_minor, libgit2_revision) = git2::Version::get().libgit2_version();
    Ok(format!(
        "{date} UTC; {cores} cores of {model}, {memory:.0} GiB of memory; suitesync {version}, {git}, libgit2 \
         {libgit2_major}.{libgit2_minor}.{libgit2_revision}.",
        date = Utc::now().format("%Y-%m-%d %H:%M"),
        model = field("/proc/cpuinfo", "model name")?,
        memory = field("/proc/meminfo", "MemTotal")?.trim_end_matches(" kB").parse::<f64>()? / KIB_PER_GIB,
        version = env!("CARGO_PKG_VERSION"),
        git = String::from_utf8(Command::new("git").arg("--version").output()?.stdout)?.trim(),
    ))
}

/// The first value of a key in one of the kernel's files.
fn field(file: &str, key: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(file)?;
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let found = lines.into_iter().find(|(name, _)| name.trim() == key);
    found.map(|(_, value)| value.trim().to_owned()).with_context(|| format!("{file} has no {key}"))
}

//! Finds and reads the files of the configuration, and knows all paths whose change may change it.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::certificates;
use super::diagnostic::Diagnostic;
use super::place::Place;
use super::source::Source;

/// Where the packaged agent has its configuration.
const DEFAULT_MAIN: &str = "/etc/suitesync/suitesync.toml";

/// The folder of further files, beside the main one.
const DROP_INS: &str = "conf.d";

/// Largest file that is read: a hundred thousand links, and no disk image named by mistake.
const MAX_FILE: u64 = 32 * 1024 * 1024;

/// Links of a chain of symbolic links that are followed: the kernel's own limit.
const MAX_SYMLINKS: usize = 40;

/// Where the configuration is: the main file, and `conf.d/*.toml` beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    main: PathBuf,
}

impl Default for Location {
    fn default() -> Self {
        Self::new(DEFAULT_MAIN)
    }
}

impl Location {
    pub fn new(main: impl Into<PathBuf>) -> Self {
        Self { main: main.into() }
    }

    pub fn main(&self) -> &Path {
        &self.main
    }

    fn drop_ins(&self) -> PathBuf {
        self.main.with_file_name(DROP_INS)
    }
}

/// The files that were read, and what kept others from being read.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) sources: Vec<Source>,
    pub(super) unreadable: Vec<Diagnostic>,
    /// Every file and folder that was looked at, and the stations of symbolic links.
    pub(super) watched: Vec<PathBuf>,
}

pub(super) fn read(location: &Location) -> Files {
    let mut files = Files::default();
    files.read_main(location);
    let drop_ins = location.drop_ins();
    match drop_in_files(&drop_ins) {
        Ok(paths) => paths.iter().for_each(|path| files.read_file(path)),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => (),
        Err(fault) => {
            files.refuse(&drop_ins, &format!("failed to list the folder: {fault}"), "let the agent's user read it")
        }
    }
    files.watch(&drop_ins);
    files
}

fn drop_in_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    let is_hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let is_toml = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "toml") && !is_hidden(path);
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).filter(is_toml).collect();
    paths.sort();
    Ok(paths)
}

impl Files {
    fn read_main(&mut self, location: &Location) {
        if location.main.try_exists().is_ok_and(|exists| !exists) {
            self.watch(&location.main);
            let help = "write one, if only an empty one: each [[connection]] and [[link]] goes there or into conf.d/*.toml beside it; \
                        `--config FILE` names another place";
            return self.refuse(&location.main, "there is no configuration here", help);
        }
        self.read_file(&location.main);
    }

    fn read_file(&mut self, path: &Path) {
        self.watch(path);
        match read_text(path) {
            Ok(text) => self.sources.push(Source::new(path.to_owned(), text)),
            Err(fault) => {
                self.refuse(path, &format!("failed to read the file: {fault}"), "a readable TOML file in UTF-8")
            }
        }
    }

    fn refuse(&mut self, path: &Path, message: &str, help: &str) {
        self.unreadable.push(Diagnostic::of_file(path.display().to_string(), message, help));
    }

    /// Notes a path, and if it is a symbolic link, all that it leads over.
    pub(super) fn watch(&mut self, path: &Path) {
        let mut station = path.to_owned();
        for _ in 0..MAX_SYMLINKS {
            self.watched.push(station.clone());
            let Ok(target) = std::fs::read_link(&station) else { break };
            station = station.parent().unwrap_or(Path::new("/")).join(target);
        }
        if let Ok(resolved) = path.canonicalize() {
            self.watched.push(resolved);
        }
    }

    /// Notes a path that settings name, and the files of certificates in it if it is a folder.
    pub(super) fn watch_named(&mut self, path: &Path) {
        self.watch(path);
        for file in certificates::files(path).unwrap_or_default() {
            self.watch(&file);
        }
    }

    /// All paths, each once.
    pub(super) fn into_watched(mut self) -> Vec<PathBuf> {
        self.watched.sort();
        self.watched.dedup();
        self.watched
    }

    /// SHA-256 over all that was read; what could not be read counts by its fault.
    pub(super) fn content_hash(&self, named: &[(PathBuf, String)]) -> String {
        let mut digest = Sha256::new();
        let mut add = |path: &Path, content: &str| {
            digest.update(format!("{}:{}:", path.display(), content.len()));
            digest.update(content);
        };
        self.sources.iter().for_each(|source| add(&source.path, &source.text));
        self.unreadable.iter().for_each(|fault| add(Path::new(&fault.file), &fault.message));
        named.iter().for_each(|(path, content)| add(path, content));
        hex::encode(digest.finalize())
    }
}

fn read_text(path: &Path) -> io::Result<String> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    if metadata.len() > MAX_FILE {
        return Err(io::Error::other("it is larger than 32 MiB"));
    }
    std::fs::read_to_string(path)
}

impl Source {
    /// The place of a file's beginning.
    pub(super) fn beginning(file: usize) -> Place {
        Place::new(file, 0..0)
    }
}

//! Finds and reads the files of the configuration, and knows all paths whose change may change it.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::certificates;
use super::diagnostic::Diagnostic;
use super::place::Place;
use super::source::{Content, Source};

/// Where the packaged agent has its configuration.
const DEFAULT_MAIN: &str = "/etc/suitesync/suitesync.toml";

/// The folder of further files, beside the main one.
const DROP_INS: &str = "conf.d";

/// The folder of plug-ins, beside the main one: a folder each.
const PLUGINS: &str = "delegates.d";

/// What a plug-in's folder holds that is of the configuration.
const PLUGIN_FILE: &str = "plugin.toml";

/// Largest file that is read: a hundred thousand links, and no disk image named by mistake.
const MAX_FILE: u64 = 32 * 1024 * 1024;

/// Links of a chain of symbolic links that are followed: the kernel's own limit.
const MAX_SYMLINKS: usize = 40;

/// Where the configuration is: the main file, and `conf.d/*.toml` and `delegates.d/*/plugin.toml` beside it.
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

    fn plugins(&self) -> PathBuf {
        self.main.with_file_name(PLUGINS)
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
    for path in files.list(&location.drop_ins()) {
        if path.extension().is_some_and(|ending| ending == "toml") {
            files.read_file(&path, Content::Tables);
        }
    }
    for folder in files.list(&location.plugins()).into_iter().filter(|path| path.is_dir()) {
        files.read_plugin(&folder);
    }
    files
}

/// One file by itself.
pub(super) fn read_alone(path: &Path) -> Files {
    let mut files = Files::default();
    files.read_file(path, Content::Tables);
    files
}

fn visible_entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    let is_visible = |path: &PathBuf| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'));
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).filter(is_visible).collect();
    paths.sort();
    Ok(paths)
}

impl Files {
    /// What a folder holds, by name; nothing where there is no folder.
    fn list(&mut self, folder: &Path) -> Vec<PathBuf> {
        self.watch(folder);
        visible_entries(folder).unwrap_or_else(|fault| {
            if fault.kind() != io::ErrorKind::NotFound {
                let message = format!("failed to list the folder: {fault}");
                self.refuse(folder, &message, "let the agent's user read it");
            }
            Vec::new()
        })
    }

    /// A folder without its file is none yet: a plug-in is put there file by file.
    fn read_plugin(&mut self, folder: &Path) {
        self.watch(folder);
        let path = folder.join(PLUGIN_FILE);
        if path.try_exists().is_ok_and(|exists| !exists) {
            return self.watch(&path);
        }
        self.read_file(&path, Content::Plugin);
    }

    fn read_main(&mut self, location: &Location) {
        if location.main.try_exists().is_ok_and(|exists| !exists) {
            self.watch(&location.main);
            let help = "write one, if only an empty one: each [[connection]] and [[link]] goes there or into conf.d/*.toml beside it; \
                        `--config FILE` names another place";
            return self.refuse(&location.main, "there is no configuration here", help);
        }
        self.read_file(&location.main, Content::Tables);
    }

    fn read_file(&mut self, path: &Path, content: Content) {
        self.watch(path);
        match read_text(path) {
            Ok(text) => self.sources.push(Source::new(path.to_owned(), text, content)),
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

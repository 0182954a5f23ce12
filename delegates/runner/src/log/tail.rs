//! The last part of a log that is longer than its limit: two files beside it that take turns.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{create, split};

/// The last part, as it is written.
#[derive(Debug)]
pub(super) struct Tail {
    paths: [PathBuf; 2],
    present: Segment,
    earlier: Segment,
    /// Most bytes of each.
    size: u64,
    /// Bytes written over.
    pub(super) left_out: u64,
}

#[derive(Debug)]
struct Segment {
    file: File,
    length: u64,
}

impl Tail {
    pub(super) fn create(path: &Path, size: u64) -> io::Result<Self> {
        let paths = tail_paths(path);
        let [first, second] = [create(&paths[0])?, create(&paths[1])?];
        let (present, earlier) = (Segment { file: first, length: 0 }, Segment { file: second, length: 0 });
        Ok(Self { paths, present, earlier, size: size.max(1), left_out: 0 })
    }

    pub(super) fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.present.length >= self.size {
                std::mem::swap(&mut self.present, &mut self.earlier);
                self.left_out += self.present.length;
                self.present.file.set_len(0)?;
                self.present.file.rewind()?;
                self.present.length = 0;
            }
            let (first, rest) = split(bytes, self.size - self.present.length);
            self.present.file.write_all(first)?;
            self.present.length += first.len() as u64;
            bytes = rest;
        }
        Ok(())
    }

    /// Appends both files to the first part, and takes them away.
    pub(super) fn join(mut self, head: &mut File) -> io::Result<()> {
        let mut join = || {
            if self.left_out > 0 {
                write!(head, "\n[suitesync left out {} bytes here]\n", self.left_out)?;
            }
            for segment in [&mut self.earlier, &mut self.present] {
                segment.file.rewind()?;
                io::copy(&mut segment.file, head)?;
            }
            Ok(())
        };
        let joined = join();
        let removed = self.paths.iter().try_for_each(fs::remove_file);
        joined.and(removed)
    }
}

/// Puts together what a killed runner left of a log. How much is left out where its parts meet is not known.
pub fn close_log(path: &Path) -> io::Result<()> {
    let mut parts: Vec<(SystemTime, PathBuf)> = Vec::new();
    for part in tail_paths(path) {
        match fs::metadata(&part).and_then(|metadata| metadata.modified()) {
            Ok(modified) => parts.push((modified, part)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    if parts.is_empty() {
        return Ok(());
    }
    parts.sort();
    let mut head = OpenOptions::new().append(true).open(path)?;
    head.write_all(b"\n[suitesync was killed; output may be left out here]\n")?;
    for (_, part) in parts {
        io::copy(&mut File::open(&part)?, &mut head)?;
        fs::remove_file(part)?;
    }
    Ok(())
}

fn tail_paths(path: &Path) -> [PathBuf; 2] {
    [beside(path, ".tail-0"), beside(path, ".tail-1")]
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

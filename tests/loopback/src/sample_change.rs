//! What a sample commit changes, and how `git fast-import` is told.

/// One change of a commit. Paths are any bytes, as in Git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Write { path: Vec<u8>, bytes: Vec<u8> },
    Remove { path: Vec<u8> },
    Rename { from: Vec<u8>, to: Vec<u8> },
    Link { path: Vec<u8>, target: Vec<u8> },
    Submodule { path: Vec<u8>, commit: String },
}

impl Change {
    /// A new file, or new content of one.
    pub fn write(path: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> Self {
        Self::Write { path: path.as_ref().to_vec(), bytes: bytes.as_ref().to_vec() }
    }

    /// A file or a folder that goes.
    pub fn remove(path: impl AsRef<[u8]>) -> Self {
        Self::Remove { path: path.as_ref().to_vec() }
    }

    /// A file or a folder that gets another path and keeps its content.
    pub fn rename(from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Self {
        Self::Rename { from: from.as_ref().to_vec(), to: to.as_ref().to_vec() }
    }

    /// A symbolic link.
    pub fn link(path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self::Link { path: path.as_ref().to_vec(), target: target.as_ref().to_vec() }
    }

    /// A submodule at a commit of 40 hexadecimal digits.
    pub fn submodule(path: impl AsRef<[u8]>, commit: impl Into<String>) -> Self {
        Self::Submodule { path: path.as_ref().to_vec(), commit: commit.into() }
    }

    /// Adds this change to a stream (`git help fast-import`, filemodify, filedelete and filerename).
    pub(crate) fn import_into(&self, stream: &mut Vec<u8>) {
        let line = match self {
            Self::Write { path, .. } => format!("M 100644 inline {}\n", quoted(path)),
            Self::Remove { path } => format!("D {}\n", quoted(path)),
            Self::Rename { from, to } => format!("R {} {}\n", quoted(from), quoted(to)),
            Self::Link { path, .. } => format!("M 120000 inline {}\n", quoted(path)),
            Self::Submodule { path, commit } => format!("M 160000 {commit} {}\n", quoted(path)),
        };
        stream.extend_from_slice(line.as_bytes());
        match self {
            Self::Write { bytes, .. } | Self::Link { target: bytes, .. } => import_bytes(bytes, stream),
            Self::Remove { .. } | Self::Rename { .. } | Self::Submodule { .. } => {}
        }
    }
}

/// Adds bytes with their length in front.
pub(crate) fn import_bytes(bytes: &[u8], stream: &mut Vec<u8>) {
    stream.extend_from_slice(format!("data {}\n", bytes.len()).as_bytes());
    stream.extend_from_slice(bytes);
    stream.push(b'\n');
}

/// A path in the manner of C, which any bytes survive.
fn quoted(path: &[u8]) -> String {
    let quote = |byte: &u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        other => format!("\\{other:03o}"),
    };
    format!("\"{}\"", path.iter().map(quote).collect::<String>())
}

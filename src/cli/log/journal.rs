//! The log for the journal of systemd, by its native protocol: the message with its cause and next step, and every field
//! under a name of its own, so that `journalctl SUITESYNC_EVENT=link.synced` finds it.
//!
//! Entries are sent as single datagrams. One that would be too large for that is cut, not passed as a file.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::{Fields, one_line, weight};

/// Where the journal listens (sd-daemon's documentation: "Native Journal Protocol").
const SOCKET: &str = "/run/systemd/journal/socket";

/// What stands before the names of fields.
const PREFIX: &str = "SUITESYNC_";

/// Bytes of a value: with a dozen of them a datagram stays below what the kernel takes (some 200 KiB).
const LONGEST_VALUE: usize = 8 << 10;

pub(super) struct Journal {
    /// Not connected: the journal may be started anew.
    socket: UnixDatagram,
    path: PathBuf,
}

impl Journal {
    /// Fails where there is no journal.
    pub(super) fn open() -> io::Result<Self> {
        Self::at(Path::new(SOCKET))
    }

    fn at(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        // The journal takes no notice of an empty one.
        socket.send_to(&[], path)?;
        Ok(Self { socket, path: path.to_owned() })
    }
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        // There is nobody else to tell.
        let _ = self.socket.send_to(&entry(event.metadata().level(), &fields), &self.path);
    }
}

fn entry(level: &Level, fields: &Fields) -> Vec<u8> {
    let mut entry = Vec::new();
    put(&mut entry, "MESSAGE", &one_line(&whole_message(fields)));
    put(&mut entry, "PRIORITY", &weight(level).to_string());
    put(&mut entry, "SYSLOG_IDENTIFIER", env!("CARGO_PKG_NAME"));
    for (name, value) in fields.values.iter().filter(|(_, value)| !value.is_null()) {
        put(&mut entry, &journal_name(name), &text(value));
    }
    entry
}

/// `journalctl` shows the message alone: with what a reader wants to know first.
fn whole_message(fields: &Fields) -> String {
    let field = |name: &str| fields.values.get(name).map(text);
    let cause = field("error").map(|error| format!(": {error}")).unwrap_or_default();
    let next_step = field("hint").map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{}{cause}{next_step}", fields.message)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Names in the journal are of capitals, digits and underscores.
fn journal_name(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    PREFIX.chars().chain(name.chars().map(letter)).collect()
}

/// Adds a field with its length, so that a value may hold anything.
fn put(entry: &mut Vec<u8>, name: &str, value: &str) {
    let value = value.get(..value.floor_char_boundary(LONGEST_VALUE)).unwrap_or(value);
    entry.extend(name.as_bytes());
    entry.push(b'\n');
    entry.extend((value.len() as u64).to_le_bytes());
    entry.extend(value.as_bytes());
    entry.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// What the journal gets of what is logged.
    fn logged(log: impl FnOnce()) -> BTreeMap<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let socket = UnixDatagram::bind(&path).unwrap();
        let registry = tracing_subscriber::registry().with(Journal::at(&path).unwrap());
        tracing::subscriber::with_default(registry, log);
        let mut datagram = vec![0; 1 << 20];
        assert_eq!(socket.recv(&mut datagram).unwrap(), 0, "it is looked whether anybody is there");
        let length = socket.recv(&mut datagram).unwrap();
        fields(&datagram[..length])
    }

    fn fields(mut entry: &[u8]) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        while let Some(end) = entry.iter().position(|byte| *byte == b'\n') {
            let (name, rest) = entry.split_at(end);
            let (length, rest) = rest[1..].split_at(8);
            let (value, rest) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            fields.insert(text(name), text(value));
            entry = rest.strip_prefix(b"\n").unwrap();
        }
        fields
    }

    #[test]
    fn a_message_has_its_cause_and_its_next_step() {
        let error = io::Error::other("the disk is full\n");
        let error = &error as &dyn std::error::Error;
        let entry = logged(|| tracing::error!(error, hint = "make room", "failed to record an event"));
        assert_eq!(entry["MESSAGE"], "failed to record an event: the disk is full\\n; make room");
        assert_eq!((entry["PRIORITY"].as_str(), entry["SYSLOG_IDENTIFIER"].as_str()), ("3", "suitesync"));
        assert_eq!(entry["SUITESYNC_ERROR"], "the disk is full\n");
    }

    #[test]
    fn each_field_of_an_event_has_its_own_name() {
        let fields = r#"{ "class": "connect", "cases": { "added": 1 }, "from": null }"#;
        let entry = logged(|| tracing::info!(event = "link.synced", link = "shop", fields, "synced"));
        let names: Vec<_> = entry.keys().filter_map(|name| name.strip_prefix(PREFIX)).collect();
        assert_eq!(names, ["CASES", "CLASS", "EVENT", "LINK"]);
        assert_eq!(
            (entry["SUITESYNC_CLASS"].as_str(), entry["SUITESYNC_CASES"].as_str()),
            ("connect", r#"{"added":1}"#)
        );
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        let long = "é".repeat(LONGEST_VALUE) + "end";
        let entry = logged(|| tracing::info!(detail = long, "x{long}"));
        assert_eq!(entry["SUITESYNC_DETAIL"].len(), LONGEST_VALUE);
        assert_eq!(entry["MESSAGE"].len(), LONGEST_VALUE - 1);
    }
}

//! The agent's own log: for the journal under systemd, as text on a terminal, as JSON otherwise.

mod journal;

use std::fmt;
use std::io::IsTerminal;

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogConfig, LogFormat};
use journal::Journal;

/// What this library has to say of a connection we say ourselves, with the next step.
const QUIET: &str = "async_nats=off";

/// Sends the log where it belongs. Called once, by the agent.
pub(super) fn start(config: &LogConfig) {
    let crates =
        ["suitesync", "suitesync_git", "suitesync_reach", "suitesync_azure", "suitesync_runner", "suitesync_remote"];
    let level = config.level.as_str();
    let filter = crates.iter().fold(format!("warn,{QUIET}"), |filter, name| format!("{filter},{name}={level}"));
    let registry = tracing_subscriber::registry().with(EnvFilter::new(filter));
    let journal = || std::env::var_os("JOURNAL_STREAM").and_then(|_| Journal::open().ok());
    let lines = |style| {
        tracing_subscriber::fmt::layer().event_format(Lines { style }).with_ansi(false).with_writer(std::io::stdout)
    };
    let started = match config.format {
        LogFormat::Json => registry.with(lines(Style::Json)).try_init(),
        LogFormat::Text => registry.with(lines(Style::Text)).try_init(),
        LogFormat::Auto => match journal() {
            Some(journal) => registry.with(journal).try_init(),
            None if std::io::stdout().is_terminal() => registry.with(lines(Style::Text)).try_init(),
            None => registry.with(lines(Style::Json)).try_init(),
        },
    };
    // Tests that run agents in one process have one log.
    drop(started);
}

/// Sends the log of a delegate in a process of its own to standard error, each line with its weight for whoever passes
/// it on: systemd, or the agent.
pub(super) fn start_on_stderr() {
    let lines = tracing_subscriber::fmt::layer().event_format(Lines { style: Style::Weighed });
    let filter = EnvFilter::new(format!("info,{QUIET}"));
    drop(
        tracing_subscriber::registry()
            .with(filter)
            .with(lines.with_ansi(false).with_writer(std::io::stderr))
            .try_init(),
    );
}

#[derive(Debug, Clone, Copy)]
enum Style {
    Text,
    Json,
    /// Without the time, which whoever passes it on adds, and with the weight as sd-daemon(3) has it.
    Weighed,
}

/// A level as syslog counts.
fn weight(level: &tracing::Level) -> u8 {
    match *level {
        tracing::Level::ERROR => 3,
        tracing::Level::WARN => 4,
        tracing::Level::INFO => 6,
        _ => 7,
    }
}

/// One line an event, every field under its own name.
struct Lines {
    style: Style,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let at = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let level = event.metadata().level().as_str();
        match self.style {
            Style::Json => {
                let mut line = Map::new();
                line.insert("at".to_owned(), at.into());
                line.insert("level".to_owned(), level.to_lowercase().into());
                line.extend(fields.values);
                line.insert("message".to_owned(), fields.message.into());
                writeln!(writer, "{}", Value::Object(line))
            }
            Style::Text => {
                write!(writer, "{at} {level:5} ")?;
                fields.write_line(&mut writer)
            }
            Style::Weighed => {
                write!(writer, "<{}>", weight(event.metadata().level()))?;
                fields.write_line(&mut writer)
            }
        }
    }
}

/// What came from a repository must not break a line or move a terminal's cursor.
fn one_line(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

fn quoted(text: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '"' && c != '=';
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { Value::from(text).to_string() }
}

#[derive(Debug, Default)]
struct Fields {
    message: String,
    values: Map<String, Value>,
}

impl Fields {
    fn write_line(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", one_line(&self.message))?;
        for (name, value) in &self.values {
            match value.as_str() {
                Some(text) => write!(writer, " {name}={}", quoted(text))?,
                None => write!(writer, " {name}={value}")?,
            }
        }
        writeln!(writer)
    }

    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            // An event of the catalogue brings its own fields as one JSON object.
            ("fields", Value::String(text)) => {
                if let Ok(Value::Object(fields)) = serde_json::from_str(&text) {
                    self.values.extend(fields);
                }
            }
            (name, value) => drop(self.values.insert(name.to_owned(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        self.put(field, text.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_could_be_mistaken_are_quoted() {
        for (text, expect) in [("abc", "abc"), ("a b", "\"a b\""), ("", "\"\""), ("a\nb", "\"a\\nb\"")] {
            assert_eq!(quoted(text), expect);
        }
    }

    #[test]
    fn a_message_stays_on_its_line() {
        assert_eq!(one_line("a\nb\u{1b}[31m"), "a\\nb\\u{1b}[31m");
    }
}

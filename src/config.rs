//! The configuration: reads TOML files into typed, validated settings, and tells when they change.
//!
//! One pass finds every problem of every file, each with its place. A configuration is whole or it is not there: what
//! runs on goes on with the last good one. Secrets are never read here but by name; [`Secrets`] resolves them when
//! they are needed.

mod certificates;
mod delegate_file;
mod diagnostic;
mod difference;
mod environment;
mod files;
mod fingerprint;
mod keys;
mod known_hosts;
mod lint;
mod mask;
mod place;
mod program;
mod proxy;
mod read;
mod report;
mod secrets;
mod section;
mod settings;
mod size;
mod source;
#[cfg(test)]
mod tests;
mod watch;

use std::path::PathBuf;

use toml::de::DeTable;

pub use certificates::{CertificatesError, read_certificates};
pub use delegate_file::{LoadedDelegateFile, load_delegate_file};
pub use diagnostic::{Diagnostic, Severity};
pub use difference::{ChangeCounts, Changed, Changes, ConfigDiff, needs_restart};
pub use environment::Environment;
pub use files::Location;
pub use known_hosts::{KnownHostsError, read_fingerprint, read_known_hosts};
pub use proxy::{ProxyFault, read_proxy_url};
pub use secrets::{MAX_SECRET_FILE, SecretDigest, SecretValue, Secrets};
pub use settings::{
    AgentConfig, Certificates, ClientCertificateConfig, Config, ConnectionConfig, ConnectionType, DelegateConfig,
    DelegateFile, DelegateKind, Format, HostKeysConfig, LinkConfig, LogConfig, LogFormat, LogLevel, Pin, Proceed,
    ProxyLogin, ProxySetting, RUNS_DISK, RemoteConfig, RemoteLogin, RetentionConfig, ScheduleConfig, SecretGrant,
    SecretSource, SettingOrigin, StationConfig,
};
pub use watch::Watcher;

use place::Place;
use read::{Context, Document};
use report::{Finding, Report};
use source::Source;

/// What came of reading the files.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// There if no diagnostic is an error.
    pub config: Option<Config>,
    /// `[agent]` as far as it is sound, also where the rest is not: clients find the agent by it.
    pub agent: AgentConfig,
    /// Errors and warnings, in the order of the files and of the lines in them.
    pub diagnostics: Vec<Diagnostic>,
    /// SHA-256 over the content of all files, certificates and known hosts included: equal means that nothing changed.
    pub content_hash: String,
    /// All paths whose change may change the configuration; for [`Watcher`].
    pub watched: Vec<PathBuf>,
}

/// Reads and validates all files. It blocks, and never touches the network.
pub fn load(location: &Location, environment: &Environment) -> Loaded {
    let mut files = files::read(location);
    let validated = validate(&files.sources, environment);
    let content_hash = files.content_hash(&validated.named);
    validated.named.iter().for_each(|(path, _)| files.watch_named(path));
    let mut diagnostics = files.unreadable.clone();
    diagnostics.extend(validated.diagnostics);
    let agent = validated.config.agent.clone();
    let config = Some(validated.config).filter(|_| !diagnostics.iter().any(Diagnostic::is_error));
    Loaded { config, agent, diagnostics, content_hash, watched: files.into_watched() }
}

/// Settings as far as they are sound, and what is wrong with the rest.
struct Validated {
    config: Config,
    diagnostics: Vec<Diagnostic>,
    /// Files that settings name and that were read with them, with what they held.
    named: Vec<(PathBuf, String)>,
}

fn validate(sources: &[Source], environment: &Environment) -> Validated {
    let mut report = Report::new(sources);
    let documents: Vec<_> = sources.iter().enumerate().map(|(file, source)| parse(&mut report, file, source)).collect();
    let context = Context::new(&report, environment);
    let draft = read::read(&context, &documents);
    lint::check(&context, &draft);
    let config = lint::assemble(&context, draft);
    let named = context.files_read();
    Validated { config, diagnostics: report.into_diagnostics(), named }
}

/// The document as far as it can be understood; what cannot be is reported.
fn parse<'s>(report: &mut Report<'s>, file: usize, source: &'s Source) -> Document<'s> {
    let (document, faults) = DeTable::parse_recoverable(&source.text);
    for fault in faults {
        let place = fault.span().map_or_else(|| Source::beginning(file), |span| Place::new(file, span));
        let message = fault.message().trim().replace('\n', "; ");
        report.add_syntax(Finding::error(place, format!("not TOML: {message}")));
    }
    document
}

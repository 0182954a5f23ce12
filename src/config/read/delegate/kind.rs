//! What a delegate is made of: threads of the agent, a program that it starts, a process behind a socket, or one on
//! another host.

use std::path::Path;

use crate::config::program::is_program;
use crate::config::read::Context;
use crate::config::report::Finding;
use crate::config::section::Section;
use crate::config::settings::DelegateKind;
use crate::config::source::Content;

/// The word under `kind`.
#[derive(Debug, Clone, Copy)]
enum Word {
    Local,
    Process,
    Remote,
}

/// The keys that say where a process is; each excludes the other.
const PROCESS_KEYS: [&str; 2] = ["command", "socket"];

/// Where a delegate on another host says how it gets out: there, since nothing of this host counts for it.
const REMOTE_HELP: &str = "it says so itself, in [delegate] of the file that it is started with; remove it here";

pub(super) fn read(section: &Section<'_>, content: Content) -> Option<DelegateKind> {
    match read_word(section, content)? {
        Word::Local => {
            refuse_keys_of_processes(section);
            Some(DelegateKind::Local)
        }
        Word::Process => read_process(section, content),
        Word::Remote => {
            refuse_keys_of_processes(section);
            refuse_keys_of_hosts(section);
            Some(DelegateKind::Remote)
        }
    }
}

/// Whether the delegate executes runs: as written, else as its kind has it.
pub(super) fn read_runs(section: &Section<'_>, context: &Context<'_>, kind: Option<&DelegateKind>) -> bool {
    let runs = section.flag("runs");
    runs.unwrap_or_else(|| match kind {
        Some(DelegateKind::Local) | None => local_runs(context),
        Some(DelegateKind::Command(_) | DelegateKind::Socket(_) | DelegateKind::Remote) => true,
    })
}

/// Whether threads of the agent execute runs where nothing is said: not as a service, whose unit leaves test tools too
/// little room, and whose secrets are none of theirs.
pub(super) fn local_runs(context: &Context<'_>) -> bool {
    let is_set = |name| context.environment.get(name).is_some();
    !is_set("NOTIFY_SOCKET") && !is_set("INVOCATION_ID")
}

fn read_word(section: &Section<'_>, content: Content) -> Option<Word> {
    let (words, implied) = match content {
        Content::Tables => {
            (&[("local", Word::Local), ("process", Word::Process), ("remote", Word::Remote)][..], Word::Local)
        }
        Content::Plugin => (&[("process", Word::Process)][..], Word::Process),
    };
    if section.value("kind").is_none() {
        return Some(implied);
    }
    section.choice("kind", words).map(|word| word.value)
}

fn refuse_keys_of_processes(section: &Section<'_>) {
    for (key, place) in PROCESS_KEYS.iter().filter_map(|key| Some((key, section.key_place(key)?))) {
        let finding = Finding::error(place, format!("`{key}` is for delegates of kind process"));
        section.report.add(finding.help(format!("write `kind = \"process\"`, or remove `{key}`")));
    }
}

fn refuse_keys_of_hosts(section: &Section<'_>) {
    for key in ["additional_certs_path", "proxy", "no_proxy"] {
        if let Some(place) = section.key_place(key) {
            let finding = Finding::error(place, format!("`{key}` means nothing for a delegate on another host"));
            section.report.add(finding.help(REMOTE_HELP));
        }
    }
}

fn read_process(section: &Section<'_>, content: Content) -> Option<DelegateKind> {
    match section.only_one_of(&PROCESS_KEYS) {
        Some("socket") => section.path("socket").map(|path| DelegateKind::Socket(path.value)),
        Some(_) => read_command(section, content).map(DelegateKind::Command),
        None => {
            if !section.has_other_keys() && !section.report.is_broken(section.place.file) {
                let message = "a delegate of kind process has no `command` and no `socket`";
                let help = "add `command`, a program to start, or `socket`, where one that runs already listens";
                section.report.add(Finding::error(section.place, message).help(help));
            }
            None
        }
    }
}

/// Program and arguments. A plug-in's program may lie in its own folder.
fn read_command(section: &Section<'_>, content: Content) -> Option<Vec<String>> {
    let place = section.value("command")?.place;
    let mut words: Vec<_> = section.texts("command")?.into_iter().map(|word| word.value.to_owned()).collect();
    let folder = section.report.source(place)?.folder();
    let program = words.first_mut().filter(|program| !program.trim().is_empty());
    match (program, content) {
        (Some(program), Content::Plugin) => {
            let path = folder.join(&*program);
            *program = std::path::absolute(&path).unwrap_or(path).to_string_lossy().into_owned();
        }
        (Some(program), Content::Tables) if program.starts_with('/') => (),
        (Some(_) | None, _) => {
            let finding = Finding::error(place, "`command` does not begin with the absolute path of a program");
            let help = "write [\"/usr/lib/suitesync/delegates/NAME\"]: it is started without a shell";
            section.report.add(finding.help(help));
            return None;
        }
    }
    if words.iter().any(|word| word.contains('\0')) {
        let finding = Finding::error(place, "a word of `command` holds a NUL character");
        section.report.add(finding.help("remove it: no program can be given one"));
        return None;
    }
    if !words.first().is_some_and(|program| is_program(Path::new(program))) {
        let finding = Finding::warning(place, "the delegate's command is no program that can be started here");
        section.report.add(finding.help("the delegate counts as lost until it is there; the agent's user starts it"));
    }
    Some(words)
}

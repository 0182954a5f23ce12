//! Links as people are shown them.

use serde_json::Value;
use suitesync_contract::Notice;

use super::super::failure;
use super::super::look::{Look, Paint};
use super::super::table::{Cell, Table};
use super::super::wording::{ago, ago_or_never, count, duration, escaped, short};
use crate::catalog::history::{ChangeRecord, SyncRecord};
use crate::catalog::link::Counts;
use crate::domain::link::ArchiveReason;
use crate::views::{LinkDetail, LinkSettings, LinkView};

const NONE_YET: &str = "There are no links yet: add a [[link]] to the configuration; `suitesync check` validates it. \
                        `--archived` shows archived ones.\n";

/// Changes of one sync that people are shown; `--json` has them all.
const SHOWN_CHANGES: usize = 10;

/// What was passed over that people are shown; `--json` has it all.
const SHOWN_NOTICES: usize = 20;

pub(in crate::cli) fn list(links: &[LinkView], look: &Look) -> String {
    if links.is_empty() {
        return NONE_YET.to_owned();
    }
    let mut table =
        Table::new(["NAME", "CONNECTION", "STATUS", "CASES", "SUITES", "COMMIT", "CHECKED", "FAILURE"], look);
    for link in links {
        table.row([
            Cell::new(&link.name),
            Cell::new(&link.connection),
            status(link),
            Cell::new(link.counts.cases),
            Cell::new(link.counts.suites + link.counts.collections),
            Cell::new(link.commit.as_deref().map(short).unwrap_or_default()),
            Cell::new(ago_or_never(link.checked_at, look.now)),
            Cell::new(link.failure.as_ref().map_or("", |failure| failure.class.code())),
        ]);
    }
    table.render()
}

fn status(link: &LinkView) -> Cell {
    let word = link.status.code();
    let paint = Paint::of_status(word);
    if link.stale { Cell::painted(paint, format!("{word}, stale")) } else { Cell::painted(paint, word) }
}

pub(super) fn detail(detail: &LinkDetail, look: &Look) -> String {
    let link = &detail.link;
    let mut table = Table::without_titles(look);
    table.field("name", Cell::new(&link.name));
    if link.display_name != link.name {
        table.field("display name", Cell::new(&link.display_name));
    }
    if !detail.description.is_empty() {
        table.field("description", Cell::lines(&detail.description));
    }
    table.field("connection", Cell::new(&link.connection));
    table.field("project", Cell::new(&detail.project));
    table.field("status", status(link));
    if !link.reasons.is_empty() {
        let reasons: Vec<_> = link.reasons.iter().map(|reason| because(*reason)).collect();
        table.field("archived", Cell::new(reasons.join(", and ")));
    }
    match &detail.settings {
        Some(settings) => settings_fields(settings, &mut table),
        None => table.field("configuration", Cell::new("no longer in it")),
    }
    table.field("commit", Cell::new(link.commit.as_deref().map_or_else(|| "none yet".to_owned(), short)));
    table.field("checked", Cell::new(ago_or_never(link.checked_at, look.now)));
    table.field("changed", Cell::new(ago_or_never(link.synced_at, look.now)));
    table.field("tests", Cell::new(totals(&link.counts)));
    for root in &detail.roots {
        let place = if root.path.is_empty() { "the top" } else { root.path.as_str() };
        table.field("test project", Cell::new(format!("{} ({}) at {place}", root.name, root.format)));
    }
    let failure = link.failure.as_ref().map(|failure| format!("\n{}", failure::told(failure, look)));
    table.render() + &failure.unwrap_or_default() + &passed_over(&detail.notices)
}

fn because(reason: ArchiveReason) -> &'static str {
    match reason {
        ArchiveReason::Operator => "by an operator",
        ArchiveReason::Pinned => "by `archived = true` in the configuration",
        ArchiveReason::Removed => "as it is no longer in the configuration",
    }
}

fn settings_fields(settings: &LinkSettings, table: &mut Table) {
    table.field("repository", Cell::new(&settings.repository));
    table.field("looks at", Cell::new(&settings.reference));
    let directory = if settings.directory.is_empty() { "the whole repository" } else { settings.directory.as_str() };
    table.field("directory", Cell::new(directory));
    table.field("sync every", Cell::new(&settings.sync_every));
    table.field("proceeds", Cell::new(&settings.proceed));
}

fn totals(counts: &Counts) -> String {
    let told = [
        count(counts.cases, "case"),
        count(counts.suites, "suite"),
        count(counts.collections, "collection"),
        format!("{} malformed", counts.malformed),
    ];
    told.join(", ")
}

fn passed_over(notices: &[Notice]) -> String {
    if notices.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", Paint::Title.on("Passed over"));
    for notice in notices.iter().take(SHOWN_NOTICES) {
        text.push_str(&format!("  {}: {}\n", escaped(&notice.path), escaped(&notice.message)));
    }
    text + &and_more(notices.len(), SHOWN_NOTICES)
}

fn and_more(all: usize, shown: usize) -> String {
    if all > shown { format!("  and {} more; `--json` shows all\n", all - shown) } else { String::new() }
}

pub(super) fn history(syncs: &[SyncRecord], look: &Look) -> String {
    if syncs.is_empty() {
        return "Nothing has been synced yet: `suitesync link sync NAME --wait` does it now.\n".to_owned();
    }
    syncs.iter().map(|sync| one_sync(sync, look)).collect::<Vec<_>>().join("\n")
}

fn one_sync(sync: &SyncRecord, look: &Look) -> String {
    let commit = |commit: &Option<String>| commit.as_deref().map_or_else(|| "none".to_owned(), short);
    let by = sync.delegate.as_ref().map(|name| format!(", by delegate {}", escaped(name))).unwrap_or_default();
    let arrow = look.marks.arrow();
    let title = Paint::Title.on(ago(sync.at, look.now));
    let (from, to, time) = (commit(&sync.from), commit(&sync.to), duration(sync.duration_ms));
    let mut text = match &sync.failure {
        Some(failure) => format!("{title}  failed in {time}{by}\n{}", failure::told(failure, look)),
        None => format!("{title}  {from} {arrow} {to} in {time}{by}{}\n", recorded(&sync.counts)),
    };
    for change in sync.changes.iter().take(SHOWN_CHANGES) {
        text.push_str(&one_change(change, arrow));
    }
    text + &and_more(sync.changes.len(), SHOWN_CHANGES)
}

//! Links as people are shown them.

use serde::Deserialize;
use serde_json::Value;
use suitesync_contract::Notice;

use super::super::failure;
use super::super::look::{Look, Paint};
use super::super::table::{Cell, Table};
use super::super::wording::{ago, ago_or_never, count, duration, escaped, short};
use super::counts;
use crate::catalog::contents::ChangeCounts;
use crate::catalog::history::{ChangeRecord, SyncRecord};
use crate::catalog::link::Counts;
use crate::domain::link::ArchiveReason;
use crate::views::{LinkDetail, LinkSettings, LinkView};

const NONE_YET: &str = "There are no links yet: add a [[link]] to the configuration; `suitesync check` validates it. \
                        `suitesync link list --archived` shows archived ones.\n";

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
    if let Some(why) = &detail.unserved {
        table.field("delegates", Cell::painted(Paint::Warning, format!("none can take its syncs now: {why}")));
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
    let tags = settings.delegate_tags.join(", ");
    table.field("delegate tags", Cell::new(if tags.is_empty() { "any delegate" } else { &tags }));
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
    let mut text = format!("\n{}\n", Paint::Title.on("Notes"));
    for notice in notices.iter().take(SHOWN_NOTICES) {
        let place = if notice.path.is_empty() { String::new() } else { format!("{}: ", escaped(&notice.path)) };
        text.push_str(&format!("  {place}{}\n", escaped(&notice.message)));
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
        None => format!("{title}  {from} {arrow} {to} in {time}{by}\n{}", recorded(&sync.counts)),
    };
    for change in sync.changes.iter().take(SHOWN_CHANGES) {
        text.push_str(&one_change(change, arrow));
    }
    text + &and_more(sync.changes.len(), SHOWN_CHANGES)
}

/// What the catalog keeps of a sync's changes.
#[derive(Debug, Deserialize)]
struct Recorded {
    cases: ChangeCounts,
    suites: ChangeCounts,
}

fn recorded(counts: &Value) -> String {
    Recorded::deserialize(counts)
        .map_or_else(|_| String::new(), |recorded| format!("  {}\n", counts::told(&recorded.cases, &recorded.suites)))
}

fn one_change(change: &ChangeRecord, arrow: &str) -> String {
    let before =
        change.old_id.as_deref().filter(|old| *old != change.id || change.old_root.as_deref() != Some(&change.root));
    let before = before.map(|old| format!("{} {arrow} ", escaped(old))).unwrap_or_default();
    format!("  {} {}: {before}{}\n", change.change, change.item, escaped(&change.id))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;
    use suitesync_contract::{Failure, FailureClass, Root};

    use super::super::super::look::tests::{look, plain};
    use super::*;
    use crate::domain::link::LinkStatus;

    fn link(name: &str, status: LinkStatus, failure: Option<Failure>) -> LinkView {
        LinkView {
            name: name.to_owned(),
            display_name: "Checkout tests".to_owned(),
            connection: "contoso".to_owned(),
            status,
            commit: Some("ab".repeat(20)),
            checked_at: Some(look().now - TimeDelta::seconds(12)),
            synced_at: Some(look().now - TimeDelta::days(3)),
            reasons: Vec::new(),
            counts: Counts { cases: 120, suites: 7, collections: 1, malformed: 2 },
            stale: failure.is_some(),
            failure,
        }
    }

    #[test]
    fn a_listing_shows_what_is_stale() {
        let failure = Failure::new(FailureClass::RefNotFound, "there is no branch `mian`");
        let links = [link("checkout-tests", LinkStatus::Active, None), link("web", LinkStatus::Error, Some(failure))];
        insta::assert_snapshot!(plain(&list(&links, &look())), @"
        NAME            CONNECTION  STATUS        CASES  SUITES  COMMIT      CHECKED   FAILURE
        checkout-tests  contoso     active        120    8       ababababab  12 s ago
        web             contoso     error, stale  120    8       ababababab  12 s ago  ref_not_found
        ");
    }

    #[test]
    fn an_empty_listing_says_what_to_do() {
        assert!(list(&[], &look()).starts_with("There are no links yet: add a [[link]]"));
    }

    #[test]
    fn a_link_is_shown_with_its_projects_and_what_was_passed_over() {
        let failure = Failure::new(FailureClass::RefNotFound, "there is no branch `mian`");
        let mut link = link("web", LinkStatus::Archived, Some(failure));
        link.reasons = vec![ArchiveReason::Operator, ArchiveReason::Removed];
        let shown = LinkDetail {
            link,
            description: String::new(),
            project: "default".to_owned(),
            settings: None,
            unserved: Some("dc1: draining".to_owned()),
            roots: vec![Root { path: "web".to_owned(), name: "Web".to_owned(), format: "katalon".to_owned() }],
            notices: vec![Notice { path: "web/a\u{1b}.tc".to_owned(), message: "a symlink".to_owned() }],
        };
        insta::assert_snapshot!(plain(&detail(&shown, &look())), @r"
        name           web
        display name   Checkout tests
        connection     contoso
        project        default
        status         archived, stale
        archived       by an operator, and as it is no longer in the configuration
        configuration  no longer in it
        delegates      none can take its syncs now: dc1: draining
        commit         ababababab
        checked        12 s ago
        changed        3 d ago
        tests          120 cases, 7 suites, 1 collection, 2 malformed
        test project   Web (katalon) at web

        ref_not_found: there is no branch `mian`
          → check the branch or tag of the link

        Notes
          web/a\u{1b}.tc: a symlink
        ");
    }

    #[test]
    fn the_history_names_what_each_sync_changed() {
        let change = |change: &str, id: &str, old_id: Option<&str>| ChangeRecord {
            item: "case".to_owned(),
            change: change.to_owned(),
            root: String::new(),
            id: id.to_owned(),
            old_root: old_id.map(|_| String::new()),
            old_id: old_id.map(str::to_owned),
        };
        let counts = |added, renamed| json!({"added": added, "removed": 0, "changed": 0, "renamed": renamed});
        let sync = SyncRecord {
            id: 1,
            at: look().now - TimeDelta::hours(2),
            from: None,
            to: Some("ab".repeat(20)),
            counts: json!({"cases": counts(1, 1), "suites": counts(0, 0)}),
            parsed: 2,
            remembered: 0,
            delegate: Some("local".to_owned()),
            duration_ms: 850,
            failure: None,
            changes: vec![change("added", "Test Cases/Pay", None), change("renamed", "New", Some("Old"))],
        };
        let failed = SyncRecord { failure: Some(Failure::new(FailureClass::Dns, "no such host")), ..sync.clone() };
        let failed = SyncRecord { changes: Vec::new(), ..failed };
        insta::assert_snapshot!(plain(&history(&[failed, sync], &look())), @"
        2 h ago  failed in 850 ms, by delegate local
        dns: no such host
          → check the host name in the URL and the resolver of this host

        2 h ago  none → ababababab in 850 ms, by delegate local
          cases: 1 added, 1 renamed; suites: no change
          added case: Test Cases/Pay
          renamed case: Old → New
        ");
    }
}

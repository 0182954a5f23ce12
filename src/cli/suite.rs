//! `suite list, show`.

use suitesync_contract::{Entry, EntryState, LinkName};

use super::arguments::SuiteCommand;
use super::fault::{Exit, Fault};
use super::look::{Look, Paint};
use super::near;
use super::route::Route;
use super::session::Session;
use super::table::{Cell, Table};
use crate::catalog::contents::suites::SuiteRecord;

pub(super) async fn run(command: &SuiteCommand, session: &mut Session) -> Result<Exit, Fault> {
    match command {
        SuiteCommand::List { link, archived } => {
            let route = Route::of("suites").with("link", link.as_ref()).with("archived", archived.then_some(true));
            let suites: Vec<SuiteRecord> = session.client.get(route).await?;
            session.screen.show(&suites, |suites, look| list(suites, look))?;
            Ok(Exit::Done)
        }
        SuiteCommand::Show { id, link } => show(id, link.as_ref(), session).await,
    }
}

/// Shows the suite of every link that has it.
async fn show(id: &str, link: Option<&LinkName>, session: &mut Session) -> Result<Exit, Fault> {
    let route = Route::of("suites").with("id", Some(id)).with("link", link);
    let suites: Vec<SuiteRecord> = session.client.get(route).await?;
    if suites.is_empty() {
        let all: Vec<SuiteRecord> = session.client.get(Route::of("suites").with("link", link)).await?;
        return Err(near::unknown("suite", id, all.iter().map(|suite| suite.id.as_str())));
    }
    session.screen.show(&suites, |suites, look| details(suites, look))?;
    Ok(Exit::Done)
}

fn list(suites: &[SuiteRecord], look: &Look) -> String {
    if suites.is_empty() {
        return "There are no suites: `suitesync link list` shows what was synced, and `suitesync status` what keeps it \
                from being.\n"
            .to_owned();
    }
    let mut table = Table::new(["LINK", "ROOT", "ID", "KIND", "STATE", "ENTRIES"], look);
    for suite in suites {
        table.row([
            Cell::new(&suite.link),
            Cell::new(&suite.root),
            Cell::new(&suite.id),
            Cell::new(&suite.kind),
            Cell::status(&suite.state),
            Cell::new(totals(&suite.entries)),
        ]);
    }
    table.render()
}

/// `3`, or `3 (1 missing)` where something about them needs a look.
fn totals(entries: &[Entry]) -> String {
    let with = |state: EntryState| entries.iter().filter(|entry| entry.state == state).count();
    let odd = [EntryState::Missing, EntryState::CaseDiffers].map(|state| (with(state), state.code()));
    let odd: Vec<_> =
        odd.into_iter().filter(|(number, _)| *number > 0).map(|(number, code)| format!("{number} {code}")).collect();
    if odd.is_empty() { entries.len().to_string() } else { format!("{} ({})", entries.len(), odd.join(", ")) }
}

fn details(suites: &[SuiteRecord], look: &Look) -> String {
    suites.iter().map(|suite| detail(suite, look)).collect::<Vec<_>>().join("\n")
}

fn detail(suite: &SuiteRecord, look: &Look) -> String {
    let mut table = Table::without_titles(look);
    table.field("id", Cell::new(&suite.id));
    table.field("link", Cell::new(&suite.link));
    table.field("root", Cell::new(if suite.root.is_empty() { "the repository's top" } else { suite.root.as_str() }));
    table.field("path", Cell::new(&suite.path));
    table.field("kind", Cell::new(&suite.kind));
    table.field("state", Cell::status(&suite.state));
    if let Some(reason) = &suite.reason {
        table.field("reason", Cell::new(reason));
    }
    table.field("name", Cell::new(&suite.name));
    table.field("guid", Cell::new(suite.guid.as_deref().unwrap_or("none")));
    table.field("tags", Cell::new(if suite.tags.is_empty() { "none".to_owned() } else { suite.tags.join(", ") }));
    table.field("description", Cell::lines(&suite.description));
    if let Some(query) = &suite.query {
        table.field("query", Cell::new(query));
    }
    format!("{}\n{}", table.render(), entries(&suite.entries, look))
}

/// The entries in the order of execution.
fn entries(entries: &[Entry], look: &Look) -> String {
    let title = Paint::Title.on(match entries.len() {
        1 => "1 entry".to_owned(),
        number => format!("{number} entries"),
    });
    let mut table = Table::without_titles(look);
    for (position, entry) in entries.iter().enumerate() {
        let marks = marks(entry);
        let mark = marks.first().copied().unwrap_or_default();
        table.row([
            Cell::painted(Paint::Faint, position + 1),
            Cell::new(&entry.id),
            Cell::painted(Paint::of_status(mark), marks.join(", ")),
        ]);
    }
    format!("{title}\n{}", table.render())
}

/// What is to be known of an entry; nothing of one that is executed.
fn marks(entry: &Entry) -> Vec<&'static str> {
    let state = Some(entry.state).filter(|state| *state != EntryState::Ok).map(EntryState::code);
    let disabled = (!entry.enabled).then_some("disabled");
    state.into_iter().chain(disabled).collect()
}

#[cfg(test)]
mod tests {
    use super::super::look::tests::{look, plain};
    use super::*;

    fn suite() -> SuiteRecord {
        let entry = |id: &str, enabled, state| Entry { id: format!("Test Cases/{id}"), enabled, state };
        SuiteRecord {
            key: 1,
            link: "checkout-tests".parse().unwrap(),
            root: "web".to_owned(),
            id: "Test Suites/Smoke".to_owned(),
            path: "web/Test Suites/Smoke.ts".to_owned(),
            kind: "static".to_owned(),
            state: "ok".to_owned(),
            reason: None,
            name: "Smoke".to_owned(),
            guid: Some("0c1d".to_owned()),
            tags: Vec::new(),
            description: String::new(),
            query: None,
            entries: vec![
                entry("Login", true, EntryState::Ok),
                entry("Pay", false, EntryState::Ok),
                entry("Gone", false, EntryState::Missing),
                entry("logout", true, EntryState::CaseDiffers),
                entry("Login", true, EntryState::Ok),
            ],
        }
    }

    #[test]
    fn a_listing_tells_how_many_entries_need_a_look() {
        insta::assert_snapshot!(plain(&list(&[suite()], &look())), @"
        LINK            ROOT  ID                 KIND    STATE  ENTRIES
        checkout-tests  web   Test Suites/Smoke  static  ok     5 (1 missing, 1 case_differs)
        ");
    }

    #[test]
    fn entries_are_shown_in_order_with_their_marks() {
        insta::assert_snapshot!(plain(&details(&[suite()], &look())), @"
        id           Test Suites/Smoke
        link         checkout-tests
        root         web
        path         web/Test Suites/Smoke.ts
        kind         static
        state        ok
        name         Smoke
        guid         0c1d
        tags         none
        description

        5 entries
        1  Test Cases/Login
        2  Test Cases/Pay     disabled
        3  Test Cases/Gone    missing, disabled
        4  Test Cases/logout  case_differs
        5  Test Cases/Login
        ");
    }
}

//! `case list, show, search`.

use suitesync_contract::LinkName;

use super::arguments::CaseCommand;
use super::fault::{Exit, Fault};
use super::look::{Look, Paint};
use super::near;
use super::result;
use super::route::Route;
use super::session::Session;
use super::table::{Cell, Table};
use super::wording::escaped;
use crate::catalog::contents::cases::CaseRecord;
use crate::views::CaseDetail;

pub(super) async fn run(command: &CaseCommand, session: &mut Session) -> Result<Exit, Fault> {
    match command {
        CaseCommand::List { link, archived } => {
            let route = Route::of("cases").with("link", link.as_ref()).with("archived", archived.then_some(true));
            let cases: Vec<CaseRecord> = session.client.get(route).await?;
            session.screen.show(&cases, |cases, look| list(cases, look))?;
            Ok(Exit::Done)
        }
        CaseCommand::Search { text, link } => search(text, link.as_ref(), session).await,
        CaseCommand::Show { id, link } => show(id, link.as_ref(), session).await,
    }
}

async fn search(text: &str, link: Option<&LinkName>, session: &mut Session) -> Result<Exit, Fault> {
    let route = Route::of("cases").with("text", Some(text)).with("link", link);
    let cases: Vec<CaseRecord> = session.client.get(route).await?;
    session.screen.show(&cases, |cases, look| match cases.as_slice() {
        [] => format!("No case holds `{}` in its id, name or tags.\n", escaped(text)),
        found => list(found, look),
    })?;
    Ok(Exit::Done)
}

/// Shows the case of every link that has it.
async fn show(id: &str, link: Option<&LinkName>, session: &mut Session) -> Result<Exit, Fault> {
    let route = Route::of("cases").named(id).with("link", link);
    let cases: Vec<CaseDetail> = session.client.get(route).await?;
    if cases.is_empty() {
        let all: Vec<CaseRecord> = session.client.get(Route::of("cases").with("link", link)).await?;
        return Err(near::unknown("case", id, all.iter().map(|case| case.id.as_str())));
    }
    session.screen.show(&cases, |cases, look| details(cases, look))?;
    Ok(Exit::Done)
}

fn list(cases: &[CaseRecord], look: &Look) -> String {
    if cases.is_empty() {
        return "There are no cases: `suitesync link list` shows what was synced, and `suitesync status` what keeps it \
                from being.\n"
            .to_owned();
    }
    let mut table = Table::new(["LINK", "ROOT", "ID", "STATE", "TAGS"], look);
    for case in cases {
        table.row([
            Cell::new(&case.link),
            Cell::new(&case.root),
            Cell::new(&case.id),
            Cell::status(&case.state),
            Cell::new(case.tags.join(", ")),
        ]);
    }
    table.render()
}

fn details(cases: &[CaseDetail], look: &Look) -> String {
    cases.iter().map(|case| detail(case, look)).collect::<Vec<_>>().join("\n")
}

fn detail(detail: &CaseDetail, look: &Look) -> String {
    let case = &detail.case;
    let mut table = Table::without_titles(look);
    table.field("id", Cell::new(&case.id));
    table.field("link", Cell::new(&case.link));
    table.field("root", Cell::new(if case.root.is_empty() { "the repository's top" } else { case.root.as_str() }));
    table.field("path", Cell::new(&case.path));
    table.field("state", Cell::status(&case.state));
    if let Some(reason) = &case.reason {
        table.field("reason", Cell::new(reason));
    }
    table.field("name", Cell::new(&case.name));
    table.field("guid", Cell::new(case.guid.as_deref().unwrap_or("none")));
    table.field("tags", Cell::new(if case.tags.is_empty() { "none".to_owned() } else { case.tags.join(", ") }));
    table.field("description", Cell::lines(&case.description));
    match detail.results.as_slice() {
        [] => table.render(),
        newest => {
            format!("{}\n{}\n{}", table.render(), Paint::Title.on("Newest results"), result::of_case(newest, look))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::look::tests::{look, plain};
    use super::*;

    fn case(link: &str, id: &str, reason: Option<&str>) -> CaseRecord {
        CaseRecord {
            key: 1,
            link: link.parse().unwrap(),
            root: String::new(),
            id: id.to_owned(),
            path: format!("{id}.tc"),
            state: if reason.is_some() { "malformed" } else { "ok" }.to_owned(),
            reason: reason.map(str::to_owned),
            name: "Login".to_owned(),
            guid: None,
            tags: vec!["smoke".to_owned(), "web".to_owned()],
            description: "First line\nsecond \u{1b}line".to_owned(),
        }
    }

    #[test]
    fn a_listing_marks_what_could_not_be_read() {
        let cases = [case("a", "Test Cases/Login", None), case("a", "Test Cases/Odd", Some("no XML"))];
        insta::assert_snapshot!(plain(&list(&cases, &look())), @"
        LINK  ROOT  ID                STATE      TAGS
        a           Test Cases/Login  ok         smoke, web
        a           Test Cases/Odd    malformed  smoke, web
        ");
    }

    #[test]
    fn a_case_of_several_links_is_shown_for_each() {
        let cases = [case("a", "Test Cases/Login", None), case("b", "Test Cases/Login", Some("no XML"))];
        let cases = cases.map(|case| CaseDetail { case, results: Vec::new() });
        insta::assert_snapshot!(plain(&details(&cases, &look())), @r"
        id           Test Cases/Login
        link         a
        root         the repository's top
        path         Test Cases/Login.tc
        state        ok
        name         Login
        guid         none
        tags         smoke, web
        description  First line
                     second \u{1b}line

        id           Test Cases/Login
        link         b
        root         the repository's top
        path         Test Cases/Login.tc
        state        malformed
        reason       no XML
        name         Login
        guid         none
        tags         smoke, web
        description  First line
                     second \u{1b}line
        ");
    }
}

//! `event list, follow`.

use chrono::{DateTime, Local, SecondsFormat, TimeZone, Utc};

use super::arguments::{EventCommand, EventListArguments};
use super::fault::{Exit, Fault};
use super::look::{Look, Paint};
use super::route::Route;
use super::session::Session;
use super::table::{Cell, Table};
use super::wording::{ago, escaped};
use crate::catalog::audit::EventRecord;

/// Events that people are shown unless they ask for more: about a screen.
const SHOWN: u32 = 50;

pub(super) async fn run(command: &EventCommand, session: &mut Session) -> Result<Exit, Fault> {
    match command {
        EventCommand::List(arguments) => list(arguments, session).await,
        EventCommand::Follow => follow(session).await,
    }
}

async fn list(arguments: &EventListArguments, session: &mut Session) -> Result<Exit, Fault> {
    let events: Vec<EventRecord> = session.client.get(wanted(arguments, session)).await?;
    session.screen.show(&events, |events, look| render_list(events, look))?;
    Ok(Exit::Done)
}

fn wanted(arguments: &EventListArguments, session: &Session) -> Route {
    let shown = (!session.screen.is_for_programs()).then_some(SHOWN);
    let since = arguments.since.map(|since| since.before(Utc::now()));
    Route::of("events")
        .with("link", arguments.link.as_ref())
        .with("connection", arguments.connection.as_ref())
        .with("event", arguments.event.as_ref())
        .with("since", since.map(|since| since.to_rfc3339_opts(SecondsFormat::Millis, true)))
        .with("limit", arguments.limit.or(shown))
}

/// Ends when the agent does, or by Ctrl-C.
async fn follow(session: &mut Session) -> Result<Exit, Fault> {
    let mut events = session.client.follow::<EventRecord>(Route::of("events").then("follow")).await?;
    while let Some(event) = events.next().await? {
        session.screen.show(&event, |event, _| line(event, &Local))?;
    }
    Ok(Exit::Done)
}

fn render_list(events: &[EventRecord], look: &Look) -> String {
    if events.is_empty() {
        return "There are no such events.\n".to_owned();
    }
    let mut table = Table::new(["WHEN", "LEVEL", "EVENT", "MESSAGE"], look);
    for event in events {
        table.row([
            Cell::new(ago(event.at, look.now)),
            Cell::painted(paint(&event.level), &event.level),
            Cell::new(&event.event),
            Cell::new(&event.message),
        ]);
    }
    table.render()
}

/// An event as it happens: all of them are of now, so the time of day is what tells them apart.
fn line<Z: TimeZone>(event: &EventRecord, zone: &Z) -> String
where
    Z::Offset: std::fmt::Display,
{
    let at: DateTime<Z> = event.at.with_timezone(zone);
    let level = paint(&event.level).on(format!("{:5}", escaped(&event.level)));
    format!("{} {level} {}: {}\n", at.format("%H:%M:%S"), escaped(&event.event), escaped(&event.message))
}

fn paint(level: &str) -> Paint {
    match level {
        "error" => Paint::Bad,
        "warn" => Paint::Warning,
        _ => Paint::Plain,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::Map;

    use super::super::look::tests::{look, plain};
    use super::*;

    fn event(level: &str, message: &str) -> EventRecord {
        EventRecord {
            at: look().now - TimeDelta::minutes(3),
            event: "link.synced".to_owned(),
            level: level.to_owned(),
            connection: None,
            link: Some("checkout-tests".to_owned()),
            delegate: None,
            run: None,
            message: message.to_owned(),
            fields: Map::new(),
        }
    }

    #[test]
    fn events_are_listed_with_their_age() {
        let events = [event("info", "3 cases added"), event("warn", "odd name \u{1b}[1m")];
        insta::assert_snapshot!(plain(&render_list(&events, &look())), @r"
        WHEN       LEVEL  EVENT        MESSAGE
        3 min ago  info   link.synced  3 cases added
        3 min ago  warn   link.synced  odd name \u{1b}[1m
        ");
    }

    #[test]
    fn an_event_that_happens_is_one_line_with_its_time_of_day() {
        let line = line(&event("info", "two\nlines"), &Utc);
        assert_eq!(plain(&line), "04:02:06 info  link.synced: two\\nlines\n");
    }
}

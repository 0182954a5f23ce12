//! `connection test`: one connection step by step, or all of them at once.

use futures_util::stream::{self, StreamExt};
use suitesync_contract::{Progress, StepReport};

use super::super::arguments::TestArguments;
use super::super::checklist::{self, Checklist};
use super::super::client::{Client, Lines};
use super::super::fault::{Exit, Fault};
use super::super::route::Route;
use super::super::session::Session;
use super::views;
use crate::engine::work::{TestReport, Update};
use crate::views::ConnectionView;

/// Tests at the same time: one silent server holds up few others, and no host is overrun.
const AT_ONCE: usize = 8;

pub(super) async fn run(arguments: &TestArguments, session: &mut Session) -> Result<Exit, Fault> {
    match &arguments.name {
        Some(name) => test(name.as_str(), session).await,
        None => test_all(session).await,
    }
}

async fn test(name: &str, session: &mut Session) -> Result<Exit, Fault> {
    let mut test = Test::begin(&session.client, name).await?;
    let mut checklist = Checklist::default();
    let report = loop {
        match test.next().await? {
            News::Step(step) if session.screen.is_for_programs() => drop(step),
            News::Step(step) => {
                let look = session.screen.look();
                session.screen.text(&checklist.step(&step, &look))?;
            }
            News::End(report) => break report,
        }
    };
    session.screen.show(&report, |report, look| checklist.end(report, look))?;
    Ok(Exit::answer(report.failure.is_none()))
}

async fn test_all(session: &mut Session) -> Result<Exit, Fault> {
    let connections: Vec<ConnectionView> = session.client.get(Route::of("connections")).await?;
    let connected: Vec<_> = connections.into_iter().filter(|connection| !connection.disconnected).collect();
    if connected.is_empty() {
        session.screen.show(&connected, |connections, look| views::list(connections, look))?;
        return Ok(Exit::Done);
    }
    let client = session.client.clone();
    let test = |connection: ConnectionView| Test::whole(&client, connection.name);
    let mut ended = stream::iter(connected).map(test).buffer_unordered(AT_ONCE);
    let mut reports = Vec::new();
    while let Some(report) = ended.next().await.transpose()? {
        if !session.screen.is_for_programs() {
            let gap = if reports.is_empty() { "" } else { "\n" };
            let text = checklist::whole(&report, &session.screen.look());
            session.screen.text(&format!("{gap}{text}"))?;
        }
        reports.push(report);
    }
    reports.sort_by(|a, b| a.connection.cmp(&b.connection));
    if session.screen.is_for_programs() {
        session.screen.json(&reports)?;
    }
    Ok(Exit::answer(reports.iter().all(|report| report.failure.is_none())))
}

/// A test under way.
struct Test {
    name: String,
    lines: Lines<Update>,
}

enum News {
    Step(StepReport),
    End(TestReport),
}

impl Test {
    async fn begin(client: &Client, name: &str) -> Result<Self, Fault> {
        let lines = client.post_lines(Route::of("connections").named(name).then("test")).await?;
        Ok(Self { name: name.to_owned(), lines })
    }

    async fn whole(client: &Client, name: String) -> Result<TestReport, Fault> {
        let mut test = Self::begin(client, &name).await?;
        loop {
            if let News::End(report) = test.next().await? {
                return Ok(report);
            }
        }
    }

    async fn next(&mut self) -> Result<News, Fault> {
        loop {
            match self.lines.next().await? {
                Some(Update::Progress(Progress::Step(step))) => return Ok(News::Step(step)),
                Some(Update::Tested(report)) => return Ok(News::End(report)),
                Some(Update::Progress(_) | Update::Synced(_)) => {}
                None => return Err(Fault::NoEnd { what: format!("the test of connection `{}`", self.name) }),
            }
        }
    }
}

//! Runs as people are shown them.

use chrono::{DateTime, Utc};
use suitesync_contract::{CaseStatus, Exit, ResultCounts};

use super::super::look::{Look, Paint};
use super::super::result;
use super::super::table::{Cell, Table};
use super::super::wording::{ago, count, duration, escaped};
use crate::catalog::results::ResultRecord;
use crate::catalog::run::RunRecord;
use crate::domain::run::{Barrier, RunStatus};
use crate::views::RunDetail;

/// Results that people are shown; `--json` has them all.
const SHOWN_RESULTS: usize = 50;

pub(super) fn list(runs: &[RunRecord], look: &Look) -> String {
    if runs.is_empty() {
        return "There are no such runs: `suitesync schedule next` foretells them, and `suitesync run start SCHEDULE` \
                begins one now.\n"
            .to_owned();
    }
    let mut table = Table::new(["ID", "SCHEDULE", "LINK", "SUITE", "STATUS", "DUE", "TOOK", "RESULTS", "REASON"], look);
    for run in runs {
        table.row([
            Cell::new(run.id),
            Cell::new(&run.schedule),
            Cell::new(&run.link),
            Cell::new(&run.suite),
            Cell::status(run.status.code()),
            Cell::new(ago(run.due_at, look.now)),
            Cell::new(took(run, look.now).unwrap_or_default()),
            Cell::new(run.counts.as_ref().map(counts).unwrap_or_default()),
            Cell::new(run.reason.as_deref().unwrap_or_default()),
        ]);
    }
    table.render()
}

/// How long a run has taken, or has been running.
fn took(run: &RunRecord, now: DateTime<Utc>) -> Option<String> {
    let took = run.finished_at.unwrap_or(now) - run.started_at?;
    Some(duration(u64::try_from(took.num_milliseconds()).unwrap_or_default()))
}

/// `3 passed, 1 failed`.
pub(super) fn counts(counts: &ResultCounts) -> String {
    let words = [
        (counts.passed, "passed"),
        (counts.failed, "failed"),
        (counts.errors, "in error"),
        (counts.skipped, "skipped"),
    ];
    let words = words.into_iter().filter(|(number, _)| *number > 0);
    let told: Vec<_> = words.map(|(number, word)| format!("{number} {word}")).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

/// One line: `Run 12 of Test Suites/Smoke: passed after 3.2 s; 3 passed`, and why below it.
pub(super) fn told(run: &RunRecord, look: &Look) -> String {
    let status = run.status.code();
    let status_word = Paint::of_status(status).on(status);
    let reason = run.reason.as_deref().map(|reason| format!(" ({})", escaped(reason))).unwrap_or_default();
    let took = took(run, look.now).map(|took| format!(" after {took}")).unwrap_or_default();
    let counts = run.counts.as_ref().map(|of| format!("; {}", counts(of))).unwrap_or_default();
    let mut text = format!("Run {} of {}: {status_word}{reason}{took}{counts}\n", run.id, escaped(&run.suite));
    if let Some(message) = &run.message {
        text.push_str(&format!("  {}\n", escaped(message)));
    }
    text
}

/// What lets runs of these suites be, where they were canceled for what an operator has done.
pub(super) fn way_back(runs: &[RunRecord], look: &Look) -> String {
    let is_barred = |run: &&RunRecord, barrier: Barrier| {
        run.status == RunStatus::Canceled && run.reason.as_deref() == Some(barrier.code())
    };
    let of = |barrier| runs.iter().find(|run| is_barred(run, barrier));
    let archived = of(Barrier::LinkArchived).map(|run| format!("suitesync link unarchive {}", run.link));
    let disconnected =
        || of(Barrier::ConnectionDisconnected).map(|run| format!("suitesync connection reconnect {}", run.connection));
    let act = archived.or_else(disconnected);
    act.map(|act| format!("  {} `{act}` takes that back\n", look.marks.arrow())).unwrap_or_default()
}

pub(super) fn detail(detail: &RunDetail, look: &Look) -> String {
    let run = &detail.run;
    let mut table = Table::without_titles(look);
    table.field("run", Cell::new(run.id));
    table.field("schedule", Cell::new(&run.schedule));
    table.field("link", Cell::new(&run.link));
    table.field("suite", Cell::new(&run.suite));
    if !run.root.is_empty() {
        table.field("root", Cell::new(&run.root));
    }
    table.field("status", Cell::status(run.status.code()));
    if let Some(why) = &detail.waits {
        table.field("waits", Cell::painted(Paint::Warning, why));
    }
    if let Some(reason) = &run.reason {
        table.field("reason", Cell::new(reason));
    }
    if let Some(message) = &run.message {
        table.field("message", Cell::lines(message));
    }
    table.field("asked for by", Cell::new(run.requested_by.as_deref().unwrap_or("its schedule")));
    table.field("due", Cell::new(ago(run.due_at, look.now)));
    times(run, look, &mut table);
    table.field("delegate", Cell::new(run.delegate.as_ref().map_or("none yet", |name| name.as_str())));
    table.field("commit", Cell::new(run.commit.map_or_else(|| "none".to_owned(), |commit| commit.short())));
    if let Some(exit) = &run.exit {
        table.field("command", Cell::new(ended(exit)));
    }
    table.field("log", Cell::new(log(run)));
    if let Some(of) = &run.counts {
        table.field("results", Cell::new(counts(of)));
    }
    table.render() + &results(&detail.results, look)
}

fn times(run: &RunRecord, look: &Look, table: &mut Table) {
    if let Some(started) = run.started_at {
        table.field("started", Cell::new(ago(started, look.now)));
    }
    if let Some(took) = took(run, look.now) {
        table.field("took", Cell::new(took));
    }
}

fn ended(exit: &Exit) -> String {
    match exit {
        Exit::Code(code) => format!("ended with status {code}"),
        Exit::Signal(signal) => format!("ended by signal {signal}"),
        Exit::Stopped(reason) => format!("stopped: {}", reason.code()),
        Exit::NotStarted(why) => format!("not started: {why}"),
    }
}

fn log(run: &RunRecord) -> String {
    let omitted = match run.log.omitted_bytes {
        0 => String::new(),
        omitted => format!(", {} of them left out in the middle", count(omitted, "byte")),
    };
    format!("{}{omitted}: `suitesync run logs {}`", count(run.log.written_bytes, "byte"), run.id)
}

/// Those that did not pass come first.
fn results(results: &[ResultRecord], look: &Look) -> String {
    if results.is_empty() {
        return String::new();
    }
    let mut shown: Vec<_> = results.iter().collect();
    shown.sort_by_key(|result| match result.status {
        CaseStatus::Failed | CaseStatus::Error => 0,
        CaseStatus::Passed | CaseStatus::Skipped => 1,
    });
    shown.truncate(SHOWN_RESULTS);
    let more = match results.len() - shown.len() {
        0 => String::new(),
        more => format!("and {more} more; `--json` shows all\n"),
    };
    format!("\n{}\n{}{more}", Paint::Title.on("Results"), result::of_run(&shown, look))
}

#[cfg(test)]
mod tests;

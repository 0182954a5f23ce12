//! `link sync` and `link proceed`: asked for, and waited for where that is wished.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use suitesync_contract::{ObjectId, Progress};

use super::super::arguments::LinkWork;
use super::super::client::Lines;
use super::super::failure;
use super::super::fault::{Exit, Fault};
use super::super::look::{Look, Paint};
use super::super::route::Route;
use super::super::session::Session;
use super::super::wording::{duration, escaped};
use super::counts;
use crate::catalog::sync::{SyncOutcome, SyncSummary};
use crate::engine::work::Update;

/// While bytes come in: how many will come is not known.
const RECEIVING: &str = "{spinner} {msg} {bytes} received";

/// While files are read.
const READING: &str = "{spinner} {msg} {bar:30} {pos}/{len} files read";

/// `act` is `sync` or `proceed`.
pub(super) async fn run(act: &str, work: &LinkWork, session: &mut Session) -> Result<Exit, Fault> {
    let name = work.name.as_str();
    let mut updates = session.client.post_lines(Route::of("links").named(name).then(act)).await?;
    if !work.wait {
        session.screen.show(&json!({"link": name, "outcome": "asked"}), |_, _| asked(name))?;
        return Ok(Exit::Done);
    }
    let bar = if session.screen.is_for_programs() { ProgressBar::hidden() } else { bar(name) };
    let end = wait(&mut updates, &bar).await;
    bar.finish_and_clear();
    let summary = end?.ok_or_else(|| Fault::NoEnd { what: format!("the sync of link `{name}`") })?;
    session.screen.show(&summary, told)?;
    Ok(Exit::answer(matches!(summary.outcome, SyncOutcome::Synced | SyncOutcome::Unchanged)))
}

fn asked(name: &str) -> String {
    format!("A sync of {name} was asked for: `suitesync link show {name}` tells how it went; `--wait` waits for it.\n")
}

/// On stderr, and only where that is a terminal.
fn bar(name: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_message(name.to_owned());
    bar.set_style(style(RECEIVING));
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner()).progress_chars("##-")
}

async fn wait(updates: &mut Lines<Update>, bar: &ProgressBar) -> Result<Option<SyncSummary>, Fault> {
    while let Some(update) = updates.next().await? {
        match update {
            Update::Progress(Progress::Received { bytes }) => bar.set_position(bytes),
            Update::Progress(Progress::Read { done, total }) => {
                if bar.length() != Some(total) {
                    bar.set_style(style(READING));
                    bar.set_length(total);
                }
                bar.set_position(done);
            }
            Update::Synced(summary) => return Ok(Some(summary)),
            Update::Progress(_) | Update::Tested(_) => {}
        }
    }
    Ok(None)
}

/// One sentence with the counts, or the failure.
fn told(summary: &SyncSummary, look: &Look) -> String {
    let link = Paint::Title.on(escaped(summary.link.as_str()));
    let took = duration(summary.duration_ms);
    let commit = |commit: Option<ObjectId>| commit.map_or("no commit".to_owned(), |id| id.short());
    let sentence = match summary.outcome {
        SyncOutcome::Unchanged => format!("{link} is unchanged at {}, seen in {took}.\n", commit(summary.to)),
        SyncOutcome::Synced => {
            let from = summary.from.map(|from| format!("from {} ", from.short())).unwrap_or_default();
            let counts = counts::told(&summary.cases, &summary.suites);
            format!("{link} was brought {from}to {} in {took}: {counts}.\n", commit(summary.to))
        }
        SyncOutcome::Failed => {
            let stays = if summary.from.is_some() { "; the last good catalog stays" } else { "" };
            format!("{link} could not be synced{stays}.\n")
        }
        SyncOutcome::Refused => {
            format!("{link} was changed, archived or disconnected meanwhile: nothing was recorded.\n")
        }
    };
    let failure = summary.failure.as_ref().map(|failure| failure::told(failure, look));
    sentence + &failure.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use suitesync_contract::{Failure, FailureClass};

    use super::super::super::look::tests::{look, plain};
    use super::*;
    use crate::catalog::contents::ChangeCounts;

    fn summary(outcome: SyncOutcome) -> SyncSummary {
        SyncSummary {
            link: "checkout-tests".parse().unwrap(),
            outcome,
            from: Some("11".repeat(20).parse().unwrap()),
            to: Some("ab".repeat(20).parse().unwrap()),
            cases: ChangeCounts { added: 3, removed: 1, changed: 0, renamed: 0 },
            suites: ChangeCounts::default(),
            duration_ms: 1_250,
            failure: None,
        }
    }

    fn check(summary: &SyncSummary, expect: &str) {
        assert_eq!(plain(&told(summary, &look())), expect);
    }

    #[test]
    fn a_sync_is_told_in_one_sentence() {
        check(
            &summary(SyncOutcome::Synced),
            "checkout-tests was brought from 1111111111 to ababababab in 1.2 s: \
             cases: 3 added, 1 removed; suites: no change.\n",
        );
        check(&summary(SyncOutcome::Unchanged), "checkout-tests is unchanged at ababababab, seen in 1.2 s.\n");
    }

    #[test]
    fn a_failed_sync_ends_with_the_next_step() {
        let failure = Failure::new(FailureClass::RefNotFound, "there is no branch `mian` in host/r");
        check(
            &SyncSummary { failure: Some(failure), ..summary(SyncOutcome::Failed) },
            "checkout-tests could not be synced; the last good catalog stays.\n\
             ref_not_found: there is no branch `mian` in host/r\n  → check the branch or tag of the link\n",
        );
    }

    #[test]
    fn the_bars_can_be_drawn() {
        for template in [RECEIVING, READING] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}

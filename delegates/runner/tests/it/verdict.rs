//! The table of verdicts: every way to end with everything that reports can hold.

use suitesync_contract::{Exit, ResultsSeen, StopReason, Verdict};

#[test]
fn every_exit_and_result_has_one_verdict() {
    let exits = [
        Exit::Code(0),
        Exit::Code(1),
        Exit::Signal(9),
        Exit::Stopped(StopReason::Canceled),
        Exit::Stopped(StopReason::TimeLimit),
        Exit::Stopped(StopReason::DiskBudget),
        Exit::NotStarted("no such program".to_owned()),
    ];
    let seen =
        [ResultsSeen::NotAsked, ResultsSeen::NotFound, ResultsSeen::Good, ResultsSeen::GoodSoFar, ResultsSeen::Bad];
    let lines = exits.iter().flat_map(|exit| {
        seen.into_iter().map(move |results| {
            let verdict = Verdict::of(exit, results);
            let (exit, results) = (format!("{exit:?}"), format!("{results:?}"));
            format!("{exit:<31} {results:<9} -> {} ({})", verdict.status(), verdict.reason().unwrap_or("-"))
        })
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

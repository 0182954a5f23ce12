//! What the ledger makes of messages that come in any order: no NATS, and a clock that is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{
    DelegateName, Exit, Facts, Failure, FailureClass, LogSummary, Outcome, Progress, RunId, RunReport, TaskId,
};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::answers::{Answer, Receipt};
use super::entry::{Answered, Commission};
use super::ledger::{Consequence, Ledger};
use super::{MemberStatus, Notice, Resumption};
use crate::message::{Announcement, Attendance, Content, Envelope, Key, PROTOCOL, split};

const RUN: Key = Key::Run { run: RunId(7), fence: 1 };

fn dc1() -> DelegateName {
    "dc1".parse().unwrap()
}

fn second(number: u64) -> Duration {
    Duration::from_secs(number)
}

struct Bench {
    ledger: Ledger,
    begun: Instant,
    sequence: u64,
    told: Arc<Mutex<Vec<Progress>>>,
}

impl Bench {
    fn new() -> Self {
        Self { ledger: Ledger::new(1), begun: Instant::now(), sequence: 100, told: Arc::default() }
    }

    fn commission(&self) -> Commission {
        let told = Arc::clone(&self.told);
        let progress: crate::ProgressSink = Arc::new(move |progress| told.lock().unwrap().push(progress));
        Commission { delegate: dc1(), kind: WorkKind::Run, task: Some(TaskId(1)), progress }
    }

    /// Hands the run out; its message lies at 41.
    fn hand_out(&mut self) -> oneshot::Receiver<Answered> {
        let answered = self.ledger.enter(RUN, self.commission(), self.begun).unwrap();
        self.ledger.entry(&RUN).unwrap().sequences = vec![41];
        answered
    }

    fn resume(&mut self) -> oneshot::Receiver<Answered> {
        self.ledger.resume(RUN, self.commission(), self.begun).unwrap().0
    }

    fn announce(&mut self, at: u64, attendance: Attendance, runs: &[Key]) {
        let announcement = Announcement {
            protocol: PROTOCOL,
            name: dc1(),
            instance: 1,
            attendance,
            tags: ["linux"].into_iter().collect(),
            capacity: 1,
            work: vec![WorkKind::Run],
            program: "test".to_owned(),
            runs: runs.to_vec(),
            refusal: None,
        };
        self.ledger.announce(announcement, self.begun + second(at));
    }

    /// Looks every second up to that one.
    fn pass_time(&mut self, from: u64, to: u64) -> Vec<Consequence> {
        (from..=to).map(|at| self.ledger.pass_time(self.begun + second(at))).collect()
    }

    fn hear(&mut self, content: Content, body: impl serde::Serialize) -> Consequence {
        let body = Bytes::from(serde_json::to_vec(&body).unwrap());
        let mut consequence = Consequence::default();
        for (part, body) in split(&body, 1024) {
            self.sequence += 1;
            let receipt = Receipt { sequence: self.sequence, reply: String::new() };
            let envelope = Envelope::new(RUN, content, part);
            let answer = Answer { delegate: dc1(), envelope, body, receipt };
            self.ledger.hear(answer, self.begun, &mut consequence);
        }
        consequence
    }

    fn hear_outcome(&mut self) -> Consequence {
        self.hear(Content::Outcome, outcome())
    }

    fn log(&mut self, piece: &str, at: u64) {
        self.hear(Content::Progress, Progress::Log { piece: piece.to_owned(), at: Some(at) });
    }

    fn status(&self) -> MemberStatus {
        self.ledger.members().get(&dc1()).unwrap().status.clone()
    }
}

fn facts() -> Facts {
    let log = LogSummary::default();
    Facts::Run(RunReport { run: RunId(7), fence: 1, exit: Exit::Code(0), results: Vec::new(), duration_ms: 1, log })
}

fn outcome() -> Outcome {
    Outcome { task: TaskId(1), result: Ok(facts()) }
}

fn class(answered: &mut oneshot::Receiver<Answered>) -> Option<FailureClass> {
    answered.try_recv().ok()?.err().map(|failure| failure.class)
}

#[test]
fn an_outcome_is_acknowledged_once_it_is_settled() {
    let mut bench = Bench::new();
    let mut answered = bench.hand_out();
    assert_eq!(bench.hear_outcome().acknowledge, []);
    assert_eq!(answered.try_recv(), Ok(Ok(facts())));
    assert_eq!(bench.ledger.settle(&RUN).len(), 1);
    assert_eq!(bench.hear_outcome().acknowledge.len(), 1, "one that comes again is passed over");
}

#[test]
fn a_run_is_handed_out_once() {
    let mut bench = Bench::new();
    let _answered = bench.hand_out();
    assert!(bench.ledger.enter(RUN, bench.commission(), bench.begun).is_none());
    bench.hear_outcome();
    assert!(bench.ledger.enter(RUN, bench.commission(), bench.begun).is_none());
}

#[test]
fn a_log_that_comes_twice_is_told_once() {
    let mut bench = Bench::new();
    let _answered = bench.hand_out();
    // "one, ", "one, two" and "two" in base64.
    bench.log("b25lLCA=", 0);
    bench.log("b25lLCA=", 0);
    bench.log("b25lLCB0d28=", 0);
    bench.log("dHdv", 5);
    let log = |piece: &str, at| Progress::Log { piece: piece.to_owned(), at: Some(at) };
    assert_eq!(*bench.told.lock().unwrap(), [log("b25lLCA=", 0), log("dHdv", 5)]);
}

#[test]
fn pieces_of_a_log_are_acknowledged_when_they_are_written_down() {
    let mut bench = Bench::new();
    let _answered = bench.hand_out();
    bench.log("b25lLCA=", 0);
    let acknowledged: Vec<_> = bench.pass_time(1, 3).iter().map(|then| then.acknowledge.len()).collect();
    assert_eq!(acknowledged, [0, 0, 1]);
}

#[test]
fn a_silent_delegate_is_lost_after_ten_seconds() {
    let mut bench = Bench::new();
    bench.announce(0, Attendance::Serving, &[]);
    bench.pass_time(1, 9);
    assert_eq!(bench.status(), MemberStatus::Connected);
    bench.pass_time(10, 10);
    assert_eq!(bench.status(), MemberStatus::Lost("nothing was heard of it for 10 s".to_owned()));
    bench.announce(11, Attendance::Serving, &[]);
    assert_eq!(bench.status(), MemberStatus::Connected);
}

#[test]
fn nobody_is_judged_by_what_a_held_up_agent_did_not_hear() {
    let mut bench = Bench::new();
    bench.announce(0, Attendance::Serving, &[]);
    bench.pass_time(1, 1);
    bench.pass_time(60, 69);
    assert_eq!(bench.status(), MemberStatus::Connected);
}

#[test]
fn a_task_of_a_lost_delegate_that_is_still_in_the_stream_was_not_begun() {
    let mut bench = Bench::new();
    let mut answered = bench.hand_out();
    bench.pass_time(1, 10);
    assert_eq!(bench.ledger.orphans(), [(RUN, 41)]);
    bench.ledger.bury(&RUN, false);
    assert_eq!(class(&mut answered), Some(FailureClass::DelegateLost));
    assert_eq!(*bench.told.lock().unwrap(), []);
}

#[test]
fn a_task_that_a_lost_delegate_took_waits_for_an_answer_on_its_way() {
    let mut bench = Bench::new();
    let mut answered = bench.hand_out();
    bench.pass_time(1, 10);
    bench.ledger.suspect(&RUN);
    bench.ledger.doom(105);
    assert_eq!(bench.ledger.doomed(104), []);
    bench.hear_outcome();
    assert_eq!(answered.try_recv(), Ok(Ok(facts())));
    assert_eq!(bench.ledger.doomed(105), []);
}

#[test]
fn a_run_that_two_announcements_do_not_list_is_doomed() {
    let mut bench = Bench::new();
    let mut answered = bench.resume();
    bench.announce(1, Attendance::Serving, &[RUN]);
    bench.announce(2, Attendance::Serving, &[]);
    bench.announce(3, Attendance::Serving, &[RUN]);
    bench.announce(4, Attendance::Serving, &[]);
    assert!(!bench.ledger.has_suspects());
    bench.announce(5, Attendance::Serving, &[]);
    bench.ledger.doom(100);
    assert_eq!(bench.ledger.doomed(100), [(RUN, None)]);
    bench.ledger.bury(&RUN, true);
    assert_eq!(class(&mut answered), Some(FailureClass::DelegateLost));
}

#[test]
fn a_run_that_was_in_hand_and_never_begun_is_looked_for_in_the_stream() {
    let mut bench = Bench::new();
    let _answered = bench.hand_out();
    for (at, runs) in [(1, &[RUN][..]), (2, &[]), (3, &[])] {
        bench.announce(at, Attendance::Serving, runs);
    }
    bench.ledger.doom(100);
    assert_eq!(bench.ledger.doomed(100), [(RUN, Some(41))]);
}

#[test]
fn a_late_outcome_is_refused() {
    let mut bench = Bench::new();
    let _answered = bench.hand_out();
    bench.ledger.bury(&RUN, true);
    let consequence = bench.hear_outcome();
    assert_eq!(consequence.notices, [Notice::Refused { delegate: dc1(), key: RUN }]);
    assert_eq!(consequence.acknowledge.len(), 1);
}

#[test]
fn a_run_that_was_given_up_and_is_still_in_hand_is_canceled() {
    let mut bench = Bench::new();
    let _answered = bench.hand_out();
    bench.ledger.bury(&RUN, true);
    for _ in 0..3 {
        bench.ledger.cancels();
    }
    assert!(bench.ledger.cancels().is_empty());
    bench.announce(20, Attendance::Serving, &[RUN]);
    assert_eq!(bench.ledger.cancels(), [(dc1(), vec![RUN])].into());
}

#[test]
fn what_an_earlier_start_left_is_known_and_can_be_claimed() {
    let mut bench = Bench::new();
    bench.hear_outcome();
    assert_eq!(bench.ledger.left(), [Resumption { delegate: dc1(), run: RunId(7), fence: 1 }]);
    let mut answered = bench.resume();
    assert_eq!(answered.try_recv(), Ok(Ok(facts())));
    assert_eq!(bench.ledger.left(), []);
}

#[test]
fn a_run_is_not_handed_out_anew_over_one_that_was_begun() {
    let mut bench = Bench::new();
    bench.announce(0, Attendance::Serving, &[RUN]);
    assert_eq!(bench.ledger.overtake(RunId(8)), None);
    assert_eq!(bench.ledger.overtake(RunId(7)), Some(dc1()));
    assert_eq!(bench.ledger.cancels(), [(dc1(), vec![RUN])].into());
}

#[test]
fn what_nobody_claims_is_refused_after_a_minute() {
    let mut bench = Bench::new();
    bench.hear_outcome();
    let consequences = bench.pass_time(1, 60);
    let (last, before) = consequences.split_last().unwrap();
    assert!(before.iter().all(|then| then.notices.is_empty()));
    assert_eq!(last.notices, [Notice::Refused { delegate: dc1(), key: RUN }]);
    assert_eq!(last.acknowledge.len(), 1);
}

#[test]
fn on_a_new_connection_everything_is_heard_again() {
    let mut bench = Bench::new();
    let mut answered = bench.hand_out();
    bench.hear_outcome();
    bench.ledger.begin_anew(bench.begun);
    assert_eq!(answered.try_recv(), Ok(Ok(facts())));
    bench.hear_outcome();
    assert_eq!(bench.ledger.settle(&RUN).len(), 1, "what it was acknowledged by before is of no use");
}

#[test]
fn an_outcome_that_replaces_one_that_broke_off_counts() {
    let mut bench = Bench::new();
    let mut answered = bench.hand_out();
    let long = Outcome { task: TaskId(1), result: Err(Failure::new(FailureClass::Internal, "x".repeat(4000))) };
    let body = Bytes::from(serde_json::to_vec(&long).unwrap());
    let (part, first) = split(&body, 1024).remove(0);
    let receipt = Receipt { sequence: 1, reply: String::new() };
    let answer = Answer { delegate: dc1(), envelope: Envelope::new(RUN, Content::Outcome, part), body: first, receipt };
    bench.ledger.hear(answer, bench.begun, &mut Consequence::default());
    bench.hear_outcome();
    assert_eq!(answered.try_recv(), Ok(Ok(facts())));
    assert_eq!(bench.ledger.settle(&RUN).len(), 2, "the part that broke off goes with it");
}

#[test]
fn a_task_that_nobody_waits_for_is_let_go_of() {
    let mut bench = Bench::new();
    drop(bench.ledger.enter(RUN, bench.commission(), bench.begun));
    bench.pass_time(1, 1);
    assert!(bench.ledger.entry(&RUN).is_none());
}

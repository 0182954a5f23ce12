//! All that can happen to orders, in any order: each of them ends once, and no place stays taken.

use std::time::{Duration, Instant};

use super::*;
use crate::engine::delegate::DelegateStatus;

/// Sequences of this many steps, each from a seed of its own.
const SEQUENCES: u64 = 100;
const STEPS: usize = 150;

/// Long enough for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

const NAMES: [&str; 3] = ["a", "b", "c"];

/// Wanted tags; nobody has the last.
const TAGS: [&[&str]; 5] = [&[], &["linux"], &["a"], &["b"], &["nobody"]];

const ANSWERS: [Answer; 7] = [
    Answer::Done,
    Answer::Unconnected,
    Answer::Rejected,
    Answer::Lost,
    Answer::LostOnceBegun,
    Answer::Stopped,
    Answer::Panic,
];

#[tokio::test]
async fn whatever_happens_every_task_ends_once_and_no_place_stays_taken() {
    for seed in 0..SEQUENCES {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut floor = Floor::new(&NAMES);
        for _ in 0..STEPS {
            step(&mut floor, &mut random);
            if random.bool() {
                floor.settle().await;
            }
        }
        come_to_rest(&mut floor).await;
        let ends: Vec<_> = floor.ended.values().map(Vec::len).collect();
        assert_eq!(ends, vec![1; floor.ended.len()], "seed {seed}");
        assert_eq!(floor.in_hand(), [0; NAMES.len()], "seed {seed}");
    }
}

fn step(floor: &mut Floor, random: &mut fastrand::Rng) {
    let name = NAMES[random.usize(..NAMES.len())];
    match random.u8(..12) {
        0..=3 => submit(floor, random),
        4..=6 => drop(floor.delegate(name).answer(ANSWERS[random.usize(..ANSWERS.len())])),
        7 => {
            let statuses = [DelegateStatus::Connected, DelegateStatus::Starting, DelegateStatus::Lost];
            floor.delegate(name).set(statuses[random.usize(..statuses.len())]);
            floor.begin_waiting();
        }
        8 => {
            let keeps = random.u8(..8);
            floor.hire(|delegate| keeps == 0 || delegate.name().as_str() != name);
        }
        9 => {
            floor.cancel.cancel();
            floor.cancel = CancellationToken::new();
            floor.begin_waiting();
        }
        10 => floor.drain(if random.bool() { &[] } else { &NAMES[..2] }),
        _ => {
            let task = TaskId(random.u64(..=floor.submitted));
            let ended = floor.dispatcher.give_up(task);
            ended.into_iter().for_each(|ended| floor.end(ended));
        }
    }
}

fn submit(floor: &mut Floor, random: &mut fastrand::Rng) {
    let work = [probe, sync, run][random.usize(..3)]();
    // Some are over before anybody can answer.
    let limit = if random.u8(..8) == 0 { 1 } else { 60_000 };
    floor.submit_within(limit, work, TAGS[random.usize(..TAGS.len())]);
}

/// Every delegate is there and answers.
async fn come_to_rest(floor: &mut Floor) {
    floor.delegates.iter().for_each(|delegate| delegate.set(DelegateStatus::Connected));
    floor.drain(&[]);
    floor.hire(|_| true);
    let deadline = Instant::now() + PATIENCE;
    while floor.ended.len() as u64 != floor.submitted || floor.in_hand().iter().any(|tasks| *tasks > 0) {
        floor.delegates.iter().for_each(|delegate| while delegate.answer(Answer::Done) {});
        floor.settle().await;
        assert!(Instant::now() < deadline, "{} of {} have ended", floor.ended.len(), floor.submitted);
    }
    floor.settle().await;
}

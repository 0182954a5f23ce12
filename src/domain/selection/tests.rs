//! Selection as tables: who gets a task, who is waited for, and what each delegate lacks.

use super::*;

fn name(text: &str) -> DelegateName {
    text.parse().unwrap()
}

/// A connected delegate with a place, its name and `linux` as tags.
fn candidate(text: &str) -> Candidate {
    Candidate {
        name: name(text),
        tags: [text, "linux"].into_iter().collect(),
        work: vec![WorkKind::Probe, WorkKind::Sync, WorkKind::Run],
        is_elsewhere: false,
        status: DelegateStatus::Connected,
        lost: None,
        capacity: 4,
        tasks: 0,
        runs: 0,
        backs_off: Vec::new(),
        last_used: 0,
    }
}

fn with(text: &str, change: impl FnOnce(&mut Candidate)) -> Candidate {
    let mut candidate = candidate(text);
    change(&mut candidate);
    candidate
}

fn wanted(work: WorkKind, tags: &[&str]) -> Wanted {
    Wanted { hosts: vec!["git".to_owned()], ..Wanted::new(tags.iter().collect(), work) }
}

fn backing_off(text: &str, host: &str) -> Candidate {
    let until = "2026-01-01T00:00:05Z".parse().unwrap();
    with(text, |candidate| {
        candidate.backs_off.push(BackOff { host: host.to_owned(), class: FailureClass::Proxy, until });
    })
}

fn check(wanted: &Wanted, candidates: &[Candidate], expect: Selection) {
    assert_eq!(select(wanted, candidates, None), expect, "{wanted:?}");
}

fn chosen(text: &str) -> Selection {
    Selection::Chosen(name(text))
}

const RUN: WorkKind = WorkKind::Run;
const SYNC: WorkKind = WorkKind::Sync;

#[test]
fn the_fewest_running_for_its_capacity_is_taken() {
    let busy = |text: &str, runs, capacity| with(text, |one| (one.runs, one.capacity) = (runs, capacity));
    check(&wanted(RUN, &[]), &[busy("a", 2, 4), busy("b", 2, 8), busy("c", 1, 2)], chosen("b"));
    let two = [with("a", |one| one.tasks = 3), with("b", |one| one.runs = 3)];
    check(&wanted(SYNC, &[]), &two, chosen("b"));
    check(&wanted(RUN, &[]), &two, chosen("a"));
}

#[test]
fn of_equals_the_warm_one_is_taken_and_then_the_one_idle_longest() {
    let used = |text: &str, last_used| with(text, |one| one.last_used = last_used);
    let three = [used("a", 7), used("b", 5), used("c", 6)];
    check(&wanted(SYNC, &[]), &three, chosen("b"));
    assert_eq!(select(&wanted(SYNC, &[]), &three, Some(&name("c"))), chosen("c"));
    let busy = [used("a", 7), with("c", |one| one.tasks = 1)];
    assert_eq!(select(&wanted(SYNC, &[]), &busy, Some(&name("c"))), chosen("a"), "load comes first");
}

#[test]
fn why_the_one_is_taken_is_known() {
    let check = |candidates: &[Candidate], warm: Option<&str>, expect: Preference| {
        let chosen = choose(&wanted(SYNC, &["linux"]), candidates, warm.map(name).as_ref());
        assert_eq!(chosen.map(|(_, preference)| preference), Some(expect), "{candidates:?}");
    };
    let (a, b) = (candidate("a"), candidate("b"));
    let other = with("b", |one| one.tags = Tags::default());
    check(&[a.clone(), other], Some("b"), Preference::Only);
    check(&[a.clone(), with("b", |one| one.tasks = 1)], Some("b"), Preference::LeastBusy);
    check(&[a.clone(), b.clone()], Some("b"), Preference::Warm);
    check(&[a, b], Some("c"), Preference::IdleLongest);
}

#[test]
fn every_wanted_tag_counts_and_a_name_is_one() {
    let two = [candidate("a"), with("b", |one| one.tags.insert("dc-1"))];
    check(&wanted(SYNC, &["DC-1", "linux"]), &two, chosen("b"));
    check(&wanted(SYNC, &["A"]), &two, chosen("a"));
}

#[test]
fn one_that_suits_is_waited_for() {
    let full = with("a", |one| one.runs = 4);
    let status = |status| with("a", |one| one.status = status);
    check(&wanted(RUN, &["a"]), &[full.clone(), candidate("b")], Selection::WaitForPlace);
    check(&wanted(SYNC, &["a"]), &[full], chosen("a"));
    for status in [status(DelegateStatus::Starting), status(DelegateStatus::Lost), status(DelegateStatus::Draining)] {
        check(&wanted(SYNC, &["a"]), &[status, candidate("b")], Selection::WaitForDelegate);
    }
}

#[test]
fn the_most_specific_setting_wins_whole() {
    let tags = |words: &[&str]| words.iter().collect::<Tags>();
    let (schedule, link, connection) = (tags(&[]), tags(&["b"]), tags(&["c", "d"]));
    let check = |settings: [Option<&Tags>; 3], expect: &Tags| assert_eq!(most_specific(settings), *expect);
    check([None, None, Some(&connection)], &connection);
    check([None, Some(&link), Some(&connection)], &link);
    check([Some(&schedule), Some(&link), Some(&connection)], &schedule);
    check([None, None, None], &tags(&[]));
}

#[test]
fn one_that_backs_off_is_passed_over_while_another_is_at_hand() {
    let pair = |other| [backing_off("a", "git"), other];
    check(&wanted(SYNC, &[]), &pair(with("b", |one| one.tasks = 9)), chosen("b"));
    check(&wanted(SYNC, &[]), &pair(with("b", |one| one.capacity = 0)), Selection::WaitForPlace);
    for away in [
        with("b", |one| one.status = DelegateStatus::Lost),
        with("b", |one| one.work = vec![RUN]),
        backing_off("b", "git"),
    ] {
        check(&wanted(SYNC, &["linux"]), &pair(away), chosen("a"));
    }
    check(&wanted(SYNC, &[]), &[backing_off("a", "elsewhere"), with("b", |one| one.tasks = 1)], chosen("a"));
}

#[test]
fn one_that_failed_at_the_task_is_not_asked_again() {
    let wanted = Wanted { failed: BTreeSet::from([name("a")]), ..wanted(SYNC, &[]) };
    check(&wanted, &[candidate("a"), with("b", |one| one.tasks = 9)], chosen("b"));
    check(&wanted, &[candidate("a")], Selection::WaitForDelegate);
}

#[test]
fn every_rule_that_a_delegate_fails_is_told() {
    let check = |work, candidate: Candidate, expect: &str| {
        let verdicts = verdicts(&wanted(work, &["mainframe", "linux"]), &[candidate]);
        assert_eq!(told(&verdicts), expect);
    };
    let lost = |one: &mut Candidate| {
        (one.status, one.lost) = (DelegateStatus::Lost, Some(Loss::Because("it ended".to_owned())))
    };
    check(SYNC, candidate("a"), "a: missing tag mainframe");
    check(SYNC, with("a", lost), "a: missing tag mainframe, lost: it ended");
    check(RUN, with("a", |one| one.work.clear()), "a: missing tag mainframe, does no runs");
    check(RUN, with("a", |one| one.runs = 4), "a: missing tag mainframe, full: 4 of 4");
    check(SYNC, with("a", |one| one.status = DelegateStatus::Starting), "a: missing tag mainframe, starting");
    let backing_off = [backing_off("a", "git"), candidate("b")];
    let expect = "a: backs off from git until 2026-01-01T00:00:05Z (proxy); b: ";
    assert_eq!(told(&verdicts(&wanted(SYNC, &[]), &backing_off)), expect);
}

#[test]
fn when_nobody_will_ever_take_it_the_failure_says_why_and_what_was_probably_meant() {
    let check = |wanted: Wanted, candidates: &[Candidate], message: &str, hint: &str| {
        let Selection::Nobody(failure) = select(&wanted, candidates, None) else { panic!("somebody takes {wanted:?}") };
        assert_eq!((failure.message.as_str(), failure.hint.as_str()), (message, hint));
    };
    let default = FailureClass::NoEligibleDelegate.default_hint();
    let of_tags = "no delegate has all of the tags mainframe (a: missing tag mainframe)";
    check(wanted(SYNC, &["mainframe"]), &[candidate("a")], of_tags, default);
    let of_work = "no delegate does runs (a: does no runs)";
    let syncing = with("a", |one| one.work = vec![SYNC]);
    let runs = "set `runs = true` in a [[delegate]], or add one of kind \"process\"";
    check(wanted(RUN, &[]), std::slice::from_ref(&syncing), of_work, runs);
    let of_both = "no delegate that does runs has all of the tags a, linxu \
                   (a: missing tag linxu, does no runs; b: missing tag a, missing tag linxu)";
    let slip = "was `linux` meant where `delegate_tags` says `linxu`?";
    check(wanted(RUN, &["linxu", "a"]), &[syncing, candidate("b")], of_both, slip);
    check(wanted(SYNC, &[]), &[], "no delegate does syncs (there are no delegates)", default);
}

#[test]
fn what_was_waited_for_in_vain_is_told() {
    let failure = waited_for(&wanted(SYNC, &[]), &[with("a", |one| one.status = DelegateStatus::Draining)]);
    assert_eq!(failure.to_string(), "no_eligible_delegate: no delegate could take it in time (a: draining)");
}

#[test]
fn why_nobody_can_take_it_is_told_while_it_is_so() {
    let check = |candidates: &[Candidate], expect: Option<&str>| {
        assert_eq!(why_nobody(&wanted(RUN, &["a"]), candidates).as_deref(), expect);
    };
    check(&[candidate("a"), candidate("b")], None);
    check(&[with("a", |one| one.runs = 4)], None);
    let draining = with("a", |one| one.status = DelegateStatus::Draining);
    check(&[draining, candidate("b")], Some("a: draining; b: missing tag a"));
}

#[test]
fn a_secret_of_the_agents_host_is_not_asked_of_other_hosts() {
    let elsewhere = with("a", |one| one.is_elsewhere = true);
    let of = |secret| Wanted { host_secret: secret, ..wanted(SYNC, &["linux"]) };
    check(&of(None), std::slice::from_ref(&elsewhere), chosen("a"));
    let file = Some(SecretRef::File("/token".into()));
    check(&of(file.clone()), &[elsewhere.clone(), candidate("b")], chosen("b"));
    let told = verdicts(&of(file.clone()), std::slice::from_ref(&elsewhere));
    let reasons: Vec<_> = told.iter().flat_map(|verdict| &verdict.reasons).map(ToString::to_string).collect();
    assert_eq!(reasons, ["cannot have [secret file:/token], which is of the agent's host"]);
    assert!(matches!(select(&of(file), &[elsewhere], None), Selection::Nobody(_)));
}

#[test]
fn why_a_task_waits_is_told_of_those_that_could_have_it() {
    let check = |candidates: &[Candidate], expect: Option<&str>| {
        let wanted = wanted(RUN, &["linux"]);
        assert_eq!(why_waits(&wanted, &suited(&wanted, candidates)).as_deref(), expect);
    };
    let syncing = || with("c", |one| one.work = vec![SYNC]);
    let full = || with("a", |one| one.runs = 4);
    check(&[full(), candidate("b")], None);
    check(&[full(), syncing()], Some("a: full: 4 of 4"));
    check(&[full(), with("b", |one| one.status = DelegateStatus::Lost)], Some("a: full: 4 of 4; b: lost"));
    check(&[syncing()], Some("c: does no runs"));
}

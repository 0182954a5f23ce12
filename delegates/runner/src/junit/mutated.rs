//! Reports, cut and mutated at random from fixed seeds: never a panic, never without end, never more than is allowed.

use super::*;
use crate::redactor::Redactor;

const REPORTS: [&str; 3] = [
    "<?xml version='1.0' encoding='UTF-8'?><testsuites name='a'><testsuite name='S' id='Test Suites/S' timestamp='2561-\
     03-31 20:20:20'><properties><property name='x' value='y'/></properties><testcase name='Test Cases/a' time='1.5' \
     classname='Test Cases/a' status='PASSED'><system-out><![CDATA[x ]] > é]]></system-out></testcase><testcase \
     name='b' status='FAILED'><failure message='&lt;&#10;'/></testcase></testsuite></testsuites>",
    "<testsuite name='S'><!-- c --><testcase classname='k' name='n' time='0,5' file='a.py'><failure message='m' \
     type='t'>text &amp; more &#x41; <b/></failure></testcase><testcase name='o'><skipped/></testcase></testsuite>",
    "<testsuite><testsuite name='in'><testcase name='é'><error>x</error><rerunFailure/></testcase></testsuite>\
     </testsuite>",
];
/// Mutations of each report: together they take about a second.
const MUTATIONS: usize = 6_000;
const PIECES: [&str; 8] = ["<!DOCTYPE a [", "<![CDATA[", "]]>", "<!--", "-->", "<?", "&#x", "\u{0}"];

fn mutate(random: &mut fastrand::Rng, bytes: &mut Vec<u8>) {
    let at = random.usize(..=bytes.len());
    let end = random.usize(at..=bytes.len());
    match random.u8(..6) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
        3 => drop(bytes.splice(at..at, PIECES[random.usize(..PIECES.len())].bytes())),
        4 => bytes.insert(at, b"<>'\"/&=;"[random.usize(..8)]),
        _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.u8(..8)),
    }
}

#[test]
fn mutated_reports_end_in_results_within_the_allowance() {
    let whole = Allowance { cases: 5, names: 4096, messages: 64 };
    for (seed, text) in (1..).zip(REPORTS) {
        let mut random = fastrand::Rng::with_seed(seed);
        for round in 0..MUTATIONS {
            let mut bytes = text.as_bytes().to_vec();
            (0..=round % 5).for_each(|_| mutate(&mut random, &mut bytes));
            let mut left = whole;
            let read = read(bytes.as_slice(), &Redactor::default(), &mut left);
            let cases: usize = read.executions.iter().map(|execution| execution.cases.len()).sum();
            assert!(cases <= 5, "{seed} {round}");
            let is_told = read.state == ResultFileState::Whole || !read.notices.is_empty();
            assert!(is_told, "{seed} {round}: {}", String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn every_report_cut_anywhere_is_told_to_be_cut() {
    for text in REPORTS {
        assert_eq!(
            read(text.as_bytes(), &Redactor::default(), &mut Allowance::default()).state,
            ResultFileState::Whole
        );
        for end in 0..text.len() {
            let cut = text.as_bytes().get(..end).unwrap_or_default();
            let read = read(cut, &Redactor::default(), &mut Allowance::default());
            assert_eq!(read.state, ResultFileState::Incomplete, "{}", String::from_utf8_lossy(cut));
        }
    }
}

//! Damaged files: whatever the bytes, a parse comes back, and it can be stored.

use crate::{Content, FileKind, Parse, parse};

const CASE: &[u8] =
    b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<TestCaseEntity>\r\n   <name>Pay &amp; go</name>\r\n   \
    <tag>a, b</tag><!-- c --><variable id='1'><![CDATA[x]]></variable>\r\n</TestCaseEntity>\r\n";
const SUITE: &[u8] = "<TestSuiteEntity xmlns:x=\"urn:x\"><name>Gün İçi</name><x:y/><testCaseLink><isRun>true</isRun>\
    <testCaseId>Test Cases/Öde&#xd;</testCaseId></testCaseLink><?p q?></TestSuiteEntity>"
    .as_bytes();

const PIECES: [&[u8]; 16] = [
    b"<",
    b">",
    b"&",
    b"\"",
    b"\0",
    b"\xff",
    b"\xfe\xff",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<?xml ?>",
    b"&#xD800;",
    b"</",
    b" xmlns:a=''",
    b"<a b='' b=''/>",
];

fn damage(random: &mut fastrand::Rng, original: &[u8]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..random.usize(1..6) {
        let from = random.usize(..=bytes.len());
        let to = (from + random.usize(..12)).min(bytes.len());
        match random.u8(..3) {
            0 => drop(bytes.drain(from..to)),
            1 => drop(bytes.splice(from..to, PIECES[random.usize(..PIECES.len())].iter().copied())),
            _ => bytes.get_mut(from..to).unwrap().fill_with(|| random.u8(..)),
        }
    }
    bytes
}

#[test]
fn damaged_files_are_parsed_or_malformed_and_never_a_panic() {
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..20_000 {
        let (kind, original) = if round % 2 == 0 { (FileKind::Case, CASE) } else { (FileKind::Suite, SUITE) };
        let bytes = damage(&mut random, original);
        let parse = parse(kind, Content::Bytes(&bytes));
        let text = serde_json::to_string(&parse).unwrap();
        assert_eq!(serde_json::from_str::<Parse>(&text).unwrap(), parse);
    }
}

#[test]
fn every_beginning_of_a_file_is_parsed_or_malformed() {
    for end in 0..SUITE.len() {
        let parse = parse(FileKind::Suite, Content::Bytes(&SUITE[..end]));
        assert!(matches!(parse, Parse::Malformed { .. }), "{end}");
    }
}

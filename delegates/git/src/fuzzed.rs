//! Answers of servers, cut and mutated at random from fixed seeds, through everything that reads them: never a panic,
//! never without end, and every failure has a class that speaks of the server. What is called is what fuzzers call.

use suitesync_contract::FailureClass;

use crate::fuzzing::{Reader, check, pkt_line};

const ID: &str = "67cae2b029dff7eb3dc062b49403aaedca5bad8d";
/// Mutations of each answer: together they take well under a second.
const MUTATIONS: u32 = 1500;

fn line(text: &[u8]) -> Vec<u8> {
    [format!("{:04x}", text.len() + 4).as_bytes(), text].concat()
}

fn answers() -> [(Reader, Vec<u8>); 7] {
    let text = |text: String| line(text.as_bytes());
    let flush = b"0000".to_vec();
    let shallow = text(format!("shallow {ID}\n"));
    let bands =
        [line(b"\x02counting\n"), line(b"\x01PACK\0\0\0\x02\0\0\0\0"), line(b"\x01rest"), flush.clone()].concat();
    let first = text(format!("{ID} HEAD\0multi_ack side-band-64k shallow symref=HEAD:refs/heads/main\n"));
    let service = line(b"# service=git-upload-pack\n");
    let tag = [text(format!("{ID} refs/tags/v1\n")), text(format!("{ID} refs/tags/v1^{{}}\n"))].concat();
    let features =
        [line(b"version 2\n"), line(b"agent=git/2.47\n"), line(b"ls-refs=unborn\n"), line(b"fetch=shallow\n")];
    [
        (Reader::Advertisement, [&service[..], &flush, &first, &tag, &flush].concat()),
        (Reader::Advertisement, [&line(b"version 1\n")[..], &first, &tag, &flush].concat()),
        (Reader::Advertisement, [&features.concat()[..], &flush].concat()),
        (Reader::Listing, [&text(format!("{ID} refs/tags/v1 peeled:{ID}\n"))[..], &flush].concat()),
        (Reader::PackV2, [&line(b"shallow-info\n")[..], &shallow, b"0001", &line(b"packfile\n"), &bands].concat()),
        (Reader::PackV0, [&shallow[..], &flush, &text(format!("ACK {ID}\n")), &bands].concat()),
        (Reader::RawPackV0, [&shallow[..], &flush, &line(b"NAK\n"), b"PACK\0\0\0\x02\0\0\0\0rest"].concat()),
    ]
}

/// A small generator (xorshift32): the same mutations every time.
struct Random(u32);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as usize % bound.max(1)
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        let end = at + self.below(bytes.len() - at);
        let piece = bytes.get(at..end).unwrap_or_default().to_vec();
        match self.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..at, piece)),
            3 => drop(bytes.splice(at..at, *b"fff0")),
            4 => drop(bytes.splice(at..at, *b"0008ERR ")),
            _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (end % 8)),
        }
    }
}

#[tokio::test]
async fn whole_answers_are_read_and_cut_ones_are_told() {
    for (reader, answer) in answers() {
        assert!(reader.read(answer.clone()).await.is_ok(), "{reader:?}");
        for end in 0..answer.len() {
            let read = reader.read(answer[..end].to_vec()).await;
            // A raw pack has no end of its own: its trailer says whether it is whole.
            let in_raw_pack =
                matches!(reader, Reader::RawPackV0) && answer[..end].windows(4).any(|four| four == b"PACK");
            assert!(
                in_raw_pack || read.is_err_and(|failure| failure.class == FailureClass::Protocol),
                "{reader:?} {end}"
            );
        }
    }
}

#[tokio::test]
async fn mutated_answers_end_in_a_value_or_a_failure_of_the_server() {
    for (seed, (reader, answer)) in (1..).zip(answers()) {
        let mut random = Random(seed);
        for round in 0..MUTATIONS {
            let mut mutated = answer.clone();
            (0..=round % 4).for_each(|_| random.mutate(&mut mutated));
            pkt_line(&mutated);
            check(reader, mutated).await;
        }
    }
}

#[tokio::test]
async fn an_answer_without_end_ends_at_its_bound() {
    for (reader, filler) in [
        (Reader::Listing, line(format!("{ID} refs/heads/x\n").as_bytes())),
        (Reader::PackV0, line(b"NAK\n")),
        (Reader::PackV2, line(b"acknowledgments\n")),
    ] {
        let failure = reader.read(filler.repeat(20_000)).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Protocol, "{reader:?}: {failure}");
    }
}

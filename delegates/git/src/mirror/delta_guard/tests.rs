//! Packs made by hand: what their deltas claim, and what these rest on.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::*;

const MOST: u64 = 1000;

fn compressed(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn pack(objects: &[Vec<u8>]) -> Vec<u8> {
    let count = u32::try_from(objects.len()).unwrap().to_be_bytes();
    [b"PACK\0\0\0\x02", &count[..], &objects.concat(), &[0xff; ID_BYTES]].concat()
}

/// A blob, which is no delta and may have any size.
fn blob(size: u16) -> Vec<u8> {
    let (low, high) = (size & 0x0f, size >> 4);
    let header = [0xb0 | low as u8, 0x80 | (high & 0x7f) as u8, (high >> 7) as u8];
    [&header[..], &compressed(&vec![7; size.into()])].concat()
}

/// A small blob that takes some bytes of a pack even so.
fn noise() -> Vec<u8> {
    let content: Vec<u8> = (0..300_u32).map(|byte| (byte * byte / 7 + 13 * byte) as u8).collect();
    [&[0xbc, 0x12][..], &compressed(&content)].concat()
}

/// A delta to what begins so many bytes before it, that claims these sizes as its first bytes.
fn delta(distance: usize, claims: &[u8]) -> Vec<u8> {
    let distance = distance - CONTINUES as usize;
    let distance = [CONTINUES | (distance >> 7) as u8, (distance & 0x7f) as u8];
    [&[0x60 | 5], &distance[..], &compressed(claims)].concat()
}

/// The same, to an id.
fn delta_to_id(id: u8, claims: &[u8]) -> Vec<u8> {
    [&[0x70 | 5][..], &[id; ID_BYTES], &compressed(claims)].concat()
}

/// Objects that are in the store: a small one and one that is too large.
const SMALL: u8 = 1;
const LARGE: u8 = 2;
/// One that is not.
const UNKNOWN: u8 = 9;

fn stored(id: ObjectId) -> Option<u64> {
    [(SMALL, MOST), (LARGE, MOST + 1)]
        .into_iter()
        .find_map(|(name, size)| (id.as_bytes() == &[name; 20]).then_some(size))
}

fn check(objects: &[Vec<u8>], refused: bool) {
    let pack = pack(objects);
    for step in [1, 7, pack.len()] {
        let mut guard = DeltaGuard::new(MOST, &stored);
        let taken = pack.chunks(step).try_for_each(|piece| guard.take(piece));
        assert_eq!(matches!(taken, Err(Fault::TooLarge(_))), refused, "{step}: {taken:?}");
        assert!(refused || guard.stage == Stage::Passed, "{step}: {:?}", guard.stage);
    }
}

#[test]
fn sizes_within_the_limit_pass() {
    let small = delta(300, &[0xe8, 0x07, 0xe8, 0x07, 0]);
    check(&[blob(2000), small, delta_to_id(SMALL, &[1, 2, 0]), blob(2000)], false);
    check(&[blob(1000), delta_to_id(UNKNOWN, &[1, 2, 0])], false);
    check(&[], false);
}

#[test]
fn a_delta_of_too_much_is_refused_wherever_it_stands() {
    check(&[delta(300, &[1, 0xe9, 0x07, 0])], true);
    check(&[delta(300, &[0xe9, 0x07, 1, 0])], true);
    let endless = [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    check(&[blob(2000), delta_to_id(SMALL, &endless), blob(2000)], true);
}

#[test]
fn a_delta_to_what_is_too_large_is_refused_whatever_it_claims() {
    let (large, between) = (blob(2000), noise());
    let distance = large.len() + between.len();
    check(&[large.clone(), between.clone(), delta(distance, &[1, 1, 0])], true);
    check(&[large, between, delta(distance - 1, &[1, 1, 0])], false);
    check(&[delta_to_id(LARGE, &[1, 1, 0])], true);
    check(&[blob(2000), delta_to_id(UNKNOWN, &[1, 1, 0])], true);
    check(&[delta_to_id(UNKNOWN, &[1, 1, 0]), blob(2000)], true);
}

#[test]
fn instructions_of_too_much_are_refused_before_they_come() {
    check(&[[&[0xe0, 0x7d, 0x01][..], &compressed(b"x")].concat()], true);
}

#[test]
fn what_is_malformed_is_left_to_others() {
    let mut guard = DeltaGuard::new(MOST, &stored);
    assert!(guard.take(b"PACK\0\0\0\x02\0\0\0\x09\x35no zlib at all, whatever it says").is_ok());
    assert_eq!(guard.stage, Stage::Passed);
}

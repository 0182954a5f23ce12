//! A whole that is too long for one message, in parts, and together again.
//!
//! What comes is not trusted: a whole has a bound, parts have to agree with each other, and the hash has to be right.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Longest whole in bytes: a sync of a very large repository's tests, with room; the same as a line to a process.
pub const MAX_WHOLE: u64 = 64 << 20;

/// Shortest part but the last, in bytes. It bounds how many parts a whole can claim to have.
const MIN_PART: u64 = 1 << 10;

/// Which part of which whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// From 0.
    pub index: u32,
    pub count: u32,
    /// Of the whole, in bytes.
    pub length: u64,
    /// SHA-256 of the whole, in hex.
    pub hash: String,
}

impl Part {
    /// The only one of a body.
    pub(crate) fn whole(body: &[u8]) -> Self {
        Self { index: 0, count: 1, length: body.len() as u64, hash: hex::encode(Sha256::digest(body)) }
    }
}

/// Why parts make no whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartFault {
    #[error("a whole of {0} bytes is longer than {MAX_WHOLE}")]
    TooLong(u64),
    #[error("part {index} of {count} does not exist in {length} bytes")]
    OutOfPlace { index: u32, count: u32, length: u64 },
    #[error("a part belongs to another whole than those before it")]
    OfAnother,
    #[error("the parts do not make what the hash is of")]
    WrongHash,
}

/// The parts of a whole of at most `size` bytes each; at least one.
pub(crate) fn split(whole: &Bytes, size: usize) -> Vec<(Part, Bytes)> {
    let size = size.max(MIN_PART as usize);
    let (hash, length) = (hex::encode(Sha256::digest(whole)), whole.len() as u64);
    let count = whole.len().div_ceil(size).max(1);
    let part = |index: usize| {
        let (start, end) = (index * size, whole.len().min((index + 1) * size));
        let part = Part { index: index as u32, count: count as u32, length, hash: hash.clone() };
        (part, whole.slice(start..end))
    };
    (0..count).map(part).collect()
}

/// Parts of one whole, as they come, in any order and any number of times.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    of: Option<Part>,
    bodies: BTreeMap<u32, Bytes>,
    held: u64,
}

impl Assembly {
    /// Takes a part; gives the whole once it is complete.
    pub(crate) fn add(&mut self, part: &Part, body: Bytes) -> Result<Option<Bytes>, PartFault> {
        if part.length > MAX_WHOLE {
            return Err(PartFault::TooLong(part.length));
        }
        let most = part.length / MIN_PART + 1;
        if part.index >= part.count || u64::from(part.count) > most {
            return Err(PartFault::OutOfPlace { index: part.index, count: part.count, length: part.length });
        }
        let of = self.of.get_or_insert_with(|| part.clone());
        let is_of_it = (of.count, of.length, &of.hash) == (part.count, part.length, &part.hash);
        let held = self.held + body.len() as u64;
        if !is_of_it || (held > part.length && !self.bodies.contains_key(&part.index)) {
            return Err(PartFault::OfAnother);
        }
        if self.bodies.insert(part.index, body).is_none() {
            self.held = held;
        }
        if self.bodies.len() < part.count as usize { Ok(None) } else { self.whole(part).map(Some) }
    }

    fn whole(&self, part: &Part) -> Result<Bytes, PartFault> {
        let whole: Bytes = match self.bodies.first_key_value() {
            Some((_, body)) if part.count == 1 => body.clone(),
            _ => self.bodies.values().flatten().copied().collect::<Vec<u8>>().into(),
        };
        let is_right = whole.len() as u64 == part.length && hex::encode(Sha256::digest(&whole)) == part.hash;
        if is_right { Ok(whole) } else { Err(PartFault::WrongHash) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(length: usize) -> Bytes {
        (0..=250).cycle().take(length).collect::<Vec<u8>>().into()
    }

    fn together(parts: impl IntoIterator<Item = (Part, Bytes)>) -> Result<Option<Bytes>, PartFault> {
        let mut assembly = Assembly::default();
        let mut last = Ok(None);
        for (part, body) in parts {
            last = assembly.add(&part, body);
        }
        last
    }

    #[test]
    fn a_whole_of_any_length_comes_back_whatever_the_order() {
        for length in [0, 1, 1023, 1024, 1025, 5000] {
            let mut parts = split(&whole(length), 1024);
            parts.reverse();
            assert_eq!(together(parts), Ok(Some(whole(length))), "{length}");
        }
    }

    #[test]
    fn a_part_that_comes_twice_counts_once() {
        let parts = split(&whole(2500), 1024);
        let twice: Vec<_> = parts.iter().take(2).chain(&parts).cloned().collect();
        assert_eq!(together(twice), Ok(Some(whole(2500))));
    }

    fn check_fault(change: impl Fn(&mut Part, &mut Bytes), expect: PartFault) {
        let mut parts = split(&whole(2500), 1024);
        let (part, body) = parts.last_mut().unwrap();
        change(part, body);
        assert_eq!(together(parts), Err(expect));
    }

    #[test]
    fn parts_that_lie_make_no_whole() {
        check_fault(|part, _| part.length = 1 << 40, PartFault::TooLong(1 << 40));
        check_fault(|part, _| part.index = 3, PartFault::OutOfPlace { index: 3, count: 3, length: 2500 });
        let many = PartFault::OutOfPlace { index: 2, count: u32::MAX, length: 2500 };
        check_fault(|part, _| part.count = u32::MAX, many);
        check_fault(|part, _| part.hash.clear(), PartFault::OfAnother);
        check_fault(|_, body| *body = whole(1024), PartFault::OfAnother);
        check_fault(|_, body| *body = whole(2), PartFault::WrongHash);
        check_fault(|_, body| *body = vec![b'x'; 452].into(), PartFault::WrongHash);
    }
}

//! Looks at a pack as it passes by, for deltas that would fill the memory.
//!
//! libgit2 writes whole objects to disk as they come, but puts deltas together in memory, at the size that the delta
//! itself claims: a few kilobytes can claim, and become, any number of gigabytes. Sizes stand at the beginning of each
//! delta, so objects are inflated here only to find where the next one begins. What is malformed is libgit2's to tell.

use flate2::{Decompress, FlushDecompress, Status};

use super::fault::Fault;

/// `PACK`, version, number of objects (gitformat-pack).
const PACK_HEADER: usize = 12;
const ID_BYTES: usize = 20;
/// Four bits, then seven a byte: a size of 64 bits has no more.
const OBJECT_HEADER: usize = 10;
/// Two numbers of 64 bits, seven bits a byte.
const DELTA_HEADER: usize = 20;
/// The kinds of objects that are deltas: to an offset in the pack, to an id.
const OFFSET_DELTA: u8 = 6;
const ID_DELTA: u8 = 7;
/// What of an object is inflated at once.
const PIECE: usize = 16 << 10;
const CONTINUES: u8 = 0x80;

/// Where in a pack the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    PackHeader,
    /// Kind and size of an object, a number of bytes of it taken.
    ObjectHeader(usize),
    BaseOffset,
    /// So many bytes of it are left.
    BaseId(usize),
    Content,
    /// After the last object, or after what cannot be understood.
    Passed,
}

pub(crate) struct DeltaGuard {
    most: u64,
    stage: Stage,
    objects_left: u32,
    kind: u8,
    /// The bytes that a header or the beginning of a delta is read from.
    beginning: Vec<u8>,
    inflater: Decompress,
    piece: Vec<u8>,
}

impl DeltaGuard {
    /// Refuses deltas of which base, instructions or result have more than `most` bytes.
    pub(crate) fn new(most: u64) -> Self {
        Self {
            most,
            stage: Stage::PackHeader,
            objects_left: 0,
            kind: 0,
            beginning: Vec::new(),
            inflater: Decompress::new(true),
            piece: vec![0; PIECE],
        }
    }

    /// Takes in the next bytes of the pack, however they are cut.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while let Some((byte, after)) = bytes.split_first() {
            bytes = match self.stage {
                Stage::Passed => return Ok(()),
                Stage::Content => bytes.get(self.inflate(bytes)?..).unwrap_or_default(),
                Stage::PackHeader | Stage::ObjectHeader(_) | Stage::BaseOffset | Stage::BaseId(_) => {
                    self.step(*byte)?;
                    after
                }
            };
        }
        Ok(())
    }

    /// One byte of what is not compressed.
    fn step(&mut self, byte: u8) -> Result<(), Fault> {
        let more = byte & CONTINUES != 0;
        match self.stage {
            Stage::PackHeader => {
                self.beginning.push(byte);
                if self.beginning.len() == PACK_HEADER {
                    self.objects_left = self.beginning.last_chunk().map_or(0, |count| u32::from_be_bytes(*count));
                    self.begin_object();
                }
            }
            Stage::ObjectHeader(taken) => {
                self.beginning.push(byte);
                if taken == 0 {
                    self.kind = byte >> 4 & 7;
                }
                self.stage = match more {
                    true if taken < OBJECT_HEADER => Stage::ObjectHeader(taken + 1),
                    true => Stage::Passed,
                    false => self.check_object()?,
                };
            }
            Stage::BaseOffset if !more => self.stage = Stage::Content,
            Stage::BaseId(left) => self.stage = if left > 1 { Stage::BaseId(left - 1) } else { Stage::Content },
            Stage::BaseOffset | Stage::Content | Stage::Passed => {}
        }
        Ok(())
    }

    fn begin_object(&mut self) {
        self.beginning.clear();
        self.inflater.reset(true);
        self.stage = if self.objects_left == 0 { Stage::Passed } else { Stage::ObjectHeader(0) };
        self.objects_left = self.objects_left.saturating_sub(1);
    }

    /// The header of an object is whole: four bits of its size are in the first byte, seven in each of the others.
    fn check_object(&mut self) -> Result<Stage, Fault> {
        let (first, others) = self.beginning.split_first().unwrap_or((&0, &[]));
        let size = number(others).map_or(u64::MAX, |(rest, _)| rest.saturating_mul(16) | u64::from(first & 0x0f));
        let size = if others.is_empty() { u64::from(first & 0x0f) } else { size };
        self.beginning.clear();
        match self.kind {
            OFFSET_DELTA => self.check(size).map(|()| Stage::BaseOffset),
            ID_DELTA => self.check(size).map(|()| Stage::BaseId(ID_BYTES)),
            _ => Ok(Stage::Content),
        }
    }

    /// Inflates some of an object; how many bytes were used for it.
    fn inflate(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let (used, made) = (self.inflater.total_in(), self.inflater.total_out());
        let status = self.inflater.decompress(bytes, &mut self.piece, FlushDecompress::None);
        let used = usize::try_from(self.inflater.total_in() - used).unwrap_or(bytes.len());
        let made = usize::try_from(self.inflater.total_out() - made).unwrap_or_default();
        if matches!(self.kind, OFFSET_DELTA | ID_DELTA) && self.beginning.len() < DELTA_HEADER {
            self.beginning.extend(self.piece.iter().take(made.min(DELTA_HEADER - self.beginning.len())));
            self.check_delta()?;
        }
        match status {
            Ok(Status::StreamEnd) => self.begin_object(),
            Ok(Status::Ok | Status::BufError) if used + made > 0 => {}
            Ok(Status::Ok | Status::BufError) | Err(_) => self.stage = Stage::Passed,
        }
        Ok(used)
    }

    /// What has come of a delta so far: the size of its base, then that of its result.
    fn check_delta(&self) -> Result<(), Fault> {
        let Some((base, rest)) = number(&self.beginning) else { return Ok(()) };
        self.check(base)?;
        number(rest).map_or(Ok(()), |(result, _)| self.check(result))
    }

    fn check(&self, size: u64) -> Result<(), Fault> {
        if size <= self.most {
            return Ok(());
        }
        Err(Fault::TooLarge(format!("the pack has a delta of {size} bytes, more than {}", self.most)))
    }
}

/// A number of seven bits a byte, the lowest ones first, and what comes after it; beyond 64 bits, the largest one.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let end = bytes.iter().position(|byte| byte & CONTINUES == 0)?;
    let (digits, rest) = bytes.split_at(end + 1);
    let value = digits
        .iter()
        .rev()
        .try_fold(0_u64, |sum, byte| sum.checked_mul(CONTINUES.into()).map(|sum| sum | u64::from(byte & !CONTINUES)));
    Some((value.unwrap_or(u64::MAX), rest))
}

#[cfg(test)]
mod tests {
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

    /// A blob of 2000 bytes, which is no delta and may have any size.
    fn blob() -> Vec<u8> {
        [&[0xb0, 0x7d][..], &compressed(&[7; 2000])].concat()
    }

    /// A delta to an offset, that claims these sizes as its first bytes.
    fn delta(claims: &[u8]) -> Vec<u8> {
        [&[0x60 | 5, 0x81, 0x01][..], &compressed(claims)].concat()
    }

    /// The same, to an id.
    fn delta_to_id(claims: &[u8]) -> Vec<u8> {
        [&[0x70 | 5][..], &[9; ID_BYTES], &compressed(claims)].concat()
    }

    fn check(objects: &[Vec<u8>], refused: bool) {
        let pack = pack(objects);
        for step in [1, 7, pack.len()] {
            let mut guard = DeltaGuard::new(MOST);
            let taken = pack.chunks(step).try_for_each(|piece| guard.take(piece));
            assert_eq!(matches!(taken, Err(Fault::TooLarge(_))), refused, "{step}: {taken:?}");
            assert!(refused || guard.stage == Stage::Passed, "{step}: {:?}", guard.stage);
        }
    }

    #[test]
    fn sizes_within_the_limit_pass() {
        check(&[blob(), delta(&[0xe8, 0x07, 0xe8, 0x07, 0]), delta_to_id(&[1, 2, 0]), blob()], false);
        check(&[], false);
    }

    #[test]
    fn a_delta_of_too_much_is_refused_wherever_it_stands() {
        check(&[delta(&[1, 0xe9, 0x07, 0])], true);
        check(&[delta(&[0xe9, 0x07, 1, 0])], true);
        check(&[blob(), delta_to_id(&[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]), blob()], true);
    }

    #[test]
    fn instructions_of_too_much_are_refused_before_they_come() {
        check(&[[&[0xe0, 0x7d, 0x01][..], &compressed(b"x")].concat()], true);
    }

    #[test]
    fn what_is_malformed_is_left_to_others() {
        let mut guard = DeltaGuard::new(MOST);
        assert!(guard.take(b"PACK\0\0\0\x02\0\0\0\x09\x35no zlib at all, whatever it says").is_ok());
        assert_eq!(guard.stage, Stage::Passed);
    }
}

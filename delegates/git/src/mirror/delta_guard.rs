//! Looks at a pack as it passes by, for deltas that would fill the memory.
//!
//! libgit2 writes whole objects to disk as they come, but puts deltas together in memory, at the size that the delta
//! itself claims: a few kilobytes can claim, and become, any number of gigabytes. Sizes stand at the beginning of each
//! delta, so objects are inflated here only to find where the next one begins. What a delta claims of its base need not
//! be so, and libgit2 finds that out with the base in memory: so no delta may have a base that is too large, be it in
//! the pack or in the store. What is malformed is libgit2's to tell.

use flate2::{Decompress, FlushDecompress, Status};
use suitesync_contract::ObjectId;

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
    /// How far before the object its base begins, as far as it was read.
    BaseOffset(u64),
    BaseId,
    Content,
    /// After the last object, or after what cannot be understood.
    Passed,
}

pub(crate) struct DeltaGuard<'a> {
    most: u64,
    /// The size of an object of the store, if it is there.
    stored: &'a dyn Fn(ObjectId) -> Option<u64>,
    stage: Stage,
    /// Bytes of the pack so far.
    passed: u64,
    objects_left: u32,
    /// Where the object begins, and what it is.
    begins: u64,
    kind: u8,
    /// Where objects begin that are too large for a base.
    oversized: Vec<u64>,
    /// Whether some delta's base is named by its id and not in the store, so that it has to be in the pack.
    has_unknown_base: bool,
    /// The bytes that a header or the beginning of a delta is read from.
    beginning: Vec<u8>,
    inflater: Decompress,
    piece: Vec<u8>,
}

impl<'a> DeltaGuard<'a> {
    /// Refuses deltas of which base, instructions or result have more than `most` bytes. `stored` tells the size of an
    /// object that the pack may build on.
    pub(crate) fn new(most: u64, stored: &'a dyn Fn(ObjectId) -> Option<u64>) -> Self {
        Self {
            most,
            stored,
            stage: Stage::PackHeader,
            passed: 0,
            objects_left: 0,
            begins: 0,
            kind: 0,
            oversized: Vec::new(),
            has_unknown_base: false,
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
                Stage::PackHeader | Stage::ObjectHeader(_) | Stage::BaseOffset(_) | Stage::BaseId => {
                    self.passed += 1;
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
            Stage::BaseOffset(so_far) => {
                let distance = so_far.saturating_mul(CONTINUES.into()).saturating_add((byte & !CONTINUES).into());
                // Each further byte adds one, so that no distance can be written in two ways.
                self.stage =
                    if more { Stage::BaseOffset(distance.saturating_add(1)) } else { self.check_near(distance)? };
            }
            Stage::BaseId => {
                self.beginning.push(byte);
                if let Some(id) = self.beginning.first_chunk::<ID_BYTES>() {
                    self.stage = self.check_named(ObjectId::from_bytes(*id))?;
                    self.beginning.clear();
                }
            }
            Stage::Content | Stage::Passed => {}
        }
        Ok(())
    }

    /// A base that begins so many bytes before the object.
    fn check_near(&self, distance: u64) -> Result<Stage, Fault> {
        let base = self.begins.checked_sub(distance);
        if base.is_some_and(|base| self.oversized.contains(&base)) {
            Err(self.oversized_base())
        } else {
            Ok(Stage::Content)
        }
    }

    /// A base that is named: in the store, or somewhere in the pack.
    fn check_named(&mut self, base: ObjectId) -> Result<Stage, Fault> {
        match (self.stored)(base) {
            Some(size) => self.check(size)?,
            None => self.has_unknown_base = true,
        }
        self.check_unknown()
    }

    /// Servers that were told that offsets are understood name only bases that we have, so this refuses nothing honest.
    fn check_unknown(&self) -> Result<Stage, Fault> {
        let may_meet = self.has_unknown_base && !self.oversized.is_empty();
        if may_meet { Err(self.oversized_base()) } else { Ok(Stage::Content) }
    }

    fn begin_object(&mut self) {
        self.beginning.clear();
        self.inflater.reset(true);
        self.begins = self.passed;
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
            OFFSET_DELTA => self.check(size).map(|()| Stage::BaseOffset(0)),
            ID_DELTA => self.check(size).map(|()| Stage::BaseId),
            _ if size > self.most => {
                self.oversized.push(self.begins);
                self.check_unknown()
            }
            _ => Ok(Stage::Content),
        }
    }

    /// Inflates some of an object; how many bytes were used for it.
    fn inflate(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let (used, made) = (self.inflater.total_in(), self.inflater.total_out());
        let status = self.inflater.decompress(bytes, &mut self.piece, FlushDecompress::None);
        let used = usize::try_from(self.inflater.total_in() - used).unwrap_or(bytes.len());
        self.passed += used as u64;
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

    fn oversized_base(&self) -> Fault {
        Fault::TooLarge(format!("the pack has a delta to an object of more than {} bytes", self.most))
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
mod tests;

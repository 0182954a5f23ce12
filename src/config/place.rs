//! Where something stands in the files of the configuration.

use std::ops::Range;

/// A stretch of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Index of the file, in reading order.
    pub(super) file: usize,
    /// Byte offsets.
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Place {
    pub(super) fn new(file: usize, span: Range<usize>) -> Self {
        Self { file, start: span.start, end: span.end }
    }
}

/// A value with the place it was written at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

impl<T> Placed<T> {
    pub(super) fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }

    pub(super) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Placed<U> {
        Placed { value: convert(self.value), place: self.place }
    }
}

//! How much of what the files of one tree say is kept in all, whatever a repository holds.

use std::cell::Cell;

use crate::file::Parse;

/// Most bytes. Ten thousand tests, more than the largest known repository has, say some 5 MiB.
pub(crate) const MAX_KEPT: usize = 128 << 20;

/// What may still be kept; what is kept uses it up. Once something was too much, nothing after it is kept.
#[derive(Debug)]
pub struct Allowance {
    left: Cell<usize>,
}

impl Default for Allowance {
    fn default() -> Self {
        Self::of(MAX_KEPT)
    }
}

impl Allowance {
    /// Of so many bytes.
    pub fn of(bytes: usize) -> Self {
        Self { left: Cell::new(bytes) }
    }

    /// Whether this is still kept.
    pub fn admits(&self, parse: &Parse) -> bool {
        let left = self.left.get().checked_sub(parse.weight());
        self.left.set(left.unwrap_or_default());
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_after_what_was_too_much() {
        let (short, long) = (Parse::malformed("a"), Parse::malformed("a".repeat(100)));
        let allowance = Allowance::of(short.weight() + long.weight());
        let admitted = [&short, &long, &short].map(|parse| allowance.admits(parse));
        assert_eq!(admitted, [true, true, false]);
        let allowance = Allowance::of(long.weight() + short.weight() - 1);
        assert_eq!([&long, &short, &short].map(|parse| allowance.admits(parse)), [true, false, false]);
        let allowance = Allowance::of(2 * short.weight());
        assert_eq!([&short, &long, &short].map(|parse| allowance.admits(parse)), [true, false, false]);
    }
}

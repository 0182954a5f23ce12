//! Takes secrets out of what a run prints, whatever form they were put into and wherever a write cuts them.
//!
//! A stream is redacted piece by piece. What could still be the beginning of a secret at the end of a piece is held back
//! until the next piece decides; that is never more than the longest form of a secret, and nothing where the end does
//! not look like one. Secrets that overlap are taken out together.
//!
//! Not done: secrets that were encrypted, compressed or put in another order are not found. The search keeps copies of
//! the secrets in memory that are not wiped.

mod forms;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, BuildError};
use suitesync_contract::SecretRef;
use zeroize::Zeroizing;

/// Shorter secrets, in bytes, are not looked for: they would be found everywhere, and what is left would tell them.
pub const MIN_SECRET: usize = 4;

/// A value that must not be seen.
pub struct Secret {
    /// Shown in its place.
    pub source: SecretRef,
    pub value: Zeroizing<String>,
    /// The user it is sent with in HTTP Basic, if it is.
    pub user: Option<String>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.source)
    }
}

/// Knows the secrets of a run, in every form. The default one knows none.
#[derive(Clone, Default)]
pub struct Redactor {
    known: Option<Arc<Known>>,
}

struct Known {
    search: AhoCorasick,
    /// Sorted, so that those with a given beginning are found by halving.
    forms: Vec<Zeroizing<Vec<u8>>>,
    /// What is shown for the form of the same place.
    shown: Vec<String>,
    longest: usize,
    /// Whether a form begins with this byte.
    begins: [bool; 256],
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let forms = self.known.as_ref().map_or(0, |known| known.forms.len());
        f.debug_struct("Redactor").field("forms", &forms).finish()
    }
}

/// The secrets are more or longer than can be searched for.
#[derive(Debug, thiserror::Error)]
#[error("failed to prepare the search for secrets")]
pub struct RedactorError(#[source] BuildError);

impl Redactor {
    pub fn new(secrets: &[Secret]) -> Result<Self, RedactorError> {
        let long_enough = secrets.iter().filter(|secret| secret.value.len() >= MIN_SECRET);
        let mut all: Vec<(Zeroizing<Vec<u8>>, String)> = Vec::new();
        for secret in long_enough {
            let shown = secret.source.to_string();
            let forms = forms::of(&secret.value, secret.user.as_deref());
            all.extend(forms.into_iter().map(|form| (form, shown.clone())));
        }
        all.sort_by(|(a, _), (b, _)| a.as_slice().cmp(b.as_slice()));
        all.dedup_by(|(later, _), (first, _)| later == first);
        if all.is_empty() {
            return Ok(Self::default());
        }
        let (forms, shown): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        let search = AhoCorasick::new(forms.iter().map(|form| form.as_slice())).map_err(RedactorError)?;
        let longest = forms.iter().map(|form| form.len()).max().unwrap_or_default();
        let mut begins = [false; 256];
        for first in forms.iter().filter_map(|form| form.first()) {
            if let Some(begins) = begins.get_mut(usize::from(*first)) {
                *begins = true;
            }
        }
        Ok(Self { known: Some(Arc::new(Known { search, forms, shown, longest, begins })) })
    }

    /// A text that is there as a whole.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(known) = &self.known else { return Cow::Borrowed(text) };
        if !known.search.is_match(text) {
            return Cow::Borrowed(text);
        }
        let mut stream = self.stream();
        let mut redacted = Vec::with_capacity(text.len());
        stream.push(text.as_bytes(), &mut redacted);
        stream.finish(&mut redacted);
        Cow::Owned(String::from_utf8_lossy(&redacted).into_owned())
    }

    pub fn stream(&self) -> RedactedStream {
        RedactedStream { known: self.known.clone(), held: Zeroizing::default(), covered: 0, redactions: 0 }
    }
}

/// One stream on its way through.
pub struct RedactedStream {
    known: Option<Arc<Known>>,
    /// What came and was not yet passed on.
    held: Zeroizing<Vec<u8>>,
    /// How many of the held bytes belong to a secret whose place was already taken.
    covered: usize,
    redactions: u64,
}

impl std::fmt::Debug for RedactedStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedactedStream").field("held", &self.held.len()).finish_non_exhaustive()
    }
}

impl RedactedStream {
    /// Takes a piece, and appends to `out` what is decided now.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let Some(known) = self.known.clone() else {
            out.extend_from_slice(piece);
            return;
        };
        self.held.extend_from_slice(piece);
        let decided = known.undecided_from(&self.held);
        self.pass(&known, decided, out);
    }

    /// Appends what was held back; nothing more comes.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(known) = self.known.clone() {
            let all = self.held.len();
            self.pass(&known, all, out);
        }
    }

    /// How many secrets were taken out.
    pub fn redactions(&self) -> u64 {
        self.redactions
    }

    /// Passes on what is held up to `decided`, where no secret begins that is not whole.
    fn pass(&mut self, known: &Known, decided: usize, out: &mut Vec<u8>) {
        let mut at = self.covered;
        for (secret, shown) in known.secrets_in(&self.held, decided) {
            // What overlaps a secret whose place is taken is taken out with it.
            if secret.start >= at {
                out.extend_from_slice(self.held.get(at..secret.start).unwrap_or_default());
                out.extend_from_slice(shown.as_bytes());
                self.redactions += 1;
            }
            at = at.max(secret.end);
        }
        if at < decided {
            out.extend_from_slice(self.held.get(at..decided).unwrap_or_default());
        }
        self.covered = at.saturating_sub(decided);
        self.held.drain(..decided);
    }
}

impl Known {
    /// The secrets that begin before `decided`, in order, overlapping ones as one.
    fn secrets_in(&self, text: &[u8], decided: usize) -> Vec<(Range<usize>, &str)> {
        let found = self.search.find_overlapping_iter(text).filter(|found| found.start() < decided);
        let mut found: Vec<_> = found.map(|found| (found.range(), found.pattern())).collect();
        found.sort_by_key(|(range, _)| (range.start, usize::MAX - range.end));
        let mut secrets: Vec<(Range<usize>, &str)> = Vec::new();
        for (range, pattern) in found {
            match secrets.last_mut() {
                Some((last, _)) if range.start < last.end => last.end = last.end.max(range.end),
                _ => secrets.push((range, self.shown.get(pattern.as_usize()).map_or("[secret]", String::as_str))),
            }
        }
        secrets
    }

    /// Where the first thing begins that may yet become a secret; the length where there is none.
    fn undecided_from(&self, text: &[u8]) -> usize {
        let earliest = text.len().saturating_sub(self.longest.saturating_sub(1));
        let tail = text.get(earliest..).unwrap_or_default();
        let begins = |byte: &u8| self.begins.get(usize::from(*byte)).copied().unwrap_or_default();
        let mut starts = tail.iter().enumerate().filter(|(_, byte)| begins(byte)).map(|(at, _)| at);
        starts.find(|at| self.may_begin(tail.get(*at..).unwrap_or_default())).map_or(text.len(), |at| earliest + at)
    }

    /// Whether a form is longer than this and begins with it.
    fn may_begin(&self, beginning: &[u8]) -> bool {
        let after = self.forms.partition_point(|form| form.as_slice() <= beginning);
        self.forms.get(after).is_some_and(|form| form.starts_with(beginning))
    }
}

#[cfg(test)]
mod tests;

//! A failure as people are told it: what went wrong, and the next step.

use suitesync_contract::Failure;

use super::look::{Look, Paint};
use super::wording::{escaped, escaped_lines};

/// Two lines, or more where the message has more.
pub(super) fn told(failure: &Failure, look: &Look) -> String {
    let class = Paint::Bad.on(failure.class.code());
    format!("{class}: {}\n{}", escaped_lines(&failure.message), next_step(&failure.hint, look))
}

/// The line that says what to do.
pub(super) fn next_step(hint: &str, look: &Look) -> String {
    format!("  {} {}\n", look.marks.arrow(), escaped(hint))
}

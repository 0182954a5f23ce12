//! What a delegate writes to its standard error goes to our log, line by line.
//!
//! A line may begin with its weight as sd-daemon(3) has it: `<4>` and less is a warning, everything else is for those
//! who look closely.

use suitesync_contract::DelegateName;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Longer lines are cut: they are there to be read by people.
const MAX_LINE: usize = 4096;
const PIECE: usize = 8 * 1024;

/// The least weight, of syslog's, that is worth a warning.
const WARNING: u8 = b'4';

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    Warning,
    Detail,
}

/// Passes lines on until the stream ends.
pub(super) async fn pass_on(mut errors: impl AsyncRead + Unpin, delegate: DelegateName) {
    let (mut piece, mut line) = (vec![0; PIECE], Vec::new());
    loop {
        let count = errors.read(&mut piece).await.unwrap_or_default();
        if count == 0 {
            break;
        }
        for byte in piece.get(..count).unwrap_or_default() {
            match byte {
                b'\n' => log(&std::mem::take(&mut line), &delegate),
                byte if line.len() < MAX_LINE => line.push(*byte),
                _ => {}
            }
        }
    }
    log(&line, &delegate);
}

fn log(line: &[u8], delegate: &DelegateName) {
    let (weight, line) = weigh(line);
    if line.is_empty() {
        return;
    }
    let line = String::from_utf8_lossy(line);
    match weight {
        Weight::Warning => tracing::warn!(%delegate, "{line}"),
        Weight::Detail => tracing::debug!(%delegate, "{line}"),
    }
}

fn weigh(line: &[u8]) -> (Weight, &[u8]) {
    match line {
        [b'<', weight @ b'0'..=b'7', b'>', text @ ..] if *weight <= WARNING => (Weight::Warning, text.trim_ascii_end()),
        [b'<', b'0'..=b'7', b'>', text @ ..] => (Weight::Detail, text.trim_ascii_end()),
        text => (Weight::Detail, text.trim_ascii_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_it_matters() {
        let check = |line: &str, weight, text: &str| assert_eq!(weigh(line.as_bytes()), (weight, text.as_bytes()));
        check("<3>out of memory\r", Weight::Warning, "out of memory");
        check("<4>slow", Weight::Warning, "slow");
        check("<6>ready", Weight::Detail, "ready");
        check("<9>ready", Weight::Detail, "<9>ready");
        check("ready", Weight::Detail, "ready");
        check("", Weight::Detail, "");
    }
}

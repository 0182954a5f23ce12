//! Sizes as people write them: `20GiB`.

use super::report::Finding;
use super::section::Section;

/// Bytes in each unit.
const UNITS: [(&str, u64); 6] =
    [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("GB", 1_000_000_000), ("MB", 1_000_000)];

/// What a size looks like.
const HELP: &str = "a whole number with KiB, MiB, GiB, TiB, MB or GB, such as \"20GiB\"";

/// Less has no room for the catalog and one mirror, or for the files of a run, and is taken for a slip.
const LEAST: u64 = 64 << 20;

/// The room on a disk that a key says, in bytes.
pub(super) fn read(section: &Section<'_>, key: &str) -> Option<u64> {
    let text = section.text(key)?;
    let bytes = parse(text.value);
    if bytes.is_none_or(|bytes| bytes < LEAST) {
        let what = if bytes.is_some() { "is less than the least, 64MiB" } else { "is no size" };
        section.report.add(Finding::error(text.place, format!("`{key}` {what}")).help(HELP));
        return None;
    }
    bytes
}

/// The bytes that a text means.
fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let (unit, bytes) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
    let digits = text.strip_suffix(unit)?.trim_end();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse::<u64>().ok())??.checked_mul(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        let check = |text: &str, expect: Option<u64>| assert_eq!(parse(text), expect, "{text:?}");
        check("20GiB", Some(20 << 30));
        check(" 512 MiB ", Some(512 << 20));
        check("1TiB", Some(1 << 40));
        check("5GB", Some(5_000_000_000));
        for text in ["", "20", "GiB", "-1GiB", "+1GiB", "1.5GiB", "20gib", "20 G", "99999999999TiB", "1GiB1MiB"] {
            check(text, None);
        }
    }
}

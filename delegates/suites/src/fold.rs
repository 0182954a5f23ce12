//! Letter case set aside, for telling "missing" from "written in another case". Never used for identity.
//!
//! This is Unicode's full case folding (CaseFolding.txt, statuses C and F) built from the standard library's tables:
//! lower, upper, lower again folds every character, but for the two groups named below.

use std::iter::once;

/// The text with letter case set aside: `Straße` and `STRASSE` come out alike, `ı` and `i` do not.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ascii if ascii.is_ascii() => folded.push(ascii.to_ascii_lowercase()),
            // Dotless i is a letter of its own, though its capital is a plain I.
            'ı' => folded.extend(once(character)),
            // Cherokee folds to its capitals, which are the older letters.
            '\u{13A0}'..='\u{13FD}' | '\u{AB70}'..='\u{ABBF}' => folded.extend(character.to_uppercase()),
            other => folded.extend(other.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase)),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(one: &str, other: &str, alike: bool) {
        assert_eq!(fold(one) == fold(other), alike, "{one} {other}");
    }

    #[test]
    fn texts_that_differ_by_letter_case_fold_alike() {
        check("Test Cases/Login", "test cases/LOGIN", true);
        check("Straße", "STRASSE", true);
        check("STRAẞE", "strasse", true);
        check("ΌΔΟΣ", "όδος", true);
        check("İlk", "i\u{307}lk", true);
        check("\u{AB70}", "\u{13A0}", true);
    }

    #[test]
    fn other_texts_do_not() {
        check("ısı", "isi", false);
        check("İlk", "ilk", false);
        check("a b", "a  b", false);
    }
}

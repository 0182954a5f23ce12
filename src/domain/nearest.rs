//! Finds the known word that was probably meant.

use strsim::damerau_levenshtein;

/// One slip for every so many characters of a word.
const CHARACTERS_A_SLIP: usize = 3;

/// The candidate that differs least from `word`, if it differs little enough to have been meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = word.to_lowercase();
    let length = wanted.chars().count();
    let allowed = (length / CHARACTERS_A_SLIP).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= allowed)
        .map(|candidate| (damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(slips, _)| *slips <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// "did you mean `x`?" if a candidate is near, else the candidates themselves.
pub fn suggestion<'a>(word: &str, what: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    /// More than these are a wall, not a help.
    const LISTED: usize = 30;
    if let Some(near) = nearest(word, candidates.clone()) {
        return format!("did you mean `{near}`?");
    }
    let mut names: Vec<_> = candidates.into_iter().take(LISTED + 1).map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        return format!("there are no {what}");
    }
    if names.len() > LISTED {
        names.truncate(LISTED);
        names.push("…".to_owned());
    }
    format!("{what}: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_that_was_probably_meant_is_found() {
        let words = ["connection", "commit", "url", "tag"];
        assert_eq!(nearest("conection", words), Some("connection"));
        assert_eq!(nearest("URL", words), Some("url"));
        assert_eq!(nearest("tga", words), Some("tag"));
        assert_eq!(nearest("branch", words), None);
    }

    #[test]
    fn all_words_are_listed_where_none_is_near() {
        assert_eq!(suggestion("zzz", "keys", ["a", "b"]), "keys: `a`, `b`");
        assert_eq!(suggestion("zzz", "connections", []), "there are no connections");
    }
}

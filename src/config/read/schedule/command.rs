//! What a schedule executes: a program and its arguments, with placeholders.
//!
//! A placeholder is one of four exact forms, wherever in a word it stands. Another word in braces is refused, because a
//! command that gets `{sute}` literally fails at night; braces around anything else, such as JSON, stay as they are.

use crate::config::report::Finding;
use crate::config::section::Section;
use crate::domain::nearest::suggestion;

/// What a delegate fills in.
const PLACEHOLDERS: [&str; 4] = ["{root}", "{suite}", "{commit}", "{link}"];

pub(super) fn read(section: &Section<'_>) -> Option<Vec<String>> {
    let list = section.require("command")?;
    let words = section.texts("command")?;
    let program = words.first();
    if program.is_none_or(|program| program.value.trim().is_empty()) {
        let place = program.map_or(list.place, |program| program.place);
        let finding = Finding::error(place, "`command` has no program");
        section.report.add(finding.help("write [\"PROGRAM\", \"ARGUMENT\"]: it is started without a shell"));
    }
    for word in &words {
        if word.value.contains('\0') {
            let finding = Finding::error(word.place, "a word of `command` holds a NUL character");
            section.report.add(finding.help("remove it: no program can be given one"));
        }
        for unknown in braced_words(word.value).filter(|braced| !PLACEHOLDERS.contains(braced)) {
            let finding = Finding::error(word.place, format!("there is no placeholder `{unknown}`"));
            section.report.add(finding.help(suggestion(unknown, "placeholders", PLACEHOLDERS)));
        }
    }
    Some(words.into_iter().map(|word| word.value.to_owned()).collect())
}

/// Every `{word}` of a text, with its braces.
fn braced_words(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let is_word = move |inner: &str| inner.starts_with(char::is_alphabetic) && inner.chars().all(is_part);
    text.match_indices('{').filter_map(move |(start, _)| {
        let braced = text.get(start..)?.split_inclusive('}').next()?;
        let inner = braced.strip_prefix('{')?.strip_suffix('}')?;
        is_word(inner).then_some(braced)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_in_braces_are_taken_for_placeholders() {
        let check = |text: &str, expect: &[&str]| assert_eq!(braced_words(text).collect::<Vec<_>>(), expect, "{text}");
        check("-projectPath={root}", &["{root}"]);
        check("{root}/{suite}", &["{root}", "{suite}"]);
        check("{{root}}", &["{root}"]);
        check("{\"a\": 1} {} { root } {1} ${VAR:-x} {a,b} {root", &[]);
        check("{\"a\": {sute-2}}", &["{sute-2}"]);
    }
}

//! The XML declaration, read as strictly as expat reads it; the parser itself is lenient about it.

/// Opens a declaration; white space or the end follows.
const OPENING: &str = "<?xml";

/// The declaration is there and is none that XML allows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadDeclaration;

/// The encoding that the declaration at the start of a text names, where there is a declaration and it names one.
pub(super) fn encoding(text: &str) -> Result<Option<&str>, BadDeclaration> {
    let Some(rest) = text.strip_prefix(OPENING).filter(|rest| rest.starts_with("?>") || rest.starts_with(is_space))
    else {
        return Ok(None);
    };
    let (inside, _) = rest.split_once("?>").ok_or(BadDeclaration)?;
    match attributes(inside)?.as_slice() {
        [("version", _)] => Ok(None),
        [("version", _), ("standalone", answer)] if is_answer(answer) => Ok(None),
        [("version", _), ("encoding", label)] if is_label(label) => Ok(Some(label)),
        [("version", _), ("encoding", label), ("standalone", answer)] if is_label(label) && is_answer(answer) => {
            Ok(Some(label))
        }
        _ => Err(BadDeclaration),
    }
}

/// Names and values, each pair with white space before it.
fn attributes(inside: &str) -> Result<Vec<(&str, &str)>, BadDeclaration> {
    let mut found = Vec::new();
    let mut rest = inside;
    loop {
        let pair = rest.trim_start_matches(is_space);
        if pair.is_empty() {
            return Ok(found);
        }
        if pair.len() == rest.len() {
            return Err(BadDeclaration);
        }
        let (name, after) = pair.split_once('=').ok_or(BadDeclaration)?;
        let after = after.trim_start_matches(is_space);
        let quote = after.chars().next().filter(|character| matches!(character, '"' | '\'')).ok_or(BadDeclaration)?;
        let (value, after) = after.get(1..).and_then(|value| value.split_once(quote)).ok_or(BadDeclaration)?;
        if !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')) {
            return Err(BadDeclaration);
        }
        found.push((name.trim_end_matches(is_space), value));
        rest = after;
    }
}

fn is_label(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
}

fn is_answer(text: &str) -> bool {
    matches!(text, "yes" | "no")
}

/// White space as XML knows it.
pub(super) fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<Option<&str>, BadDeclaration>) {
        assert_eq!(encoding(text), expect, "{text:?}");
    }

    #[test]
    fn the_encoding_is_read_where_one_is_named() {
        check("<a/>", Ok(None));
        check("<?xmlish a?><a/>", Ok(None));
        check("<?xml version=\"1.0\"?><a/>", Ok(None));
        check("<?xml version='1.0' standalone='yes'?>", Ok(None));
        check("<?xml\nversion = \"1.0\"\tencoding = 'UTF-8' standalone=\"no\" ?>", Ok(Some("UTF-8")));
    }

    #[test]
    fn declarations_that_xml_does_not_allow_are_refused() {
        for inside in [
            "",
            " encoding='UTF-8'",
            " version='1:0'",
            " version='1.0' encoding=''",
            " version='1.0'encoding='UTF-8'",
            " version='1.0' standalone='maybe'",
            " version='1.0' encoding='UTF-8' encoding='UTF-8'",
            " version=1.0",
        ] {
            check(&format!("<?xml{inside}?><a/>"), Err(BadDeclaration));
        }
        check("<?xml version='1.0'", Err(BadDeclaration));
    }
}

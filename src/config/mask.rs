//! Finds what of a file may not be shown: values of credential keys, what stands before the host of a URL, and what its
//! query and fragment hold.
//!
//! Names of sources stay readable where they cannot be a value pasted into the wrong place: environment variables in
//! capitals, and absolute paths. So do fingerprints of host keys, which are public. What the parser could not make sense
//! of is masked by the line.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::domain::nearest::nearest;

/// Parts of a key that make its value a credential.
const CREDENTIAL_PARTS: [&str; 9] =
    ["pass", "secret", "token", "credential", "bearer", "private", "api_key", "client_key", "nkey"];

/// Keys that a slip of the finger may have been meant as.
const CREDENTIAL_KEYS: [&str; 6] = ["password", "passphrase", "token", "bearer", "secret", "pat"];

/// Keys of a web URL's query that say which view of a repository is meant.
const VIEW_KEYS: [&str; 2] = ["path", "version"];

/// Byte ranges of `text` that may not be shown, sorted and apart.
pub(super) fn masked(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (document, faults) = DeTable::parse_recoverable(text);
    mask_table(text, document.get_ref(), false, &mut ranges);
    if !faults.is_empty() {
        mask_lines(text, &mut ranges);
    }
    mask_url_users(text, &mut ranges);
    for (start, word) in words(text) {
        mask_bare_user(start, word, &mut ranges);
        mask_view(start, word, &mut ranges);
    }
    merged(ranges)
}

fn mask_table(text: &str, table: &DeTable<'_>, within_credentials: bool, ranges: &mut Vec<Range<usize>>) {
    for (key, value) in table {
        let key = key.get_ref().as_ref();
        let scope = Scope { key, credential: within_credentials || is_credential(key) };
        mask_value(text, scope, value, ranges);
    }
}

/// What is known of a value before it is looked at.
#[derive(Clone, Copy)]
struct Scope<'k> {
    key: &'k str,
    credential: bool,
}

fn mask_value(text: &str, scope: Scope<'_>, value: &Spanned<DeValue<'_>>, ranges: &mut Vec<Range<usize>>) {
    if let Some(table) = value.get_ref().as_table() {
        mask_table(text, table, scope.credential, ranges);
    } else if let Some(items) = value.get_ref().as_array() {
        items.iter().for_each(|item| mask_value(text, scope, item, ranges));
    } else if scope.credential && !value.get_ref().as_str().is_some_and(|name| names_a_source(scope.key, name)) {
        ranges.push(within_quotes(text, value.span()));
    }
}

fn is_credential(key: &str) -> bool {
    let key = key.to_lowercase();
    CREDENTIAL_PARTS.iter().any(|part| key.contains(part)) || nearest(&key, CREDENTIAL_KEYS).is_some()
}

fn names_a_source(key: &str, name: &str) -> bool {
    match key {
        "username" | "hosts" => true,
        "env" => is_variable(name),
        "file" | "known_hosts" | "client_key" | "command" => name.starts_with('/') && !name.contains('\n'),
        "host_keys" => name.starts_with("SHA256:") || name.starts_with("MD5:"),
        _ => false,
    }
}

/// Whether a text looks like the name of an environment variable, and not like a token.
pub(super) fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn within_quotes(text: &str, span: Range<usize>) -> Range<usize> {
    let Some(written) = text.get(span.clone()) else { return span };
    let inner = written.trim_start_matches(['"', '\'']);
    let start = span.end - inner.len();
    start..start + inner.trim_end_matches(['"', '\'']).len()
}

/// For a file with faults: all that follows a credential key on its line, the next line if the value may stand there,
/// and every line within an open text.
fn mask_lines(text: &str, ranges: &mut Vec<Range<usize>>) {
    let mut start = 0;
    let (mut within_text, mut value_follows) = (false, false);
    for line in text.split_inclusive('\n') {
        let range = start..start + line.trim_end_matches(['\n', '\r']).len();
        start += line.len();
        let toggles = line.matches("\"\"\"").count() + line.matches("'''").count();
        let value = after_credential_key(line);
        if within_text || value_follows {
            ranges.push(range.clone());
        } else if let Some(value) = value {
            ranges.push(range.start + value..range.end);
        }
        within_text ^= toggles % 2 == 1;
        value_follows = (value.is_some() || value_follows) && line.trim_end().ends_with(['=', '{', '[', ',']);
    }
}

/// Where the first word on a line that is a credential key ends. The equals sign may be what lacks.
fn after_credential_key(line: &str) -> Option<usize> {
    let is_apart = |c: char| !(c.is_alphanumeric() || c == '_' || c == '-');
    let mut offset = 0;
    line.split_inclusive(is_apart).find_map(|word| {
        offset += word.len();
        let word = word.trim_end_matches(is_apart);
        is_credential(word).then_some(offset)
    })
}

fn mask_url_users(text: &str, ranges: &mut Vec<Range<usize>>) {
    for (offset, mark) in text.match_indices("://") {
        let start = offset + mark.len();
        let rest = text.get(start..).unwrap_or_default();
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '?' | '#')).unwrap_or(rest.len());
        if let Some(user) = rest.get(..end).and_then(|authority| authority.rfind('@')) {
            ranges.push(start..start + user);
        }
    }
}

/// What stands between spaces and quotes, and where each begins.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_apart = |c: char| c.is_whitespace() || matches!(c, '"' | '\'');
    let mut start = 0;
    text.split_inclusive(is_apart).map(move |word| {
        let at = start;
        start += word.len();
        (at, word.trim_end_matches(is_apart))
    })
}

/// The same of an address without a scheme: `USER:PASSWORD@HOST`.
fn mask_bare_user(start: usize, word: &str, ranges: &mut Vec<Range<usize>>) {
    if let Some(user) = word.rfind('@')
        && !word.contains("://")
        && word.get(..user).is_some_and(|user| user.contains(':'))
    {
        ranges.push(start..start + user);
    }
}

/// The values in a query and in a fragment: some servers take a token there. What is no URL may have a mark, too, but
/// with no key behind it.
fn mask_view(start: usize, word: &str, ranges: &mut Vec<Range<usize>>) {
    let Some(mark) = word.find(['?', '#']) else { return };
    let view = word.get(mark + 1..).unwrap_or_default();
    if !(word.contains("://") || view.contains('=')) {
        return;
    }
    let mut start = start + mark + 1;
    for pair in view.split_inclusive(['&', ';', '?', '#']) {
        let end = start + pair.trim_end_matches(['&', ';', '?', '#']).len();
        match pair.split_once('=') {
            Some((key, _)) if VIEW_KEYS.contains(&key) => {}
            Some((key, _)) => ranges.push(start + key.len() + 1..end),
            None => ranges.push(start..end),
        }
        start += pair.len();
    }
}

fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let ranges = masked(text);
        let shown: String = text
            .char_indices()
            .map(|(offset, c)| if c != '\n' && ranges.iter().any(|range| range.contains(&offset)) { '*' } else { c })
            .collect();
        assert_eq!(shown, expect);
    }

    #[test]
    fn values_of_credential_keys_are_masked() {
        check("password = \"hunter2\"", "password = \"*******\"");
        check("pasword = 'hunter2'", "pasword = '*******'");
        check("token = 12345", "token = *****");
        check("[connection.credentials]\nanything = \"x\"", "[connection.credentials]\nanything = \"*\"");
        check("bearer = { secret = \"abc\" }", "bearer = { secret = \"***\" }");
        check("[secrets.a]\nenv = \"ghp_abc\"", "[secrets.a]\nenv = \"*******\"");
        check("token = [\"abc\"]", "token = [\"***\"]");
    }

    #[test]
    fn names_of_sources_and_other_values_stay_readable() {
        for text in
            ["password = { env = \"CI_TOKEN\" }", "[secrets.a]\nfile = \"/run/a\"", "suites = [\"/Smoke?\"] # all"]
        {
            check(text, text);
        }
        check("[x.credentials]\nusername = \"me\"", "[x.credentials]\nusername = \"me\"");
        for text in [
            "[secrets.a]\ncommand = [\"/usr/bin/vault\"]",
            "[x.credentials]\nknown_hosts = \"/etc/known_hosts\"",
            "client_key = \"/k\"",
        ] {
            check(text, text);
        }
        check("[x.credentials]\nhost_keys = [\"SHA256:ab\"]", "[x.credentials]\nhost_keys = [\"SHA256:ab\"]");
        check("[secrets.a]\ncommand = [\"/v\", \"-p=abc\"]", "[secrets.a]\ncommand = [\"/v\", \"******\"]");
    }

    #[test]
    fn what_stands_before_the_host_of_a_url_is_masked() {
        check("url = \"https://me:pa/ss@h/r\"", "url = \"https://********@h/r\"");
        check("# https://token@h/r", "# https://*****@h/r");
        check("proxy = \"svc:pass@proxy:3128\"", "proxy = \"********@proxy:3128\"");
        check("proxy = \"http://svc:pass@proxy:3128\" # me@h", "proxy = \"http://********@proxy:3128\" # me@h");
    }

    #[test]
    fn values_in_a_query_or_a_fragment_are_masked_unless_they_name_a_view() {
        check("url = \"https://h/x.git?private_token=abc\"", "url = \"https://h/x.git?private_token=***\"");
        check("url = \"https://h/a?b=c@d&e=f#g\" # h", "url = \"https://h/a?b=***&e=*#*\" # h");
        check("proxy = 'http://p:3128/?abc'", "proxy = 'http://p:3128/?***'");
        check("url = \"git@h:x.git?token=abc\"", "url = \"git@h:x.git?token=***\"");
        check("url = \"https://h/x#access_token=abc\"", "url = \"https://h/x#access_token=***\"");
        check("url = \"?path=/a&version=GBb&sig=abc\"", "url = \"?path=/a&version=GBb&sig=***\"");
    }

    #[test]
    fn a_file_with_faults_is_masked_by_the_line() {
        check("password = \"hunter2", "password **********");
        check("password \"hunter2\"\nb = 1", "password *********\nb = 1");
        check("password =\n\"hunter2\"\nb 1", "password *\n*********\nb 1");
        check("a = { password = hunter2 }\nb = 1", "a = { password ***********\nb = 1");
        check("password = \"\"\"\nhunter2\n", "password *****\n*******\n");
    }
}

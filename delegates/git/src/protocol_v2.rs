//! Protocol v2 (gitprotocol-v2): what is asked with `ls-refs` and `fetch`, and how answers are read. No I/O here.

use bytes::Bytes;

use crate::advertisement::{Unusable, check_object_format};
use crate::agent_name::AGENT;
use crate::fetching::{Ability, FetchRequest, Rung};
use crate::pkt_line::Encoder;
use crate::refs::{InvalidRef, Ref, parse_id};

/// Longer names exist on no file system that holds refs, and would not fit a packet.
const MAX_REF_NAME: usize = 4096;

/// What a server is able to do, as far as we use it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    agent: bool,
    ls_refs: bool,
    unborn: bool,
    fetch: bool,
    shallow: bool,
    filter: bool,
    /// As announced; SHA-1 where nothing is.
    object_format: Option<Vec<u8>>,
}

impl Capabilities {
    /// Takes in one line of the advertisement; what is unknown is passed over, as the protocol asks.
    pub(crate) fn note(&mut self, line: &[u8]) {
        let mut parts = line.splitn(2, |byte| *byte == b'=');
        let key = parts.next().unwrap_or_default();
        let value = parts.next().unwrap_or_default();
        let has = |feature: &[u8]| value.split(|byte| *byte == b' ').any(|word| word == feature);
        match key {
            b"agent" => self.agent = true,
            b"ls-refs" => (self.ls_refs, self.unborn) = (true, has(b"unborn")),
            b"fetch" => (self.fetch, self.shallow, self.filter) = (true, has(b"shallow"), has(b"filter")),
            b"object-format" => self.object_format = Some(value.to_vec()),
            _ => {}
        }
    }

    pub(crate) fn check(&self) -> Result<(), Unusable> {
        if !(self.ls_refs && self.fetch) {
            return Err(Unusable::MissingCommands);
        }
        check_object_format(self.object_format.as_deref())
    }

    /// The best way to ask for commits. Any object may be wanted in this version.
    pub(crate) fn rung(&self) -> Rung {
        Rung::of(Ability::from(self.shallow), Ability::from(self.filter))
    }

    fn command(&self, name: &str) -> Encoder {
        let mut request = Encoder::default();
        request.line(&format!("command={name}"));
        if self.agent {
            request.line(AGENT);
        }
        if self.object_format.is_some() {
            request.line("object-format=sha1");
        }
        request.delimiter();
        request
    }
}

/// Asks for the refs that begin with any of `prefixes`.
pub(crate) fn ls_refs(capabilities: &Capabilities, prefixes: &[String]) -> Bytes {
    let mut request = capabilities.command("ls-refs");
    request.line("peel").line("symrefs");
    if capabilities.unborn {
        request.line("unborn");
    }
    for prefix in prefixes.iter().filter(|prefix| prefix.len() <= MAX_REF_NAME) {
        request.line(&format!("ref-prefix {prefix}"));
    }
    request.flush().finish()
}

/// Asks for objects. With `thin-pack` the server leaves out what the tips hold already; without it, it ignores them for
/// a commit whose parents are not sent.
pub(crate) fn fetch(capabilities: &Capabilities, asked: &FetchRequest) -> Bytes {
    let mut request = capabilities.command("fetch");
    request.line("thin-pack").line("no-progress").line("ofs-delta");
    for want in &asked.wants {
        request.line(&format!("want {want}"));
    }
    asked.write_bounds(&mut request);
    for tip in &asked.tips {
        request.line(&format!("have {tip}"));
    }
    request.line("done").flush().finish()
}

/// One line of the answer to `ls-refs`: `<id> <name>[ symref-target:<ref>][ peeled:<id>]`, or `unborn` as id.
pub(crate) fn parse_ref(line: &[u8]) -> Result<Ref, InvalidRef> {
    let mut words = line.trim_ascii_end().split(|byte| *byte == b' ');
    let id = words.next().ok_or(InvalidRef)?;
    let id = if id == b"unborn" { None } else { Some(parse_id(id).ok_or(InvalidRef)?) };
    let name = words.next().filter(|name| !name.is_empty()).ok_or(InvalidRef)?.to_vec();
    let mut parsed = Ref { name, id, peeled: None, target: None };
    for word in words {
        if let Some(target) = word.strip_prefix(b"symref-target:") {
            parsed.target = Some(target.to_vec());
        } else if let Some(peeled) = word.strip_prefix(b"peeled:") {
            parsed.peeled = Some(parse_id(peeled).ok_or(InvalidRef)?);
        }
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use suitesync_contract::ObjectId;

    use super::*;
    use crate::fetching::Scope;

    const ID: &str = "67cae2b029dff7eb3dc062b49403aaedca5bad8d";
    const OTHER: &str = "1111111111111111111111111111111111111111";

    fn capabilities(lines: &[&str]) -> Capabilities {
        let mut capabilities = Capabilities::default();
        lines.iter().for_each(|line| capabilities.note(line.as_bytes()));
        capabilities
    }

    #[test]
    fn the_capabilities_of_git_are_understood() {
        let git = ["agent=git/2.47.3", "ls-refs=unborn", "fetch=shallow wait-for-done filter", "object-format=sha1"];
        let git = capabilities(&git);
        assert_eq!(git.check(), Ok(()));
        assert!(git.unborn && git.shallow && git.agent);
    }

    #[test]
    fn what_cannot_be_worked_with_is_refused() {
        assert_eq!(capabilities(&["ls-refs", "fetch"]).check(), Ok(()));
        assert_eq!(capabilities(&["ls-refs"]).check(), Err(Unusable::MissingCommands));
        let sha256 = capabilities(&["ls-refs", "fetch", "object-format=sha256"]);
        assert_eq!(sha256.check(), Err(Unusable::ForeignObjectFormat));
    }

    #[test]
    fn refs_are_read_with_their_attributes() {
        let tag = parse_ref(format!("{OTHER} refs/tags/v1 peeled:{ID}\n").as_bytes()).unwrap();
        assert_eq!(tag.commit(), Some(ID.parse().unwrap()));
        let head = parse_ref(format!("{ID} HEAD symref-target:refs/heads/main").as_bytes()).unwrap();
        assert_eq!(head.target.as_deref(), Some(&b"refs/heads/main"[..]));
        let unborn = parse_ref(b"unborn HEAD symref-target:refs/heads/main\n").unwrap();
        assert_eq!(unborn.commit(), None);
    }

    #[test]
    fn lines_that_are_no_refs_are_refused() {
        for line in ["", ID, "HEAD", "zzz HEAD", &format!("{ID} "), &format!("{ID} refs/tags/v1 peeled:x")] {
            assert_eq!(parse_ref(line.as_bytes()), Err(InvalidRef), "{line:?}");
        }
    }

    fn asked(scope: Scope) -> String {
        let id = |text: &str| text.parse::<ObjectId>().unwrap();
        let asked = FetchRequest { wants: vec![id(ID)], tips: vec![id(OTHER)], scope };
        let request = fetch(&capabilities(&["ls-refs", "fetch=shallow filter"]), &asked);
        String::from_utf8(request.to_vec()).unwrap()
    }

    #[test]
    fn a_fetch_names_what_is_here_as_shallow_and_as_had() {
        let request = asked(Scope::Commits(Rung::Depth1));
        for part in [&format!("want {ID}"), &format!("shallow {OTHER}"), "deepen 1", &format!("have {OTHER}"), "done"] {
            assert!(request.contains(part), "{request}");
        }
        assert!(!request.contains("filter"), "{request}");
    }

    #[test]
    fn commits_without_blobs_are_filtered_and_blobs_themselves_are_not() {
        assert!(asked(Scope::Commits(Rung::Blobless)).contains("filter blob:none"));
        for part in ["filter", "deepen", "shallow"] {
            assert!(!asked(Scope::Blobs).contains(part), "{part}");
        }
    }

    #[test]
    fn what_the_server_is_able_to_do_decides_how_commits_are_asked_for() {
        let check = |features: &str, expect| assert_eq!(capabilities(&["ls-refs", features]).rung(), expect);
        check("fetch=shallow wait-for-done filter", Rung::Blobless);
        check("fetch=shallow", Rung::Depth1);
        check("fetch", Rung::History);
    }
}

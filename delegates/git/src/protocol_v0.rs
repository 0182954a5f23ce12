//! Protocol v0 and v1 (gitprotocol-pack): the advertisement, which names every ref, and a fetch in one stateless
//! request. No I/O here.
//!
//! Only what a server has advertised is asked of it; Azure answers anything else, and a client without `multi_ack`,
//! with an error.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::advertisement::{Unusable, check_object_format};
use crate::agent_name::AGENT;
use crate::fetching::{Ability, FetchRequest, Rung};
use crate::pkt_line::Encoder;
use crate::refs::{InvalidRef, Ref, parse_id};

/// Capabilities that matter to us, as they are advertised.
const KNOWN: [&str; 11] = [
    DETAILED_ACK,
    SEVERAL_ACKS,
    WIDE_BANDS,
    BANDS,
    "ofs-delta",
    "thin-pack",
    "no-progress",
    "shallow",
    "filter",
    "allow-reachable-sha1-in-want",
    "allow-any-sha1-in-want",
];
const DETAILED_ACK: &str = "multi_ack_detailed";
const SEVERAL_ACKS: &str = "multi_ack";
const WIDE_BANDS: &str = "side-band-64k";
const BANDS: &str = "side-band";
/// Stands for a ref where there is none, so that capabilities can be told.
const NO_REF: &[u8] = b"capabilities^{}";
/// What an annotated tag points to is advertised under its name with this.
const PEELED: &[u8] = b"^{}";

/// What a server is able to do, as far as we use it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    offered: BTreeSet<&'static str>,
    agent: bool,
    object_format: Option<Vec<u8>>,
}

/// How a pack is put into the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// In packets whose first byte is the band.
    Bands,
    /// As it is, after the last packet.
    Raw,
}

impl Capabilities {
    fn parse(text: &[u8]) -> Self {
        let mut capabilities = Self::default();
        for word in text.trim_ascii().split(|byte| *byte == b' ') {
            capabilities.offered.extend(KNOWN.iter().find(|known| known.as_bytes() == word));
            capabilities.agent |= word.starts_with(b"agent=");
            if let Some(format) = word.strip_prefix(b"object-format=") {
                capabilities.object_format = Some(format.to_vec());
            }
        }
        capabilities
    }

    fn check(&self) -> Result<(), Unusable> {
        check_object_format(self.object_format.as_deref())
    }

    /// The best way to ask for commits.
    pub(crate) fn rung(&self) -> Rung {
        let single_blobs = self.offers("filter") && self.gives_any_object();
        Rung::of(Ability::from(self.offers("shallow")), Ability::from(single_blobs))
    }

    /// Whether more may be wanted than what refs point to. `allow-tip-sha1-in-want` does not count: it is about the
    /// tips of hidden refs.
    pub(crate) fn gives_any_object(&self) -> bool {
        self.offers("allow-reachable-sha1-in-want") || self.offers("allow-any-sha1-in-want")
    }

    pub(crate) fn framing(&self) -> Framing {
        if self.offers(WIDE_BANDS) || self.offers(BANDS) { Framing::Bands } else { Framing::Raw }
    }

    fn offers(&self, capability: &str) -> bool {
        self.offered.contains(capability)
    }

    /// What is said along with the first `want`.
    fn asked_for(&self, asked: &FetchRequest) -> String {
        let acks = if self.offers(DETAILED_ACK) { DETAILED_ACK } else { SEVERAL_ACKS };
        let bands = if self.offers(WIDE_BANDS) { WIDE_BANDS } else { BANDS };
        let mut words = vec![acks, bands, "ofs-delta", "thin-pack", "no-progress"];
        words.extend(asked.scope.filter().map(|_| "filter"));
        words.retain(|word| self.offers(word));
        words.extend(self.agent.then_some(AGENT));
        words.extend(self.object_format.is_some().then_some("object-format=sha1"));
        words.iter().map(|word| format!(" {word}")).collect()
    }
}

/// An advertisement in the course of being read.
#[derive(Debug)]
pub(crate) struct Advertisement<'a> {
    prefixes: &'a [String],
    capabilities: Option<Capabilities>,
    /// What `HEAD` points to.
    head: Option<Vec<u8>>,
    refs: Vec<Ref>,
}

impl<'a> Advertisement<'a> {
    /// Only refs that begin with any of `prefixes` are kept.
    pub(crate) fn new(prefixes: &'a [String]) -> Self {
        Self { prefixes, capabilities: None, head: None, refs: Vec::new() }
    }

    /// Takes in one line: `<id> <name>`, the first one with a zero byte and the capabilities after it.
    pub(crate) fn take(&mut self, line: &[u8]) -> Result<(), Unusable> {
        let line = line.trim_ascii_end();
        let listed = if self.capabilities.is_some() { line } else { self.take_capabilities(line)? };
        if listed.starts_with(b"shallow ") {
            return Ok(());
        }
        let mut words = listed.splitn(2, |byte| *byte == b' ');
        let id = words.next().and_then(parse_id).ok_or(InvalidRef)?;
        let name = words.next().filter(|name| !name.is_empty()).ok_or(InvalidRef)?;
        if let Some(tag) = name.strip_suffix(PEELED).filter(|_| name != NO_REF) {
            if let Some(last) = self.refs.last_mut().filter(|last| last.name == tag) {
                last.peeled = Some(id);
            }
        } else if name != NO_REF && self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_bytes())) {
            self.refs.push(Ref { name: name.to_vec(), id: Some(id), peeled: None, target: None });
        }
        Ok(())
    }

    /// What was advertised.
    pub(crate) fn finish(mut self) -> (Capabilities, Vec<Ref>) {
        if let Some(head) = self.refs.iter_mut().find(|found| found.name == b"HEAD") {
            head.target = self.head;
        }
        (self.capabilities.unwrap_or_default(), self.refs)
    }

    /// The line without its capabilities.
    fn take_capabilities<'b>(&mut self, line: &'b [u8]) -> Result<&'b [u8], Unusable> {
        let mut parts = line.splitn(2, |byte| *byte == 0);
        let listed = parts.next().unwrap_or_default();
        let text = parts.next().unwrap_or_default();
        let mut words = text.split(|byte| *byte == b' ');
        self.head = words.find_map(|word| word.strip_prefix(b"symref=HEAD:")).map(<[u8]>::to_vec);
        let capabilities = Capabilities::parse(text);
        // Its ids are no ids here, so that it has to be told before they are read.
        capabilities.check()?;
        self.capabilities = Some(capabilities);
        Ok(listed)
    }
}

/// Asks for objects in one request: wants, what is cut off here, depth and filter, then what is here.
pub(crate) fn fetch(capabilities: &Capabilities, asked: &FetchRequest) -> Bytes {
    let mut request = Encoder::default();
    let mut said = capabilities.asked_for(asked);
    for want in &asked.wants {
        request.line(&format!("want {want}{}", std::mem::take(&mut said)));
    }
    asked.write_bounds(&mut request);
    request.flush();
    for tip in &asked.tips {
        request.line(&format!("have {tip}"));
    }
    request.line("done").finish()
}

#[cfg(test)]
mod tests {
    use suitesync_contract::ObjectId;

    use super::*;
    use crate::fetching::Scope;

    const ID: &str = "67cae2b029dff7eb3dc062b49403aaedca5bad8d";
    const OTHER: &str = "1111111111111111111111111111111111111111";

    fn advertised(lines: &[String]) -> Option<(Capabilities, Vec<Ref>)> {
        let prefixes = ["HEAD".to_owned(), "refs/".to_owned()];
        let mut advertisement = Advertisement::new(&prefixes);
        lines.iter().try_for_each(|line| advertisement.take(line.as_bytes())).ok()?;
        Some(advertisement.finish())
    }

    fn capabilities(text: &str) -> Capabilities {
        Capabilities::parse(text.as_bytes())
    }

    fn asked(capabilities: &Capabilities, scope: Scope) -> String {
        let id = |text: &str| text.parse::<ObjectId>().unwrap();
        let asked = FetchRequest { wants: vec![id(ID), id(OTHER)], tips: vec![id(OTHER)], scope };
        String::from_utf8(fetch(capabilities, &asked).to_vec()).unwrap()
    }

    #[test]
    fn refs_are_read_with_head_and_peeled_tags() {
        let lines = [
            format!("{ID} HEAD\0multi_ack symref=HEAD:refs/heads/main agent=git/2.47.3\n"),
            format!("{ID} refs/heads/main\n"),
            format!("{OTHER} refs/tags/v1\n"),
            format!("{ID} refs/tags/v1^{{}}\n"),
            format!("shallow {OTHER}\n"),
        ];
        let (_, refs) = advertised(&lines).unwrap();
        let names: Vec<_> = refs.iter().map(|found| String::from_utf8_lossy(&found.name)).collect();
        assert_eq!(names, ["HEAD", "refs/heads/main", "refs/tags/v1"]);
        assert_eq!(refs[0].target.as_deref(), Some(&b"refs/heads/main"[..]));
        assert_eq!(refs[2].commit(), Some(ID.parse().unwrap()));
    }

    #[test]
    fn an_empty_repository_advertises_nothing_but_capabilities() {
        let zero = "0".repeat(40);
        let (capabilities, refs) = advertised(&[format!("{zero} capabilities^{{}}\0shallow ofs-delta")]).unwrap();
        assert!(refs.is_empty() && capabilities.offers("shallow"));
    }

    #[test]
    fn lines_that_are_no_refs_are_refused() {
        for line in ["", ID, "HEAD", "zzz HEAD", "\0multi_ack", &format!("{ID} \0multi_ack")] {
            assert_eq!(advertised(&[line.to_owned()]), None, "{line:?}");
        }
    }

    #[test]
    fn only_refs_that_were_asked_for_are_kept() {
        let prefixes = ["refs/heads/main".to_owned()];
        let mut advertisement = Advertisement::new(&prefixes);
        for name in ["HEAD\0shallow", "refs/heads/main", "refs/heads/other", "refs/tags/v1", "refs/tags/v1^{}"] {
            advertisement.take(format!("{ID} {name}").as_bytes()).unwrap();
        }
        assert_eq!(advertisement.finish().1.len(), 1);
    }

    #[test]
    fn blobs_are_left_out_only_where_they_can_be_wanted_later() {
        let check = |text: &str, expect| assert_eq!(capabilities(text).rung(), expect, "{text}");
        check("shallow filter allow-reachable-sha1-in-want", Rung::Blobless);
        check("shallow filter allow-any-sha1-in-want", Rung::Blobless);
        check("shallow filter allow-tip-sha1-in-want", Rung::Depth1);
        check("shallow filter", Rung::Depth1);
        check("filter allow-any-sha1-in-want", Rung::History);
        check("", Rung::History);
    }

    #[test]
    fn a_fetch_asks_for_nothing_that_is_not_offered() {
        let azure = capabilities("multi_ack thin-pack side-band side-band-64k no-progress shallow filter");
        let request = asked(&azure, Scope::Commits(Rung::Blobless));
        let first = format!("want {ID} multi_ack side-band-64k thin-pack no-progress filter\n");
        assert!(request.contains(&first), "{request}");
        for part in [&format!("0032want {OTHER}\n"), "deepen 1", "filter blob:none\n0000", &format!("have {OTHER}")] {
            assert!(request.contains(part), "{part}: {request}");
        }
        let bare = asked(&capabilities(""), Scope::Commits(Rung::History));
        assert!(bare.contains(&format!("want {ID}\n")) && !bare.contains("deepen"), "{bare}");
    }

    #[test]
    fn another_object_format_is_refused() {
        let first = format!("{} HEAD\0multi_ack object-format=sha256", "a".repeat(64));
        let taken = Advertisement::new(&[]).take(first.as_bytes());
        assert_eq!(taken, Err(Unusable::ForeignObjectFormat));
        assert_eq!(capabilities("object-format=sha256").check(), Err(Unusable::ForeignObjectFormat));
        assert_eq!(capabilities("object-format=sha1").check(), Ok(()));
    }
}

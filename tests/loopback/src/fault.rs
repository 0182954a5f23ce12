//! Faults that a server can be told to show, and which request meets which one.

use std::time::Duration;

/// A way for a server to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This answer instead of Git's.
    Status { code: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// `302 Found` with this `Location`.
    Redirect(String),
    /// Connections are accepted and nothing is ever said on them, not even TLS; whatever the path.
    SilentAfterAccept,
    /// The request is read and never answered.
    SilentAfterRequest,
    /// The head at once, then the body a byte at a time.
    Drip { bytes_per_second: u32 },
    /// The connection ends after this many bytes of the body.
    CutAfter(u64),
    /// Git's answer, this much later.
    DelayFirstByte(Duration),
    /// The TCP connection is reset instead of an answer.
    Reset,
}

impl Fault {
    /// An empty answer with this status code.
    pub fn status(code: u16) -> Self {
        Self::Status { code, headers: Vec::new(), body: Vec::new() }
    }
}

/// The faults in force; the one set last wins.
#[derive(Debug, Default)]
pub(crate) struct FaultRules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    path_prefix: String,
    fault: Fault,
    /// Nothing means for ever.
    times_left: Option<usize>,
}

impl FaultRules {
    /// Puts a fault in force, in place of an earlier one for the same prefix.
    pub(crate) fn set(&mut self, path_prefix: &str, fault: Fault, times: Option<usize>) {
        self.0.retain(|rule| rule.path_prefix != path_prefix);
        self.0.push(Rule { path_prefix: path_prefix.to_owned(), fault, times_left: times });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether a connection just accepted is to be left without a word.
    pub(crate) fn silences_connection(&mut self) -> bool {
        self.take(|rule| rule.fault == Fault::SilentAfterAccept).is_some()
    }

    /// The fault that a request for this path meets.
    pub(crate) fn meets_request(&mut self, path: &str) -> Option<Fault> {
        self.take(|rule| rule.fault != Fault::SilentAfterAccept && path.starts_with(&rule.path_prefix))
    }

    fn take(&mut self, applies: impl Fn(&Rule) -> bool) -> Option<Fault> {
        self.0.retain(|rule| rule.times_left != Some(0));
        let rule = self.0.iter_mut().rev().find(|rule| applies(rule))?;
        rule.times_left = rule.times_left.map(|times| times - 1);
        Some(rule.fault.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultRules};

    #[test]
    fn a_fault_for_two_times_is_met_twice() {
        let mut rules = FaultRules::default();
        rules.set("", Fault::Reset, Some(2));

        let met = [(); 3].map(|()| rules.meets_request("/checkout"));

        assert_eq!(met, [Some(Fault::Reset), Some(Fault::Reset), None]);
    }

    #[test]
    fn the_fault_set_last_wins_where_prefixes_overlap() {
        let mut rules = FaultRules::default();
        rules.set("/contoso", Fault::status(500), None);
        rules.set("/contoso/checkout", Fault::status(404), None);

        assert_eq!(rules.meets_request("/contoso/checkout/info/refs"), Some(Fault::status(404)));
        assert_eq!(rules.meets_request("/contoso/payments"), Some(Fault::status(500)));
        assert_eq!(rules.meets_request("/fabrikam"), None);
    }

    #[test]
    fn silence_on_accepting_is_no_answer_to_a_request() {
        let mut rules = FaultRules::default();
        rules.set("", Fault::SilentAfterAccept, None);

        assert!(rules.silences_connection());
        assert_eq!(rules.meets_request("/checkout"), None);
    }
}

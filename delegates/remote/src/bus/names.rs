//! What streams, consumers and subjects are called. Everything of an agent carries its name, so that many share one NATS.

use suitesync_contract::DelegateName;

/// The names of one agent's things.
///
/// A dot parts the words of a subject and is not allowed in the name of a stream, so that of an agent's or delegate's name
/// is written `~`, which no name has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    agent: String,
}

fn word(name: &str) -> String {
    name.replace('.', "~")
}

impl Names {
    /// `agent` is of what names are made of: see [`DelegateName`].
    pub(crate) fn of(agent: &DelegateName) -> Self {
        Self { agent: word(agent.as_str()) }
    }

    pub(crate) fn stream(&self, kind: &str) -> String {
        format!("suitesync-{}-{kind}", self.agent)
    }

    /// Where an agent says that it is there.
    pub(crate) fn agent(&self) -> String {
        format!("suitesync.{}.agent", self.agent)
    }

    pub(crate) fn task(&self, delegate: &DelegateName) -> String {
        self.of_delegate("task", &word(delegate.as_str()))
    }

    pub(crate) fn answer(&self, delegate: &DelegateName) -> String {
        self.of_delegate("answer", &word(delegate.as_str()))
    }

    pub(crate) fn announcement(&self, delegate: &DelegateName) -> String {
        self.of_delegate("delegate", &word(delegate.as_str()))
    }

    pub(crate) fn cancel(&self, delegate: &DelegateName) -> String {
        self.of_delegate("cancel", &word(delegate.as_str()))
    }

    pub(crate) fn reception(&self, delegate: &DelegateName) -> String {
        self.of_delegate("reception", &word(delegate.as_str()))
    }

    pub(crate) fn progress(&self, delegate: &DelegateName) -> String {
        self.of_delegate("progress", &word(delegate.as_str()))
    }

    /// The same of every delegate.
    pub(crate) fn all(&self, kind: &str) -> String {
        self.of_delegate(kind, "*")
    }

    fn of_delegate(&self, kind: &str, delegate: &str) -> String {
        format!("suitesync.{}.{kind}.{delegate}", self.agent)
    }
}

/// The consumer of a delegate.
pub(crate) fn consumer(delegate: &DelegateName) -> String {
    word(delegate.as_str())
}

/// Which delegate a subject is about: its last word.
pub(crate) fn delegate_of(subject: &str) -> Option<DelegateName> {
    subject.rsplit('.').next()?.replace('~', ".").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(agent: &str, delegate: &str, expect: &str) {
        let (agent, delegate) = (agent.parse().unwrap(), delegate.parse().unwrap());
        let subject = Names::of(&agent).task(&delegate);
        assert_eq!(subject, expect);
        assert_eq!(delegate_of(&subject), Some(delegate));
    }

    #[test]
    fn a_name_is_one_word_of_a_subject_and_comes_back() {
        check("a", "dc1", "suitesync.a.task.dc1");
        check("build.example.org", "dc.1_b-c", "suitesync.build~example~org.task.dc~1_b-c");
        check("Prüfstand", "süd", "suitesync.Prüfstand.task.süd");
    }
}

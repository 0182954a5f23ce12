//! Who may do what on the agent's socket. Pure: who asks is an argument.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Users and groups of this host with what they may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessRules {
    pub account_admins: Vec<Who>,
    pub viewers: Vec<Who>,
    /// By project.
    pub project_admins: BTreeMap<String, Vec<Who>>,
}

/// Someone on this host, as the configuration names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    Everyone,
    User(String),
    Group(String),
}

/// The process at the other end of the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The user's name, or its number where it has none.
    pub user: String,
    pub groups: Vec<String>,
    pub standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Root, or the agent's own user: they can do anything to the agent's files anyway.
    Owner,
    /// Executes runs, which may do anything that a repository says: never heard.
    Runner,
    Other,
}

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need<'a> {
    View,
    /// To act on a project's links and runs.
    Project(&'a str),
    /// To act on connections and on the agent itself.
    Account,
}

impl AccessRules {
    pub fn permit(&self, peer: &Peer, need: Need<'_>) -> bool {
        match peer.standing {
            Standing::Owner => return true,
            Standing::Runner => return false,
            Standing::Other => {}
        }
        let is_among = |listed: &[Who]| listed.iter().any(|who| who.is(peer));
        let is_account_admin = is_among(&self.account_admins);
        match need {
            Need::Account => is_account_admin,
            Need::Project(project) => {
                is_account_admin || self.project_admins.get(project).is_some_and(|admins| is_among(admins))
            }
            Need::View => {
                is_account_admin
                    || is_among(&self.viewers)
                    || self.project_admins.values().any(|admins| is_among(admins))
            }
        }
    }
}

impl Need<'_> {
    /// The role that gives it, for messages.
    pub fn role(&self) -> String {
        match self {
            Self::View => "`viewer`".to_owned(),
            Self::Project(project) => format!("`project_admin` of project {project}"),
            Self::Account => "`account_admin`".to_owned(),
        }
    }
}

impl Who {
    fn is(&self, peer: &Peer) -> bool {
        match self {
            Self::Everyone => true,
            Self::User(name) => *name == peer.user,
            Self::Group(name) => peer.groups.contains(name),
        }
    }
}

/// The text names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a user, a group or `*`")]
pub struct InvalidWho;

impl FromStr for Who {
    type Err = InvalidWho;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.strip_prefix('@').unwrap_or(text);
        let is_name =
            !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || "@*:,/".contains(c));
        match text {
            "*" => Ok(Self::Everyone),
            _ if !is_name => Err(InvalidWho),
            _ if text.starts_with('@') => Ok(Self::Group(name.to_owned())),
            _ => Ok(Self::User(name.to_owned())),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("*"),
            Self::User(name) => f.write_str(name),
            Self::Group(name) => write!(f, "@{name}"),
        }
    }
}

impl Serialize for Who {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> AccessRules {
        AccessRules {
            account_admins: vec!["@suitesync-admin".parse().unwrap()],
            viewers: vec!["guest".parse().unwrap()],
            project_admins: [("payments".to_owned(), vec!["@payments-qa".parse().unwrap()])].into(),
        }
    }

    fn peer(user: &str, groups: &[&str], standing: Standing) -> Peer {
        Peer { user: user.to_owned(), groups: groups.iter().map(|group| (*group).to_owned()).collect(), standing }
    }

    /// What someone may do, in the order view, project payments, project web, account.
    fn check(peer: &Peer, expect: [bool; 4]) {
        let needs = [Need::View, Need::Project("payments"), Need::Project("web"), Need::Account];
        assert_eq!(needs.map(|need| rules().permit(peer, need)), expect, "{peer:?}");
    }

    #[test]
    fn roles_hold_what_they_say() {
        check(&peer("ann", &["users", "suitesync-admin"], Standing::Other), [true, true, true, true]);
        check(&peer("bob", &["payments-qa"], Standing::Other), [true, true, false, false]);
        check(&peer("guest", &[], Standing::Other), [true, false, false, false]);
        check(&peer("eve", &["users"], Standing::Other), [false; 4]);
    }

    #[test]
    fn owners_may_do_everything_and_runs_nothing() {
        check(&peer("root", &[], Standing::Owner), [true; 4]);
        check(&peer("runner", &["suitesync-admin"], Standing::Runner), [false; 4]);
    }

    #[test]
    fn a_group_and_a_user_of_one_name_are_two() {
        let everyone: Who = "*".parse().unwrap();
        assert!(everyone.is(&peer("eve", &[], Standing::Other)));
        let group: Who = "@guest".parse().unwrap();
        assert!(!group.is(&peer("guest", &[], Standing::Other)));
    }

    #[test]
    fn texts_that_name_nobody_are_refused() {
        for text in ["", "@", "a b", "@*", "**", "a:b", "@@a"] {
            assert_eq!(text.parse::<Who>(), Err(InvalidWho), "{text:?}");
        }
    }
}

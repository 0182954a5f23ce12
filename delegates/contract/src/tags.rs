//! Tags: what a delegate is good for, and what work asks of it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A set of tags, trimmed and without regard to letter case.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Tags(BTreeSet<String>);

impl Tags {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub fn insert(&mut self, tag: &str) {
        let tag = tag.trim().to_lowercase();
        if !tag.is_empty() {
            self.0.insert(tag);
        }
    }

    /// The tags of `wanted` that are not among these.
    pub fn missing<'a>(&self, wanted: &'a Tags) -> Vec<&'a str> {
        wanted.iter().filter(|tag| !self.0.contains(*tag)).collect()
    }
}

impl<S: AsRef<str>> FromIterator<S> for Tags {
    fn from_iter<I: IntoIterator<Item = S>>(tags: I) -> Self {
        let mut set = Self::default();
        tags.into_iter().for_each(|tag| set.insert(tag.as_ref()));
        set
    }
}

impl From<Vec<String>> for Tags {
    fn from(tags: Vec<String>) -> Self {
        tags.into_iter().collect()
    }
}

impl From<Tags> for Vec<String> {
    fn from(tags: Tags) -> Self {
        tags.0.into_iter().collect()
    }
}

impl fmt::Display for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_compare_trimmed_and_without_case() {
        let have: Tags = [" Linux ", "DC-1", ""].into_iter().collect();
        let want: Tags = ["linux", "mainframe"].into_iter().collect();
        assert_eq!(have.missing(&want), ["mainframe"]);
        assert_eq!(have.to_string(), "dc-1, linux");
    }
}

//! What a sync changes: the tests that the catalog knows against those that were found.
//!
//! Cases and suites are compared alike. An item is the same when root and id are; it changed when its content did.
//! An item that went and one that came in the same sync are one renamed item when their content is equal, or when
//! they carry a GUID that stands once on either side.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

use suitesync_contract::{Case, ObjectId, Suite};

/// What comparing needs of a case or a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub root: String,
    pub id: String,
    pub content: Content,
    pub guid: Option<String>,
}

/// What makes two versions of a test the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Content {
    pub blob: ObjectId,
    /// The tree of a case's scripts.
    pub scripts: Option<ObjectId>,
}

impl From<&Case> for Item {
    fn from(case: &Case) -> Self {
        Self {
            root: case.root.clone(),
            id: case.id.clone(),
            content: Content { blob: case.blob, scripts: case.scripts },
            guid: case.guid.clone(),
        }
    }
}

impl From<&Suite> for Item {
    fn from(suite: &Suite) -> Self {
        Self {
            root: suite.root.clone(),
            id: suite.id.clone(),
            content: Content { blob: suite.blob, scripts: None },
            guid: suite.guid.clone(),
        }
    }
}

impl Item {
    fn key(&self) -> (&str, &str) {
        (&self.root, &self.id)
    }

    fn file_name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or(&self.id)
    }
}

/// Positions in the two lists that were compared.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Positions in the found list.
    pub added: Vec<usize>,
    /// Positions in the known list.
    pub removed: Vec<usize>,
    /// (known, found)
    pub changed: Vec<(usize, usize)>,
    /// (known, found)
    pub renamed: Vec<(usize, usize)>,
    /// (known, found)
    pub unchanged: Vec<(usize, usize)>,
}

/// Compares what the catalog knows with what was found.
pub fn compare(known: &[Item], found: &[Item]) -> Changes {
    let mut changes = Changes::default();
    let at: HashMap<_, _> = known.iter().enumerate().map(|(index, item)| (item.key(), index)).collect();
    let mut seen = HashSet::new();
    let mut came = Vec::new();
    for (index, item) in found.iter().enumerate() {
        match at.get(&item.key()) {
            Some(&before) => {
                seen.insert(before);
                let same = known.get(before).is_some_and(|known| known.content == item.content);
                if same { &mut changes.unchanged } else { &mut changes.changed }.push((before, index));
            }
            None => came.push(index),
        }
    }
    let went = (0..known.len()).filter(|index| !seen.contains(index)).collect();
    let mut pairing = Pairing { known, found, went, came, renamed: Vec::new() };
    pairing.by_content();
    pairing.by_guid();
    changes.renamed = pairing.renamed;
    changes.removed = pairing.went;
    changes.added = pairing.came;
    changes
}

/// Items that went and items that came, while they are being matched.
struct Pairing<'a> {
    known: &'a [Item],
    found: &'a [Item],
    went: Vec<usize>,
    came: Vec<usize>,
    renamed: Vec<(usize, usize)>,
}

impl Pairing<'_> {
    /// Equal content; among several of equal content those of the same file name first, then in their order.
    fn by_content(&mut self) {
        self.pair(|item| Some((item.content, item.file_name().to_owned())));
        self.pair(|item| Some(item.content));
        self.pair_if_single(|item| Some(item.content.blob));
    }

    /// A GUID that stands once among all known and once among all found items.
    fn by_guid(&mut self) {
        let known_once = standing_once(self.known);
        let found_once = standing_once(self.found);
        let both: HashSet<String> = known_once.intersection(&found_once).map(|guid| (*guid).to_owned()).collect();
        self.pair(|item| item.guid.clone().filter(|guid| both.contains(guid)));
    }

    /// Matches items whose keys are equal, in their order.
    fn pair<Key: Hash + Eq>(&mut self, key: impl Fn(&Item) -> Option<Key>) {
        let mut waiting: HashMap<Key, VecDeque<usize>> = HashMap::new();
        for &index in &self.went {
            if let Some(key) = self.known.get(index).and_then(&key) {
                waiting.entry(key).or_default().push_back(index);
            }
        }
        let mut matched = HashSet::new();
        let found = self.found;
        let renamed = &mut self.renamed;
        self.came.retain(|&index| {
            let before =
                found.get(index).and_then(&key).and_then(|key| waiting.get_mut(&key)).and_then(VecDeque::pop_front);
            if let Some(before) = before {
                matched.insert(before);
                renamed.push((before, index));
            }
            before.is_none()
        });
        self.went.retain(|index| !matched.contains(index));
    }

    /// Matches items whose keys are equal and stand once on either side.
    fn pair_if_single<Key: Hash + Eq>(&mut self, key: impl Fn(&Item) -> Option<Key>) {
        let mut counts: HashMap<Key, (usize, usize)> = HashMap::new();
        for item in self.went.iter().filter_map(|&index| self.known.get(index)).filter_map(&key) {
            counts.entry(item).or_default().0 += 1;
        }
        for item in self.came.iter().filter_map(|&index| self.found.get(index)).filter_map(&key) {
            counts.entry(item).or_default().1 += 1;
        }
        self.pair(|item| key(item).filter(|key| counts.get(key) == Some(&(1, 1))));
    }
}

fn standing_once(items: &[Item]) -> HashSet<&str> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for guid in items.iter().filter_map(|item| item.guid.as_deref()) {
        *counts.entry(guid).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count == 1).map(|(guid, _)| guid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `id blob scripts guid`, where `-` stands for none.
    fn items(text: &str) -> Vec<Item> {
        let object = |digit: &str| digit.repeat(40).parse().ok();
        text.lines()
            .map(|line| {
                let fields: Vec<_> = line.split_whitespace().collect();
                Item {
                    root: String::new(),
                    id: fields[0].to_owned(),
                    content: Content { blob: object(fields[1]).unwrap(), scripts: object(fields[2]) },
                    guid: Some(fields[3].to_owned()).filter(|guid| guid != "-"),
                }
            })
            .collect()
    }

    fn check(known: &str, found: &str, expect: &str) {
        let (known, found) = (items(known), items(found));
        let changes = compare(&known, &found);
        let mut lines = Vec::new();
        lines.extend(changes.added.iter().map(|&f| format!("+{}", found[f].id)));
        lines.extend(changes.removed.iter().map(|&k| format!("-{}", known[k].id)));
        lines.extend(changes.changed.iter().map(|&(_, f)| format!("~{}", found[f].id)));
        lines.extend(changes.renamed.iter().map(|&(k, f)| format!("{}>{}", known[k].id, found[f].id)));
        assert_eq!(lines.join(" "), expect);
    }

    #[test]
    fn the_first_sync_adds_everything() {
        check("", "a 1 - -\nb 2 - -", "+a +b");
    }

    #[test]
    fn a_case_changes_with_its_file_or_with_its_scripts() {
        check("a 1 2 -\nb 1 2 -\nc 1 2 -", "a 1 2 -\nb 3 2 -\nc 1 4 -", "~b ~c");
    }

    #[test]
    fn equal_content_under_another_id_is_a_rename() {
        check("a 1 2 -", "b 1 2 -", "a>b");
        check("a 1 2 -", "b 1 3 -", "a>b");
    }

    #[test]
    fn of_several_with_equal_content_the_same_file_names_belong_together() {
        check("old/x 1 - -\nold/y 1 - -", "new/y 1 - -\nnew/x 1 - -", "old/y>new/y old/x>new/x");
    }

    #[test]
    fn a_guid_that_stands_once_on_either_side_is_a_rename() {
        check("a 1 - g", "b 2 - g", "a>b");
    }

    #[test]
    fn a_guid_that_was_copied_proves_nothing() {
        check("a 1 - g\nk 5 - g", "b 2 - g\nk 5 - g", "+b -a");
        check("a 1 - g", "b 2 - g\nc 3 - g", "+b +c -a");
    }

    #[test]
    fn a_copy_is_an_addition() {
        check("a 1 - g", "a 1 - g\nb 1 - g", "+b");
    }

    #[test]
    fn two_files_that_change_places_are_two_changes() {
        check("a 1 - g\nb 2 - h", "a 2 - h\nb 1 - g", "~a ~b");
    }
}

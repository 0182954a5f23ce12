//! The file `shallow` of a mirror (gitrepository-layout): the commits whose parents are left out on purpose. Git's own
//! tools accept a mirror as whole by it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use suitesync_contract::ObjectId;

use super::fault::Fault;
use super::state::replace_file;
use crate::fetching::ShallowLine;

const FILE: &str = "shallow";

/// Takes in what a server said about the commits of a pack.
pub(crate) fn update(folder: &Path, lines: &[ShallowLine]) -> Result<(), Fault> {
    let path = folder.join(FILE);
    let text = fs::read_to_string(&path).unwrap_or_default();
    let before: BTreeSet<ObjectId> = text.lines().filter_map(|line| line.parse().ok()).collect();
    let mut after = before.clone();
    for line in lines {
        match line {
            ShallowLine::Shallow(id) => after.insert(*id),
            ShallowLine::Unshallow(id) => after.remove(id),
        };
    }
    if after == before {
        return Ok(());
    }
    let text: String = after.iter().map(|id| format!("{id}\n")).collect();
    replace_file(&path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_add_up_and_go_when_the_server_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let id = |number| ObjectId::from_bytes([number; 20]);
        update(folder.path(), &[ShallowLine::Shallow(id(1))]).unwrap();
        update(folder.path(), &[ShallowLine::Shallow(id(2)), ShallowLine::Unshallow(id(1))]).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap(), format!("{}\n", id(2)));
    }
}

//! Which processes belong to a run: a pure decision over the processes of the host.
//!
//! A process belongs to a run when one of these holds:
//! - its environment names the run;
//! - it has the run's brand, and is not in our session;
//! - it is in the session or the group of the run's first process, which is held until all others are gone, so that
//!   its number means no other;
//! - it was seen to belong to it before;
//! - its parent belongs to it;
//! - it came to us as an orphan, names no run, has no brand, and is in the run's working folder or no other run is under
//!   way: a daemon that left its session and cleared its environment. What we start ourselves is in our session, and so
//!   never taken for one.

use std::collections::HashSet;
use std::path::Path;

use super::brand::Brand;
use super::table::{Ourselves, Process, ProcessId};

/// Whether other runs of ours are under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Company {
    Alone,
    /// Orphans may be theirs.
    Others,
}

/// What is known of a run's processes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks<'a> {
    pub(super) run: &'a str,
    pub(super) brand: Option<Brand>,
    pub(super) leader: Option<ProcessId>,
    /// Where its orphans are told by their working folder.
    pub(super) folder: Option<&'a Path>,
    pub(super) seen: &'a HashSet<ProcessId>,
}

/// The processes of a run among these, its first one included.
pub(super) fn members<'a>(
    table: &'a [Process],
    marks: Marks<'_>,
    ourselves: Ourselves,
    company: Company,
) -> Vec<&'a Process> {
    let has_leader = table.iter().any(|process| Some(process.id) == marks.leader);
    let leader = marks.leader.filter(|_| has_leader).map(|leader| leader.pid);
    let is_orphan = |process: &Process| {
        let came_to_us = process.parent == ourselves.pid && process.session != ourselves.session;
        let folder = process.folder.as_ref().zip(marks.folder);
        let is_here = folder.is_some_and(|(present, folder)| present.starts_with(folder));
        let is_nobodys = process.run.is_none() && process.brand.is_none();
        came_to_us && is_nobodys && (is_here || company == Company::Alone)
    };
    let is_marked = |process: &Process| {
        let in_session = leader.is_some_and(|leader| [process.session, process.group].contains(&leader));
        // What we start while a run begins may have its brand.
        let is_branded =
            process.brand.is_some() && process.brand == marks.brand && process.session != ourselves.session;
        in_session || is_branded || process.run.as_deref() == Some(marks.run) || marks.seen.contains(&process.id)
    };
    let others = || table.iter().filter(|process| process.id.pid != ourselves.pid);
    let mut pids: HashSet<i32> =
        others().filter(|process| is_marked(process) || is_orphan(process)).map(|process| process.id.pid).collect();
    loop {
        let children = others().filter(|process| pids.contains(&process.parent)).map(|process| process.id.pid);
        let grown: HashSet<i32> = pids.iter().copied().chain(children).collect();
        if grown.len() == pids.len() {
            break;
        }
        pids = grown;
    }
    table.iter().filter(|process| pids.contains(&process.id.pid)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::table::Life;
    use super::*;

    const US: Ourselves = Ourselves { pid: 10, session: 5 };
    const LEADER: ProcessId = ProcessId { pid: 100, started: 7 };

    /// A process by pid, parent, session and the run it names; it leads its own group.
    fn process(pid: i32, parent: i32, session: i32, run: Option<&str>) -> Process {
        let id = ProcessId { pid, started: 7 };
        let run = run.map(str::to_owned);
        Process {
            id,
            name: "x".to_owned(),
            life: Life::Alive,
            parent,
            group: pid,
            session,
            run,
            brand: None,
            folder: None,
        }
    }

    fn check(process: Process, company: Company, expect: bool) {
        let seen = HashSet::from([ProcessId { pid: 300, started: 7 }]);
        let brand = Some(Brand::of_run("a"));
        let marks = Marks { run: "a", brand, leader: Some(LEADER), folder: Some(Path::new("/a")), seen: &seen };
        let table = [process.clone(), self::process(10, 1, 5, Some("a")), self::process(100, 10, 100, Some("a"))];
        let found = members(&table, marks, US, company);
        assert_eq!(found.contains(&&process), expect, "{process:?}");
        assert!(!found.iter().any(|process| process.id.pid == US.pid));
    }

    #[test]
    fn a_process_belongs_to_a_run_by_session_mark_memory_or_parent() {
        check(process(200, 1, 100, None), Company::Others, true);
        check(process(200, 1, 200, Some("a")), Company::Others, true);
        check(process(300, 1, 300, None), Company::Others, true);
        check(process(200, 100, 200, Some("inner")), Company::Others, true);
    }

    #[test]
    fn a_process_belongs_to_the_run_whose_brand_it_has_wherever_it_went() {
        let branded =
            |run, parent, session| Process { brand: Some(Brand::of_run(run)), ..process(200, parent, session, None) };
        check(branded("a", 1, 200), Company::Others, true);
        check(branded("a", 10, 200), Company::Others, true);
        check(branded("b", 10, 200), Company::Alone, false);
        check(branded("a", 10, 5), Company::Alone, false);
    }

    #[test]
    fn an_orphan_without_a_mark_belongs_to_the_run_whose_folder_it_is_in() {
        let within = |parent, folder: &str| Process { folder: Some(folder.into()), ..process(200, parent, 200, None) };
        check(within(10, "/a/b"), Company::Others, true);
        check(within(10, "/ab"), Company::Others, false);
        check(within(1, "/a/b"), Company::Others, false);
    }

    #[test]
    fn an_orphan_without_a_mark_belongs_to_the_only_run() {
        check(process(200, 10, 200, None), Company::Alone, true);
        check(process(200, 10, 200, None), Company::Others, false);
        check(process(200, 10, 200, Some("b")), Company::Alone, false);
    }

    #[test]
    fn what_we_start_and_what_is_foreign_does_not_belong_to_it() {
        check(process(200, 10, 5, None), Company::Alone, false);
        check(process(200, 1, 200, Some("ab")), Company::Alone, false);
        check(process(200, 1, 200, None), Company::Alone, false);
    }

    #[test]
    fn descendants_are_followed_and_a_number_used_again_is_not() {
        let none = HashSet::new();
        let table = [process(200, 1, 200, Some("a")), process(201, 200, 201, None), process(202, 201, 202, None)];
        let marks = Marks { run: "a", brand: None, leader: None, folder: None, seen: &none };
        assert_eq!(members(&table, marks, US, Company::Others).len(), 3);
        let reused = [Process { id: ProcessId { pid: 100, started: 8 }, ..process(100, 1, 100, None) }];
        let marks = Marks { run: "a", brand: None, leader: Some(LEADER), folder: None, seen: &none };
        assert!(members(&reused, marks, US, Company::Others).is_empty());
    }
}

use super::super::store::SharedStore;
use super::*;

const DAY: Duration = Duration::from_secs(86_400);
const KEEP: Duration = Duration::from_secs(7 * 86_400);
const LARGE: u64 = 1 << 40;
const KIB: u64 = 1024;

/// A folder of mirrors, made by hand.
struct Shelf {
    folder: tempfile::TempDir,
    now: SystemTime,
}

impl Shelf {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), now: SystemTime::now() }
    }

    /// A mirror of `repository` with a pack of `kib` that weighed `fresh_kib` at first, and unused for `unused` days.
    fn put(&self, repository: &str, (kib, fresh_kib): (u64, u64), unused: u32) -> Paths {
        let folder = Folder::of(self.folder.path(), &key(repository));
        folder.make_parent().unwrap();
        let (state, _) = folder.prepare(&SharedStore::default()).unwrap();
        state.grown_from(Weight { packs: 1, bytes: fresh_kib * KIB }).write(folder.path()).unwrap();
        fs::write(folder.path().join("objects/pack/pack-1.pack"), vec![0; usize::try_from(kib * KIB).unwrap()])
            .unwrap();
        let lock = Lock::try_acquire(&folder.paths().lock()).unwrap().unwrap();
        drop(lock);
        note_use_of(&folder.paths().lock(), self.now - DAY * unused).unwrap();
        folder.paths().clone()
    }

    fn care(&self, wanted: &[&str], budget_kib: u64) -> CareReport {
        let wanted = wanted.iter().map(|repository| key(repository)).collect();
        let policy = CarePolicy { keep: KEEP, budget_bytes: budget_kib.saturating_mul(KIB) };
        let mirrors = Mirrors::new(self.folder.path(), "local".parse().unwrap());
        mirrors.care(&wanted, &policy, self.now, &CancellationToken::new()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn key(repository: &str) -> MirrorKey {
    let url = format!("https://git.example.org/{repository}");
    let url = suitesync_contract::RepoUrl::parse(&url, suitesync_contract::Provider::Git).unwrap().repository;
    MirrorKey { connection: "contoso".parse().unwrap(), repository: url.identity().clone() }
}

/// Names and reasons of what went.
fn removed(report: &CareReport) -> Vec<(String, &'static str)> {
    report.removed.iter().map(|removed| (removed.name.clone(), removed.reason.code())).collect()
}

#[test]
fn a_mirror_that_nobody_wants_goes_after_a_while_with_its_lock_and_wanted_ones_stay() {
    let shelf = Shelf::new();
    let wanted = shelf.put("wanted", (1, 1), 400);
    let fresh = shelf.put("unwanted-lately", (1, 1), 6);
    shelf.put("unwanted", (1, 1), 8);
    let report = shelf.care(&["wanted"], LARGE);
    assert_eq!(removed(&report), [(key("unwanted").name(), "unused")]);
    assert!(report.removed[0].bytes > KIB && report.kept_bytes > 2 * KIB);
    assert_eq!(shelf.names().len(), 4);
    assert!(wanted.mirror().exists() && fresh.mirror().exists());
}

#[test]
fn time_counts_from_when_a_mirror_was_last_wanted() {
    let mut shelf = Shelf::new();
    shelf.put("checkout", (1, 1), 400);
    shelf.care(&["checkout"], LARGE);
    shelf.now += KEEP;
    assert_eq!(removed(&shelf.care(&[], LARGE)), []);
    shelf.now += DAY;
    assert_eq!(removed(&shelf.care(&[], LARGE)), [(key("checkout").name(), "unused")]);
    assert_eq!(shelf.names(), [""; 0]);
}

#[test]
fn a_mirror_that_is_open_is_left_alone() {
    let shelf = Shelf::new();
    let paths = shelf.put("checkout", (100, 1), 8);
    let held = Lock::try_acquire(&paths.lock()).unwrap().unwrap();
    assert_eq!(removed(&shelf.care(&[], 1)), []);
    drop(held);
    assert_eq!(removed(&shelf.care(&[], 1)).len(), 1);
}

#[test]
fn over_the_budget_unwanted_ones_go_first_the_longest_unused_first_and_no_more_than_needed() {
    let shelf = Shelf::new();
    shelf.put("wanted", (400, 1), 0);
    shelf.put("new", (300, 1), 1);
    shelf.put("old", (300, 1), 3);
    let report = shelf.care(&["wanted"], 980);
    assert_eq!(removed(&report), [(key("old").name(), "budget")]);
    assert_eq!((report.marked.len(), report.excess_bytes), (0, 0));
    assert_eq!(removed(&shelf.care(&["wanted"], 980)), [], "80 % of the budget leave room");
}

#[test]
fn within_the_budget_nothing_happens_even_above_the_aim() {
    let shelf = Shelf::new();
    shelf.put("wanted", (400, 1), 0);
    shelf.put("unwanted", (400, 1), 1);
    let report = shelf.care(&["wanted"], 850);
    assert_eq!((removed(&report), report.marked.len()), (vec![], 0));
}

#[test]
fn wanted_ones_are_marked_by_what_they_superseded_and_are_never_removed() {
    let shelf = Shelf::new();
    let most = shelf.put("most", (500, 100), 0);
    let some = shelf.put("some", (300, 100), 0);
    shelf.put("none", (300, 300), 0);
    let wanted = ["most", "some", "none"];
    let report = shelf.care(&wanted, 1_000);
    assert_eq!((removed(&report), report.marked, report.excess_bytes), (vec![], vec![key("most").name()], 0));
    assert!(most.is_marked_superseded() && !some.is_marked_superseded());
    assert_eq!(shelf.care(&wanted, 1_000).marked, [""; 0], "what is marked counts as freed");
    let report = shelf.care(&wanted, 400);
    assert_eq!(report.marked, [key("some").name()]);
    assert!(report.excess_bytes > 100 * KIB && shelf.names().len() == 6);
}

#[test]
fn what_is_not_ours_is_not_touched() {
    let shelf = Shelf::new();
    let name = key("unwanted").name();
    shelf.put("unwanted", (1, 1), 8);
    let foreign = ["notes.txt", "other.lock", "backup.git", "a-0123456789ab.git", "b-0123456789ab.lock.git"];
    for name in foreign {
        fs::create_dir(shelf.folder.path().join(name)).unwrap();
    }
    fs::rename(shelf.folder.path().join(&name).with_added_extension("lock"), shelf.folder.path().join("x.lock"))
        .unwrap();
    let before = shelf.names();
    assert_eq!(removed(&shelf.care(&[], 0)), []);
    assert_eq!(shelf.names(), before);
}

#[test]
fn links_are_neither_followed_nor_removed() {
    let (shelf, elsewhere) = (Shelf::new(), tempfile::tempdir().unwrap());
    fs::write(elsewhere.path().join("file"), "precious").unwrap();
    let linked = shelf.put("linked", (1, 1), 8);
    fs::remove_dir_all(linked.mirror()).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), linked.mirror()).unwrap();
    let inside = shelf.put("inside", (1, 1), 8);
    std::os::unix::fs::symlink(elsewhere.path(), inside.mirror().join("objects/out")).unwrap();
    let report = shelf.care(&[], 0);
    assert_eq!(removed(&report), [(key("inside").name(), "unused")]);
    assert!(elsewhere.path().join("file").exists() && linked.mirror().is_symlink());
}

#[test]
fn what_killed_processes_left_beside_goes_with_the_mirror_or_is_tidied() {
    let shelf = Shelf::new();
    for paths in [shelf.put("wanted", (1, 1), 0), shelf.put("unwanted", (1, 1), 8)] {
        fs::create_dir(paths.fresh()).unwrap();
        fs::rename(paths.mirror(), paths.aside()).unwrap();
    }
    shelf.care(&["wanted"], LARGE);
    let name = key("wanted").name();
    assert_eq!(shelf.names(), [format!("{name}.git"), format!("{name}.lock")]);
}

#[test]
fn a_round_that_is_canceled_removes_nothing_more_and_a_missing_folder_is_an_empty_one() {
    let shelf = Shelf::new();
    shelf.put("unwanted", (1, 1), 8);
    let policy = CarePolicy { keep: KEEP, budget_bytes: 0 };
    let canceled = CancellationToken::new();
    canceled.cancel();
    let care = |folder: &Path| {
        let mirrors = Mirrors::new(folder, "local".parse().unwrap());
        mirrors.care(&HashSet::new(), &policy, shelf.now, &canceled).unwrap()
    };
    assert_eq!(care(shelf.folder.path()), CareReport::default());
    assert_eq!(care(&shelf.folder.path().join("missing")), CareReport::default());
    assert_eq!(shelf.names().len(), 2);
}

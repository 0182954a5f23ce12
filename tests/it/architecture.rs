//! Imports run one way: a module may use those before it in this list, and no other.

use std::path::Path;

/// The modules of `src`, each of which may import only from those before it.
const ORDER: [&str; 7] = ["domain", "config", "catalog", "engine", "views", "api", "cli"];

/// The crates under `delegates`, and what of ours each may depend on.
const CRATES: [(&str, &[&str]); 7] = [
    ("contract", &[]),
    ("suites", &["contract"]),
    ("reach", &["contract"]),
    ("git", &["contract", "reach"]),
    ("azure", &["contract", "reach"]),
    ("runner", &["contract"]),
    ("remote", &["contract"]),
];

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn modules_import_only_from_those_before_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = first.trim_end_matches(".rs");
        let Some(rank) = ORDER.iter().position(|name| *name == module) else { continue };
        let text = std::fs::read_to_string(&file).unwrap();
        for later in &ORDER[rank + 1..] {
            if text.contains(&format!("crate::{later}::")) || text.contains(&format!("crate::{later};")) {
                wrong.push(format!("{} imports {later}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_module_has_its_place_in_the_order() {
    let lib = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).unwrap();
    let modules: std::collections::BTreeSet<_> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(modules, ORDER.into_iter().collect());
}

#[test]
fn delegates_depend_on_the_contract_and_on_the_way_out_alone() {
    for (name, allowed) in CRATES {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("delegates").join(name).join("Cargo.toml");
        let text = std::fs::read_to_string(manifest).unwrap();
        let dependencies = text.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
        let ours = dependencies.lines().filter_map(|line| line.strip_prefix("suitesync-")?.split('.').next());
        for dependency in ours {
            assert!(allowed.contains(&dependency), "{name} depends on {dependency}");
        }
    }
}

#[test]
fn the_vocabulary_and_the_finder_of_tests_know_no_runtime() {
    for name in ["contract", "suites"] {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("delegates").join(name).join("Cargo.toml");
        let text = std::fs::read_to_string(manifest).unwrap();
        for forbidden in ["tokio", "reqwest", "git2", "rusqlite"] {
            assert!(!text.contains(forbidden), "{name} knows {forbidden}");
        }
    }
}

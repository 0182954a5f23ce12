//! What people see of a problem.

use insta::assert_snapshot;

use super::{CONNECTION, LINK, folder, load_from};

/// All problems of these files, rendered, the folder's own name left out.
fn rendered(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let shown = load_from(folder.path()).diagnostics.iter().map(|d| d.render()).collect::<Vec<_>>().join("\n\n");
    shown.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn the_line_is_shown_with_the_fault_underlined() {
    let text = format!("{CONNECTION}{LINK}bransh = \"main\"\nsync_every = \"0s\"\n");
    assert_snapshot!(rendered(&[("suitesync.toml", &text)]), @"");
}

#[test]
fn a_name_used_twice_is_shown_at_both_places() {
    let files = [("suitesync.toml", CONNECTION), ("conf.d/10-a.toml", CONNECTION), ("conf.d/20-b.toml", LINK)];
    assert_snapshot!(rendered(&files), @"");
}

#[test]
fn a_literal_secret_is_masked() {
    let text = format!("{CONNECTION}credentials = {{ username = \"üser\", password = \"hunter2\" }}\n{LINK}");
    assert_snapshot!(rendered(&[("suitesync.toml", &text)]), @"");
}

#[test]
fn faults_of_syntax_are_shown_as_any_other() {
    assert_snapshot!(rendered(&[("suitesync.toml", "[agent]\nname = \"x\nattempts = = 3\n[log\n")]), @"");
}

#[test]
fn a_missing_file_is_shown_without_a_line() {
    assert_snapshot!(rendered(&[]), @"");
}

#[test]
fn a_problem_is_written_as_json() {
    let text = format!("{CONNECTION}{LINK}bransh = \"main\"\n");
    let folder = folder(&[("suitesync.toml", &text)]);
    let mut found = load_from(folder.path()).diagnostics;
    found[0].file = "suitesync.toml".to_owned();
    insta::assert_json_snapshot!(found, @"");
}

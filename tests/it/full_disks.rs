//! A full disk is told with where room is to be made. The agent gets a small file system of its own, where the system
//! lets it.

use crate::support::Site;
use crate::support::room::may_have_room;

/// Room enough for a catalog, and not for the report.
const ROOM: &str = "6m";
const TOO_LARGE: usize = 12 << 20;

#[test]
fn an_agent_that_has_no_room_to_start_says_where_it_lacks() {
    if !may_have_room() {
        return;
    }
    let site = Site::new();
    site.configure("");
    let output = site.agent_without_room();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    let (state, catalog) = (site.path("state"), site.path("state/catalog.sqlite3"));
    let expect = format!("error: failed to use the catalog {}: the disk is full\n", catalog.display());
    assert!(complaint.contains(&expect), "{complaint}");
    assert!(complaint.contains(&format!("hint: make room in {}\n", state.display())), "{complaint}");
}

#[test]
fn what_cannot_be_kept_is_refused_with_where_room_lacks() {
    if !may_have_room() {
        return;
    }
    let site = Site::new();
    site.configure("");
    let _agent = site.agent_with_room(ROOM);
    let report = site.path("report.xml");
    std::fs::write(&report, vec![b' '; TOO_LARGE]).unwrap();
    let output = site.run(&["result", "import", report.to_str().unwrap(), "--project", "default"]);
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    let hint = format!("make room where the state folder lies ({})", site.path("state").display());
    assert!(complaint.contains(&hint), "{complaint}");
}

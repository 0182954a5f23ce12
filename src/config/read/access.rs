//! `[access]`: which users and groups of this host may do what on the socket.

use crate::config::keys;
use crate::config::place::Place;
use crate::config::report::Finding;
use crate::config::section::{Section, placed};
use crate::domain::access::{AccessRules, Who};

/// The rules, and where each project is named.
#[derive(Debug, Default)]
pub(in crate::config) struct Access {
    pub(in crate::config) rules: AccessRules,
    pub(in crate::config) projects: Vec<(String, Place)>,
}

pub(super) fn read(section: &Section<'_>) -> Access {
    let mut access = Access::default();
    access.rules.account_admins = people(section, "account_admin");
    access.rules.viewers = people(section, "viewer");
    read_projects(section, &mut access);
    access
}

fn read_projects(section: &Section<'_>, access: &mut Access) {
    let Some(value) = section.value("projects") else { return };
    let Some(table) = value.value.as_table() else {
        let finding = Finding::error(value.place, "`projects` is not a table");
        section.report.add(finding.help("write a table [access.projects.NAME] for each project"));
        return;
    };
    for (name, value) in table {
        let value = placed(section.place.file, value);
        access.projects.push((name.get_ref().to_string(), Place::new(section.place.file, name.span())));
        if let Some(project) = Section::open(section.report, value, &keys::ACCESS_PROJECT) {
            access.rules.project_admins.insert(name.get_ref().to_string(), people(&project, "project_admin"));
        }
    }
}

fn people(section: &Section<'_>, key: &str) -> Vec<Who> {
    let mut people = Vec::new();
    for text in section.texts(key).unwrap_or_default() {
        match text.value.parse() {
            Ok(who) => people.push(who),
            Err(fault) => {
                let finding = Finding::error(text.place, format!("`{key}` names nobody: {fault}"));
                section.report.add(finding.help("a user's name, `@` and a group's name, or `*` for everyone"));
            }
        }
    }
    people
}

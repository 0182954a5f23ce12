//! One request to a route: what it names, looked up.

use crate::azure::inventory::{Project, Repository, is_named, projects, repositories};
use crate::azure::reply::{project_missing, repository_missing};
use crate::azure::state::Azure;
use crate::front::{Head, Reply};

pub(super) struct Call<'request> {
    pub(super) azure: &'request Azure,
    pub(super) head: &'request Head<'request>,
    pub(super) organisation: &'request str,
    /// The segments that the stars of the route stand for.
    pub(super) named: Vec<&'request str>,
    /// The URL of the organisation as the client sees it, without a slash at its end.
    pub(super) base: String,
}

impl Call<'_> {
    /// What a star stands for, by its place among them.
    pub(super) fn named(&self, place: usize) -> &str {
        self.named.get(place).copied().unwrap_or_default()
    }

    pub(super) fn projects(&self) -> Vec<Project> {
        projects(&self.azure.root, self.organisation).unwrap_or_default()
    }

    /// The project of this name or id.
    pub(super) fn project(&self, wanted: &str) -> Result<Project, Reply> {
        let found = self.projects().into_iter().find(|project| is_named(wanted, &project.name, &project.id));
        found.ok_or_else(|| project_missing(wanted))
    }

    pub(super) fn repositories(&self, project: &Project) -> Vec<Repository> {
        repositories(&self.azure.root, self.organisation, project)
    }

    /// The one of this name or id, unless it is disabled.
    pub(super) fn repository(&self, all: Vec<Repository>, wanted: &str) -> Result<Repository, Reply> {
        let found = all.into_iter().find(|repository| is_named(wanted, &repository.name, &repository.id));
        found.filter(|repository| !self.azure.is_disabled(repository)).ok_or_else(|| repository_missing(wanted))
    }
}

//! What lies behind a clone URL: the collection that holds the repository, and the names that the server has for it.
//!
//! On a Server a URL does not tell where the folders end that it was installed under and where the collection begins;
//! the Server itself does, at `CLONE-URL/vsts/info`. Its word is taken for the path only: requests stay on the host
//! that was configured.

use reqwest::Url;
use serde::Deserialize;
use suitesync_contract::{Failure, FailureClass, is_same_azure_name};
use tokio_util::sync::CancellationToken;

use crate::address::{ApiAddress, segments};
use crate::api::{Api, Question};
use crate::repository::Project;
use crate::resource::Resource;

#[derive(Debug, Deserialize)]
struct Info {
    repository: Located,
}

#[derive(Debug, Deserialize)]
struct Located {
    name: String,
    url: String,
    project: Project,
}

impl Api {
    /// Asks the server where the repository lies.
    pub async fn resolve(&self, cancel: &CancellationToken) -> Result<ApiAddress, Failure> {
        let asked = self.address().clone_url(self.given());
        let mut url = asked.clone();
        let path = format!("{}/vsts/info", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let question = Question { address: self.address(), resource: Resource::RepositoryInfo, url };
        let info: Info = self.ask(&question, cancel).await.map_err(|refused| refused.failure)?;
        let base = info.repository.base().filter(|base| is_above(base, &segments(&asked)));
        let base = base.ok_or_else(|| {
            let cause = "it places the repository in a collection that its URL does not lie in";
            self.place().repository_failure(FailureClass::Protocol, "locate", cause)
        })?;
        Ok(self.address().moved(&base, info.repository.project.name, info.repository.name))
    }
}

impl Located {
    /// The path of the collection: what stands before the API in the repository's own URL, which may name the project
    /// by its id as well.
    fn base(&self) -> Option<Vec<String>> {
        let path = segments(&Url::parse(&self.url).ok()?);
        let api = path.iter().position(|segment| segment == "_apis")?;
        let owners = path.get(..api)?;
        match owners {
            [base @ .., project] if is_same_azure_name(project, &self.project.id) => Some(base.to_vec()),
            base => Some(base.to_vec()),
        }
    }
}

fn is_above(base: &[String], path: &[String]) -> bool {
    path.len() > base.len() && base.iter().zip(path).all(|(one, other)| is_same_azure_name(one, other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_collection_is_what_stands_before_the_api_and_the_projects_id() {
        let check = |url: &str, expect: Option<&[&str]>| {
            let project = Project { id: "3B3AE425-0079".to_owned(), name: "payments".to_owned() };
            let located = Located { name: "checkout".to_owned(), url: url.to_owned(), project };
            let expect = expect.map(|expect| expect.iter().map(|&segment| segment.to_owned()).collect::<Vec<_>>());
            assert_eq!(located.base(), expect, "{url}");
        };
        check("https://h/tfs/Our%20Own/_apis/git/repositories/1", Some(&["tfs", "Our Own"]));
        check("https://h/tfs/Main/3b3ae425-0079/_apis/git/repositories/1", Some(&["tfs", "Main"]));
        check("https://h/payments/_apis/git/repositories/1", Some(&["payments"]));
        check("https://h/_apis/git/repositories/1", Some(&[]));
        check("https://h/tfs/Main/_git/checkout", None);
        check("not a URL", None);
    }
}

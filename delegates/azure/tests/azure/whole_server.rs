//! The test of API access against a server that keeps tokens, scopes, versions and repositories as Azure does.

use suitesync_azure::{Api, ApiReport};
use suitesync_contract::{Failure, FailureClass};
use suitesync_loopback::{
    Authority, AzureDeployment, AzureOptions, AzureRefusal, AzureScope, AzureScopeRefusal, AzureServer, Change,
    IssueOptions, SampleRepository,
};
use suitesync_reach::Clients;
use tokio_util::sync::CancellationToken;

use crate::support::{TOKEN, client, settings};

struct Azure {
    _folder: tempfile::TempDir,
    authority: Authority,
    server: AzureServer,
}

impl Azure {
    /// The repository `My Project/checkout` of `contoso`, which the token may read.
    fn start(deployment: AzureDeployment) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = SampleRepository::create(folder.path().join("contoso/My Project/_git/checkout")).unwrap();
        repository.commit("main", "Begin", &[Change::write("README", "x")]).unwrap();
        let authority = Authority::new("Loopback Test CA").unwrap();
        let identity = authority.issue(&IssueOptions::default()).unwrap();
        let options = AzureOptions::new(folder.path()).identity(identity).deployment(deployment);
        let server = std::thread::spawn(|| AzureServer::start(options)).join().unwrap().unwrap();
        server.set_token(TOKEN, &[AzureScope::CodeRead]);
        Self { _folder: folder, authority, server }
    }

    fn services() -> Self {
        Self::start(AzureDeployment::Services)
    }

    fn api(&self, url: &str, repository: &str) -> Api {
        let client = client(&Clients::default(), &self.authority);
        Api::new(client, settings(&self.server.url(url), &self.server.url(repository), TOKEN)).unwrap()
    }

    async fn probe(&self) -> Result<ApiReport, Failure> {
        self.api("/contoso", "/contoso/My Project/_git/checkout").probe(&CancellationToken::new()).await
    }
}

#[tokio::test]
async fn a_good_token_passes_on_servers_of_all_ages() {
    let azure = Azure::services();
    for version in ["7.1", "7.0", "6.0", "5.1", "5.0"] {
        azure.server.set_latest_version(version);
        let report = azure.probe().await.unwrap();
        assert_eq!(report.detail, "signed in as Ada Sample, may read checkout in My Project", "{version}");
        assert_eq!(report.repository.id, azure.server.repository_id("contoso", "My Project", "checkout"));
    }
}

#[tokio::test]
async fn a_token_is_judged_by_what_the_server_knows_of_it() {
    let azure = Azure::services();
    let check = async |class: FailureClass| {
        let failure = azure.probe().await.unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
    };
    azure.server.expire_token(TOKEN);
    check(FailureClass::AuthExpired).await;
    azure.server.revoke_token(TOKEN);
    for refusal in [AzureRefusal::SignInPage, AzureRefusal::SignInRedirect, AzureRefusal::Unauthorized] {
        azure.server.set_rest_refusal(refusal);
        check(FailureClass::AuthRejected).await;
    }
    azure.server.set_token(TOKEN, &[AzureScope::ProjectRead]);
    for refusal in [AzureScopeRefusal::Forbidden, AzureScopeRefusal::Unauthorized] {
        azure.server.set_scope_refusal(refusal);
        check(FailureClass::Forbidden).await;
    }
}

#[tokio::test]
async fn a_disabled_repository_is_said_to_be_disabled() {
    let azure = Azure::services();
    azure.server.disable("contoso", "My Project", "checkout");
    let failure = azure.probe().await.unwrap_err();
    assert_eq!(failure.class, FailureClass::RepositoryNotFound, "{failure}");
    assert!(failure.message.ends_with("it is disabled"), "{failure}");
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let azure = Azure::services();
    let check = async |repository: &str, class: FailureClass| {
        let failure = azure.api("/contoso", repository).probe(&CancellationToken::new()).await.unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
    };
    check("/contoso/My Project/_git/gone", FailureClass::RepositoryNotFound).await;
    check("/contoso/Gone/_git/checkout", FailureClass::ProjectNotFound).await;
}

#[tokio::test]
async fn a_server_below_a_folder_is_found_from_a_wrong_guess() {
    let azure = Azure::start(AzureDeployment::Server { virtual_folder: "tfs".to_owned() });
    for guess in ["/tfs/contoso", "/tfs", "/tfs/contoso/My Project", "/contoso"] {
        let api = azure.api(guess, "/tfs/contoso/My Project/_git/checkout");
        let report = api.probe(&CancellationToken::new()).await.unwrap();
        assert_eq!(report.address.url(), azure.server.url("/tfs/contoso"), "{guess}");
    }
}

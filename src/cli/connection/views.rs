//! Connections as people are shown them.

use super::super::look::{Look, Paint};
use super::super::table::{Cell, Table};
use super::super::wording::{ago, ago_or_never, count, duration, escaped_lines, until};
use super::super::{checklist, failure};
use crate::catalog::connection::TestRecord;
use crate::views::{ConnectionDetail, ConnectionSettings, ConnectionView, HostKeysView};

const NONE_YET: &str =
    "There are no connections yet: add a [[connection]] to the configuration; `suitesync check` validates it.\n";

pub(in crate::cli) fn list(connections: &[ConnectionView], look: &Look) -> String {
    if connections.is_empty() {
        return NONE_YET.to_owned();
    }
    let mut table = Table::new(["NAME", "STATUS", "TESTED", "NEXT TEST", "FAILURE"], look);
    for connection in connections {
        table.row([
            Cell::new(&connection.name),
            status(connection),
            Cell::new(ago_or_never(connection.last_test.as_ref().map(|test| test.at), look.now)),
            Cell::new(connection.next_test_at.map_or_else(String::new, |at| until(at, look.now))),
            Cell::new(connection.failure.as_ref().map_or("", |failure| failure.class.code())),
        ]);
    }
    table.render()
}

fn status(connection: &ConnectionView) -> Cell {
    if connection.disconnected {
        return Cell::status("disconnected");
    }
    let word = connection.status.code();
    let paint = Paint::of_status(word);
    if connection.held { Cell::painted(paint, format!("{word}, held")) } else { Cell::painted(paint, word) }
}

pub(super) fn detail(detail: &ConnectionDetail, look: &Look) -> String {
    let connection = &detail.connection;
    let mut table = Table::without_titles(look);
    table.field("name", Cell::new(&connection.name));
    if connection.display_name != connection.name {
        table.field("display name", Cell::new(&connection.display_name));
    }
    table.field("status", status(connection));
    match &detail.settings {
        Some(settings) => settings_fields(settings, &mut table),
        None => table.field("configuration", Cell::new("no longer in it")),
    }
    if let Some(why) = &detail.unserved {
        table.field("delegates", Cell::painted(Paint::Warning, format!("none can take its tests now: {why}")));
    }
    let links = if detail.links.is_empty() { "none".to_owned() } else { detail.links.join(", ") };
    table.field("links", Cell::new(links));
    if let Some(next) = connection.next_test_at {
        table.field("next test", Cell::new(until(next, look.now)));
    }
    let mut text = table.render();
    if let Some(test) = &detail.test {
        text.push('\n');
        text.push_str(&one_test(test, look));
    }
    if connection.held {
        text.push_str("All work but its tests is held back, so that no account is locked.\n");
    }
    text
}

fn settings_fields(settings: &ConnectionSettings, table: &mut Table) {
    if !settings.description.is_empty() {
        table.field("description", Cell::lines(&settings.description));
    }
    table.field("type", Cell::new(&settings.connection_type));
    table.field("url", Cell::new(&settings.url));
    if let Some(url) = &settings.server_url {
        table.field("server url", Cell::new(url));
    }
    table.field("test repository", Cell::new(&settings.test_repository));
    table.field("credentials", Cell::new(settings.credentials.as_deref().unwrap_or("none")));
    if let Some(keys) = &settings.host_keys {
        table.field("host keys", Cell::new(host_keys(keys)));
    }
    if let Some(certificate) = &settings.client_certificate {
        table.field("client certificate", Cell::new(format!("{}, key {}", certificate.path, certificate.key)));
    }
    if let Some(api) = &settings.api {
        table.field("api", Cell::new(format!("{}, token {}", api.url, api.token)));
    }
    if let Some(path) = &settings.additional_certs_path {
        table.field("certificates", Cell::new(path));
    }
    let tags =
        if settings.delegate_tags.is_empty() { "any delegate".to_owned() } else { settings.delegate_tags.join(", ") };
    table.field("delegate tags", Cell::new(tags));
    table.field("test every", Cell::new(&settings.test_every));
}

fn host_keys(keys: &HostKeysView) -> String {
    match &keys.known_hosts {
        Some(path) => path.clone(),
        None if keys.fingerprints.is_empty() => "those that the provider publishes".to_owned(),
        None => keys.fingerprints.join(", "),
    }
}

fn one_test(test: &TestRecord, look: &Look) -> String {
    let by = test.delegate.as_ref().map(|name| format!(", by delegate {name}")).unwrap_or_default();
    let title = format!("Tested {}{by}, in {}", ago(test.at, look.now), duration(test.duration_ms));
    let mut text = format!("{}\n{}", Paint::Title.on(escaped_lines(&title)), checklist::steps(&test.steps, look));
    if let Some(days) = test.certificate_days_left {
        let left = if days < 0 {
            "has run out".to_owned()
        } else {
            format!("runs out in {}", count(days.unsigned_abs(), "day"))
        };
        text.push_str(&format!("The server's certificate {left}.\n"));
    }
    if let Some(failure) = &test.failure {
        text.push_str(&failure::told(failure, look));
    }
    text
}

pub(super) fn history(tests: &[TestRecord], look: &Look) -> String {
    if tests.is_empty() {
        return "It has not been tested yet: `suitesync connection test NAME` does it now.\n".to_owned();
    }
    let mut table = Table::new(["TESTED", "OUTCOME", "TIME", "DELEGATE", "FAILURE"], look);
    for test in tests {
        let (outcome, why) = match &test.failure {
            Some(failure) => ("failed", failure.to_string()),
            None => ("ok", String::new()),
        };
        table.row([
            Cell::new(ago(test.at, look.now)),
            Cell::status(outcome),
            Cell::new(duration(test.duration_ms)),
            Cell::new(test.delegate.as_deref().unwrap_or_default()),
            Cell::new(why),
        ]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use suitesync_contract::{Failure, FailureClass, Step, StepOutcome, StepReport};

    use super::super::super::look::tests::{look, plain};
    use super::*;
    use crate::domain::connection::ConnectionStatus;
    use crate::views::{ApiView, ClientCertificateView, LastTest};

    fn connection(name: &str, failure: Option<Failure>) -> ConnectionView {
        let status = if failure.is_some() { ConnectionStatus::Error } else { ConnectionStatus::Active };
        let outcome = "ok".to_owned();
        ConnectionView {
            name: name.to_owned(),
            display_name: name.to_owned(),
            status,
            disconnected: false,
            held: failure.is_some(),
            last_test: Some(LastTest { at: look().now - TimeDelta::minutes(3), outcome }),
            next_test_at: Some(look().now + TimeDelta::minutes(27)),
            failure,
        }
    }

    #[test]
    fn a_listing_shows_what_holds_and_when_it_is_tried_next() {
        let rejected = Failure::new(FailureClass::AuthRejected, "the token was refused");
        let gone =
            ConnectionView { disconnected: true, last_test: None, next_test_at: None, ..connection("old", None) };
        let connections = [connection("contoso", None), connection("fabrikam", Some(rejected)), gone];
        insta::assert_snapshot!(plain(&list(&connections, &look())), @"
        NAME      STATUS        TESTED     NEXT TEST  FAILURE
        contoso   active        3 min ago  in 27 min
        fabrikam  error, held   3 min ago  in 27 min  auth_rejected
        old       disconnected  never
        ");
    }

    #[test]
    fn an_empty_listing_says_what_to_do() {
        assert!(list(&[], &look()).contains("add a [[connection]]"));
    }

    #[test]
    fn a_connection_is_shown_with_its_newest_test() {
        let step =
            StepReport { step: Step::Dns, outcome: StepOutcome::Ok, detail: "192.0.2.7".to_owned(), duration_ms: 4 };
        let settings = ConnectionSettings {
            description: "Our \u{7}own".to_owned(),
            connection_type: "http".to_owned(),
            url: "https://dev.azure.com/contoso/payments".to_owned(),
            server_url: None,
            test_repository: "https://dev.azure.com/contoso/payments/_git/checkout".to_owned(),
            credentials: Some("[secret env:PAT]".to_owned()),
            host_keys: None,
            client_certificate: Some(ClientCertificateView {
                path: "/etc/suitesync/client.pem".to_owned(),
                key: "[secret file:/etc/suitesync/client.key]".to_owned(),
            }),
            api: Some(ApiView {
                url: "https://dev.azure.com/contoso".to_owned(),
                token: "[secret env:PAT]".to_owned(),
            }),
            additional_certs_path: None,
            delegate_tags: Vec::new(),
            test_every: "30m".to_owned(),
        };
        let test = TestRecord {
            at: look().now - TimeDelta::minutes(3),
            delegate: Some("local".to_owned()),
            duration_ms: 321,
            steps: vec![step],
            failure: None,
            certificate_days_left: Some(12),
        };
        let links = vec!["checkout-tests".to_owned()];
        let connection = connection("contoso", None);
        let unserved = Some("dc1: draining".to_owned());
        let shown = ConnectionDetail { connection, settings: Some(settings), links, unserved, test: Some(test) };
        insta::assert_snapshot!(plain(&detail(&shown, &look())), @r"
        name                contoso
        status              active
        description         Our \u{7}own
        type                http
        url                 https://dev.azure.com/contoso/payments
        test repository     https://dev.azure.com/contoso/payments/_git/checkout
        credentials         [secret env:PAT]
        client certificate  /etc/suitesync/client.pem, key [secret file:/etc/suitesync/client.key]
        api                 https://dev.azure.com/contoso, token [secret env:PAT]
        delegate tags       any delegate
        test every          30m
        delegates           none can take its tests now: dc1: draining
        links               checkout-tests
        next test           in 27 min

        Tested 3 min ago, by delegate local, in 321 ms
        ✓ dns              4 ms  192.0.2.7
        The server's certificate runs out in 12 days.
        ");
    }

    #[test]
    fn host_keys_are_a_file_or_fingerprints_or_those_that_are_published() {
        let check = |known_hosts: Option<&str>, fingerprints: &[&str], expect: &str| {
            let fingerprints = fingerprints.iter().map(|text| (*text).to_owned()).collect();
            let keys = HostKeysView { known_hosts: known_hosts.map(str::to_owned), fingerprints };
            assert_eq!(host_keys(&keys), expect);
        };
        check(Some("/etc/suitesync/known_hosts"), &[], "/etc/suitesync/known_hosts");
        check(None, &["SHA256:a", "SHA256:b"], "SHA256:a, SHA256:b");
        check(None, &[], "those that the provider publishes");
    }
}

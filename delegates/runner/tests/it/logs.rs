//! What runs print, and what of it is kept.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use suitesync_contract::{Exit, SecretRef};
use suitesync_runner::{Redactor, Secret};
use zeroize::Zeroizing;

use crate::support::Stage;

const VALUE: &str = "correct horse/battery";

fn with_secret(script: &str) -> Stage {
    let source = SecretRef::Env("PASSWORD".to_owned());
    let secret = Secret { source, value: Zeroizing::new(VALUE.to_owned()), user: Some("svc".to_owned()) };
    let mut stage = Stage::shell(script);
    stage.order.environment.insert("PASSWORD".to_owned(), VALUE.to_owned());
    stage.order.redactor = Redactor::new(&[secret]).unwrap();
    stage
}

async fn check_hidden(script: &str, expect: &str) {
    let stage = with_secret(script);
    stage.run().await;
    assert_eq!(stage.log(), expect, "{script}");
}

#[tokio::test]
async fn both_streams_are_in_the_log_in_the_order_they_were_printed() {
    let stage = Stage::shell("for i in 1 2 3; do echo out $i; echo err $i >&2; done");
    let end = stage.run().await;
    assert_eq!(stage.log(), "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
    assert_eq!((end.log.printed, end.log.left_out), (36, 0));
}

#[tokio::test]
async fn a_secret_is_not_in_the_log_however_it_is_printed() {
    check_hidden("echo \"<$PASSWORD>\"", "<[secret env:PASSWORD]>\n").await;
    check_hidden("printf 'svc:%s' \"$PASSWORD\" | base64", "[secret env:PASSWORD]\n").await;
    check_hidden("printf 'corr'; sleep 0.1; printf 'ect horse'; sleep 0.1; echo /battery", "[secret env:PASSWORD]\n")
        .await;
    let halves = STANDARD.encode(VALUE);
    let (first, second) = halves.split_at(9);
    let script = format!("printf '{first}'; sleep 0.1; echo '{second}' >&2");
    let stage = with_secret(&script);
    stage.run().await;
    assert!(stage.log().starts_with("[secret env:PASSWORD]"), "{}", stage.log());
}

#[tokio::test]
async fn a_log_of_many_megabytes_takes_what_it_may_and_holds_nothing_up() {
    let mut stage = Stage::shell("echo first; yes 'a line of the log' | head -c 200000000; echo; echo last");
    stage.order.limits.log_bytes = 1 << 20;
    let end = stage.run().await;
    assert_eq!((end.exit, end.log.fault), (Exit::Code(0), None));
    assert!(end.log.printed > 200_000_000);
    let log = stage.log();
    assert!(log.len() <= (1 << 20) + 100, "{}", log.len());
    assert!(log.starts_with("first\n") && log.ends_with("\nlast\n"));
    assert_eq!(fs::read_dir(stage.folder()).unwrap().count(), 2);
}

#[tokio::test]
async fn a_run_goes_on_when_its_log_cannot_be_written() {
    let mut stage = Stage::shell("yes | head -c 1000000; exit 7");
    stage.order.log = "/dev/full".into();
    let end = stage.run().await;
    assert_eq!(end.exit, Exit::Code(7));
    assert!(end.log.fault.is_some());
    assert_eq!(end.log.printed, 1_000_000);
}

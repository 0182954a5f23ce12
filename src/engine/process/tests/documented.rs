//! The examples of the documentation are what both sides read.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use suitesync_contract::rpc::{CancelParams, ProgressParams, RunTaskParams, method};

use super::*;

const PAGE: &str = include_str!("../../../../docs/delegate-protocol.md");

/// Read, and written again with all that was read.
fn check<T: DeserializeOwned + Serialize>(value: Value) {
    let read: T = serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"));
    let written = serde_json::to_value(read).unwrap();
    expect_within(&value, &written);
}

/// Members that are left out of an example have their defaults.
fn expect_within(example: &Value, written: &Value) {
    match (example, written) {
        (Value::Object(example), Value::Object(written)) => {
            example.iter().for_each(|(name, value)| expect_within(value, written.get(name).unwrap_or(&Value::Null)));
        }
        (Value::Array(example), Value::Array(written)) => {
            assert_eq!(example.len(), written.len());
            example.iter().zip(written).for_each(|(example, written)| expect_within(example, written));
        }
        (example, written) => assert_eq!(example, written),
    }
}

fn check_line(line: &str) {
    let message: Message = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let params = message.params.unwrap_or_default();
    match (message.method.as_deref(), message.result) {
        (Some(method::INITIALIZE), _) => check::<Initialize>(params),
        (Some(method::RUN_TASK), _) => check::<RunTaskParams>(params),
        (Some(method::CANCEL), _) => check::<CancelParams>(params),
        (Some(method::PROGRESS), _) => check::<ProgressParams>(params),
        (None, Some(result)) if message.id == Some(0) => check::<Initialized>(result),
        (None, Some(result)) => check::<RunTaskResult>(result),
        (None, None) => assert!(message.error.is_some(), "{line}"),
        (Some(other), _) => panic!("there is no {other}"),
    }
}

#[test]
fn every_example_is_read_and_written_alike() {
    let lines: Vec<_> = PAGE.lines().filter(|line| line.starts_with("{\"jsonrpc\"")).collect();
    assert!(lines.len() > 10);
    lines.into_iter().for_each(check_line);
}

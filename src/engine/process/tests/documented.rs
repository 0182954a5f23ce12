//! The examples of the documentation are what both sides read, and what the schema says.

use boon::{Compiler, SchemaIndex, Schemas};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use suitesync_contract::rpc::{CancelParams, ProgressParams, RunTaskParams, method};

use super::*;

const PAGE: &str = include_str!("../../../../docs/delegate-protocol.md");
const SCHEMA: &str = include_str!("../../../../docs/delegate-protocol.schema.json");

/// The schema of the lines that one side writes.
struct Lines {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Lines {
    fn of(side: &str) -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("lines.json", serde_json::from_str(SCHEMA).unwrap()).unwrap();
        let index = compiler.compile(&format!("lines.json#/$defs/{side}"), &mut schemas).unwrap();
        Self { schemas, index }
    }

    fn check(&self, line: &str, is_valid: bool) {
        let value = serde_json::from_str(line).unwrap();
        let checked = self.schemas.validate(&value, self.index);
        assert_eq!(checked.is_ok(), is_valid, "{line}\n{:?}", checked.err().map(|error| error.to_string()));
    }
}

fn examples() -> Vec<&'static str> {
    let lines: Vec<_> = PAGE.lines().filter(|line| line.starts_with("{\"jsonrpc\"")).collect();
    assert!(lines.len() > 10);
    lines
}

fn is_of_agent(line: &str) -> bool {
    let method = serde_json::from_str::<Message>(line).unwrap().method;
    method.is_some_and(|method| method != method::PROGRESS)
}

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
    examples().into_iter().for_each(check_line);
}

#[test]
fn every_example_is_what_the_schema_says_of_its_side() {
    let (agent, delegate) = (Lines::of("AgentMessage"), Lines::of("DelegateMessage"));
    for line in examples() {
        let side = if is_of_agent(line) { &agent } else { &delegate };
        side.check(line, true);
    }
}

#[test]
fn the_schema_refuses_what_is_of_the_wrong_kind() {
    let lines = Lines::of("DelegateMessage");
    let refuse = |line: &str| lines.check(line, false);
    refuse(r#"{"jsonrpc":"1.0","id":0,"result":{"protocol":1,"program":"x","work":[]}}"#);
    refuse(r#"{"jsonrpc":"2.0","id":"0","result":{"protocol":1,"program":"x","work":[]}}"#);
    refuse(r#"{"jsonrpc":"2.0","id":0,"result":{"protocol":1,"program":"x","work":["dance"]}}"#);
    refuse(r#"{"jsonrpc":"2.0","id":1,"result":{"outcome":true}}"#);
    refuse(r#"{"jsonrpc":"2.0","id":1,"result":{"outcome":{"task":"7","result":{"Ok":{}}}}}"#);
    refuse(r#"{"jsonrpc":"2.0","id":1,"error":{"code":"-32601","message":"no"}}"#);
    refuse(r#"{"jsonrpc":"2.0","method":"progress","params":{"task":7,"progress":{"received":{"bytes":-1}}}}"#);
    refuse("[]");
}

#[test]
fn the_schema_knows_what_texts_look_like() {
    let lines = Lines::of("DelegateMessage");
    let commit = |link: &str, commit: &str, is_valid| {
        let facts = format!(r#"{{"Ok":{{"unchanged":{{"commit":"{commit}"}}}}}}"#);
        let sync = format!(
            r#"{{"links":[{{"link":"{link}","revision":1,"result":{facts}}}],"transfer":{{"requests":1,"received_bytes":0}}}}"#
        );
        let result = format!(r#"{{"outcome":{{"task":7,"result":{{"Ok":{{"sync":{sync}}}}}}}}}"#);
        lines.check(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#), is_valid);
    };
    let id = "6dcb09b5b57875f334f61aebed695e2e4193db5e";
    commit("shop", id, true);
    commit("Prüfstand_2.b", id, true);
    commit("shop", "6dcb09b5", false);
    commit("shop tests", id, false);
    commit("", id, false);
    commit(&"x".repeat(51), id, false);
}

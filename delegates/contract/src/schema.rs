//! The JSON Schema of what agent and delegate say to each other, made from the types themselves: for those who write a
//! delegate in another language. Behind a feature, since only tests and the documentation ask for it.
//!
//! It says what is understood. Members that may be left out are not required, and unknown ones are allowed.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::rpc::{
    CancelParams, Initialize, Initialized, PROTOCOL, ProgressParams, RpcError, RunTaskParams, RunTaskResult, method,
};

/// Lines of the agent, by the names of their schemas.
const OF_AGENT: [&str; 4] = ["InitializeRequest", "RunTaskRequest", "CancelNotification", "Refusal"];

/// Lines of the delegate.
const OF_DELEGATE: [&str; 4] = ["InitializeAnswer", "RunTaskAnswer", "ProgressNotification", "Refusal"];

/// The whole schema: any line, and under `$defs` the lines of either side, each kind of line, and all that they hold.
pub fn document() -> Value {
    let mut types = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let lines = [
        ("InitializeRequest", request::<Initialize>(&mut types, method::INITIALIZE)),
        ("InitializeAnswer", answer::<Initialized>(&mut types)),
        ("RunTaskRequest", request::<RunTaskParams>(&mut types, method::RUN_TASK)),
        ("RunTaskAnswer", answer::<RunTaskResult>(&mut types)),
        ("CancelNotification", notification::<CancelParams>(&mut types, method::CANCEL)),
        ("ProgressNotification", notification::<ProgressParams>(&mut types, method::PROGRESS)),
        ("Refusal", refusal(&mut types)),
        ("AgentMessage", any_of("A line of the agent.", &OF_AGENT)),
        ("DelegateMessage", any_of("A line of the delegate.", &OF_DELEGATE)),
    ];
    let mut definitions = types.take_definitions(true);
    definitions.extend(lines.map(|(name, schema)| (name.to_owned(), schema)));
    let mut document = any_of(
        &format!("One line of version {PROTOCOL} of the protocol of delegates (docs/delegate-protocol.md)."),
        &["AgentMessage", "DelegateMessage"],
    );
    document["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    document["$defs"] = Value::Object(definitions);
    // Where another crate has maps keep the order of their making, the text is the same.
    document.sort_all_objects();
    document
}

fn any_of(description: &str, names: &[&str]) -> Value {
    let schemas: Vec<_> = names.iter().map(|name| json!({ "$ref": format!("#/$defs/{name}") })).collect();
    json!({ "description": description, "anyOf": schemas })
}

fn request<T: JsonSchema>(types: &mut SchemaGenerator, method: &str) -> Value {
    let members = json!({ "id": id(), "method": { "const": method }, "params": schema_of::<T>(types) });
    line(&format!("The request `{method}`."), members)
}

fn notification<T: JsonSchema>(types: &mut SchemaGenerator, method: &str) -> Value {
    let members = json!({ "id": false, "method": { "const": method }, "params": schema_of::<T>(types) });
    line(&format!("The notification `{method}`, which has no answer."), members)
}

fn answer<T: JsonSchema>(types: &mut SchemaGenerator) -> Value {
    let members = json!({ "id": id(), "method": false, "result": schema_of::<T>(types), "error": false });
    line("The answer to the request with the same `id`.", members)
}

/// Its `id` is null where the request's could not be read.
fn refusal(types: &mut SchemaGenerator) -> Value {
    let id = json!({ "type": ["integer", "null"], "minimum": 0 });
    let members = json!({ "id": id, "method": false, "result": false, "error": schema_of::<RpcError>(types) });
    line("The answer to a request that was not understood.", members)
}

fn id() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// An object with these members, those left out that may not be there.
fn line(description: &str, mut members: Value) -> Value {
    members["jsonrpc"] = json!({ "const": "2.0" });
    let is_needed = |(_, schema): &(&String, &Value)| **schema != Value::Bool(false);
    let required: Vec<_> =
        members.as_object().into_iter().flatten().filter(is_needed).map(|(name, _)| name.clone()).collect();
    json!({ "description": description, "type": "object", "properties": members, "required": required })
}

fn schema_of<T: JsonSchema>(types: &mut SchemaGenerator) -> Schema {
    types.subschema_for::<T>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_the_schema_of_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/delegate-protocol.schema.json");
        let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), text, "UPDATE_DOCS=1 cargo test writes it");
    }
}

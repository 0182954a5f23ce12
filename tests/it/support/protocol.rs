//! What delegates may say: the schema of the protocol, as strangers have it.

use boon::{Compiler, Schemas};

const SCHEMA: &str = include_str!("../../../docs/delegate-protocol.schema.json");

/// What is wrong with lines of a delegate, each with its reason.
pub(crate) fn complaints(lines: &str) -> Vec<String> {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("lines.json", serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let said = compiler.compile("lines.json#/$defs/DelegateMessage", &mut schemas).unwrap();
    let complaint = |line: &str| {
        let value = serde_json::from_str(line).unwrap();
        schemas.validate(&value, said).err().map(|error| format!("{line}: {error}"))
    };
    lines.lines().filter_map(complaint).collect()
}

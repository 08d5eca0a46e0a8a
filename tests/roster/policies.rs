//! What each function did, held against what its `Policies` in the template let it do. The local
//! database lets everybody do everything; AWS does not.

use local::{dynamodb::Access, template::Model};
use serde_json::Value;

use crate::support::Roster;

/// Panics at the first call that AWS would have refused.
pub fn assert_permitted(roster: &Roster) {
    let model = &roster.stack.model;
    for call in roster.stack.services.dynamo.calls().since(0) {
        // Others than functions are the tests and commands of this machine.
        let Some(function) = model.functions.get(&call.caller) else {
            continue;
        };
        for access in &call.accesses {
            let permitted = function
                .statements
                .iter()
                .any(|statement| permits(statement, access, model));
            assert!(permitted, "{} may not {access:?}", call.caller);
        }
    }
}

fn permits(statement: &Value, access: &Access, model: &Model) -> bool {
    let table = model
        .tables
        .values()
        .find(|table| table.name == access.table);
    let arn = table.map_or_else(String::new, |table| match &access.index {
        Some(index) => format!("{}/index/{index}", table.arn),
        None => table.arn.clone(),
    });
    let action = format!("dynamodb:{}", access.action);
    statement["Effect"] == "Allow"
        && texts(&statement["Action"]).any(|allowed| allowed == action)
        && texts(&statement["Resource"]).any(|allowed| allowed == arn)
        && leading_keys_are_permitted(&statement["Condition"], access)
}

/// `ForAllValues`: each key of the call must be like one of those in the condition.
fn leading_keys_are_permitted(condition: &Value, access: &Access) -> bool {
    let Some(operators) = condition.as_object() else {
        return true;
    };
    operators.values().all(|keys| {
        let patterns: Vec<&str> = texts(&keys["dynamodb:LeadingKeys"]).collect();
        assert!(
            !patterns.is_empty(),
            "a condition on something else: {condition}"
        );
        access
            .leading_keys
            .iter()
            .all(|key| patterns.iter().any(|pattern| is_like(key, pattern)))
    })
}

/// `StringLike` with a star at the end at most, which is all that the template uses.
fn is_like(key: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => key.starts_with(prefix),
        None => key == pattern,
    }
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let many = value.as_array().into_iter().flatten();
    many.chain(Some(value)).filter_map(Value::as_str)
}

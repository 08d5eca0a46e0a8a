//! IAM policies: what functions may do.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    build::Context,
    error::{Result, typed},
};

/// IAM statements of managed policies, by logical id.
pub(super) type ManagedPolicies = BTreeMap<String, Vec<Value>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Document {
    #[serde(rename = "Version")]
    _version: Option<String>,
    statement: Value,
}

impl Document {
    fn statements(self) -> Vec<Value> {
        list(self.statement)
    }
}

/// A list may stand for itself, or be its only element.
fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(many) => many,
        one => vec![one],
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ManagedPolicy {
    policy_document: Document,
}

/// The statements of an `AWS::IAM::ManagedPolicy`.
pub(super) fn managed(place: &str, properties: Value) -> Result<Vec<Value>> {
    let policy: ManagedPolicy = typed(place, properties)?;
    Ok(policy.policy_document.statements())
}

/// The statements of a function's `Policies`: inline ones, and those of managed policies of the
/// template. Policies of AWS and SAM's policy templates would hide what a function may do.
pub(super) fn of_function(
    context: &Context<'_>,
    managed: &ManagedPolicies,
    place: &str,
    policies: Value,
) -> Result<Vec<Value>> {
    let mut statements = Vec::new();
    for (at, policy) in list(policies).into_iter().enumerate() {
        let place = format!("{place}.Policies[{at}]");
        if let Value::String(arn) = policy {
            let id = context.policy(&place, &arn)?;
            let shared = managed.get(&id);
            statements.extend(shared.into_iter().flatten().cloned());
        } else {
            statements.extend(typed::<Document>(&place, policy)?.statements());
        }
    }
    Ok(statements)
}

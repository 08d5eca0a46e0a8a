//! IAM policies: what functions may do.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    build::Context,
    error::{Result, typed, wrong},
};

/// IAM statements of managed policies and roles, by logical id.
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Role {
    #[serde(default)]
    policies: Vec<RolePolicy>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RolePolicy {
    #[serde(rename = "PolicyName")]
    _name: String,
    policy_document: Document,
}

/// The statements of an `AWS::IAM::Role`.
pub(super) fn of_role(place: &str, properties: Value) -> Result<Vec<Value>> {
    let role: Role = typed(place, properties)?;
    let documents = role
        .policies
        .into_iter()
        .map(|policy| policy.policy_document);
    Ok(documents.flat_map(Document::statements).collect())
}

/// The statements of a function's `Role`, which SAM then gives nothing more, or of its `Policies`: inline
/// ones, and those of managed policies of the template. Policies of AWS and SAM's policy templates would
/// hide what a function may do.
pub(super) fn of_function(
    context: &Context<'_>,
    managed: &ManagedPolicies,
    place: &str,
    policies: Value,
    role: &Value,
) -> Result<Vec<Value>> {
    let mut statements = Vec::new();
    if let Some(role) = role.as_str() {
        if !policies.is_null() {
            return wrong(place, "has a Role, so SAM passes over its Policies");
        }
        statements.extend(managed.get(role).into_iter().flatten().cloned());
    }
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

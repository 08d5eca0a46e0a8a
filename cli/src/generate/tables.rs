//! Tables of the documents.

use std::fmt::Write as _;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;
use yaml_serde::Value as Yaml;

use super::contract::Contract;

/// What stands around a table in a document.
const BEGIN: &str = "<!-- `cargo roster generate` writes this table -->\n";
const END: &str = "<!-- end -->";

/// The document with another table.
pub(super) fn replace(document: &str, table: &str) -> anyhow::Result<String> {
    let (before, rest) = document.split_once(BEGIN).context("no table begins")?;
    let (_, after) = rest.split_once(END).context("no table ends")?;
    Ok(format!("{before}{BEGIN}{table}{END}{after}"))
}

/// What the API can do.
pub(super) fn operations(contract: &Contract) -> String {
    let mut table = "| | who | |\n|---|---|---|\n".to_owned();
    for operation in &contract.operations {
        let (method, path) = (&operation.method, &operation.path);
        let (access, summary) = (&operation.access, &operation.summary);
        _ = writeln!(table, "| `{method} {path}` | {access} | {summary} |");
    }
    table
}

/// A parameter of the template.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    #[serde(default)]
    default: Value,
    #[serde(default)]
    allowed_values: Vec<Value>,
    min_value: Option<u64>,
    max_value: Option<u64>,
    #[serde(default)]
    description: String,
}

/// The parameters of a deployment.
pub(super) fn parameters(template: &Yaml) -> anyhow::Result<String> {
    let mut table = "| parameter | default | allowed | meaning |\n|---|---|---|---|\n".to_owned();
    let parameters = template.get("Parameters").and_then(Yaml::as_mapping);
    for (name, parameter) in parameters.context("no parameters")? {
        let name = name.as_str().context("a name which is no text")?;
        let parameter: Parameter = yaml_serde::from_value(parameter.clone())?;
        let default = shown(&parameter.default);
        let allowed = parameter.allowed();
        let meaning = escape(&parameter.description);
        _ = writeln!(table, "| `{name}` | {default} | {allowed} | {meaning} |");
    }
    Ok(table)
}

impl Parameter {
    fn allowed(&self) -> String {
        match (self.min_value, self.max_value) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("from {min}"),
            _ => {
                let values = self.allowed_values.iter();
                let values: Vec<_> = values.map(shown).collect();
                values.join(", ")
            }
        }
    }
}

/// A value of a parameter.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none: must be given".to_owned(),
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => format!("`{text}`"),
        other => other.to_string(),
    }
}

/// Plain text as Markdown of a cell.
fn escape(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "\\<")
}

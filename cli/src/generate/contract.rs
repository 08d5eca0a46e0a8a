//! The operations of openapi.yaml.

use anyhow::{Context as _, anyhow};
use serde_json::Value;
use yaml_serde::Value as Yaml;

/// `openapi.yaml`.
pub(super) struct Contract {
    /// In the order of the document.
    pub(super) operations: Vec<Operation>,
}

/// A method of a path.
pub(super) struct Operation {
    /// Such as `GET`.
    pub(super) method: String,
    /// With `{names}` in it.
    pub(super) path: String,
    /// `x-access`: who may call, and of whom a recent sign-in is demanded.
    pub(super) access: String,
    /// What it does, in a few words.
    pub(super) summary: String,
    /// Whether a request must have an access token.
    pub(super) is_authenticated: bool,
    /// Those which have an example.
    pub(super) parameters: Vec<Parameter>,
    /// Media type and example of the body.
    pub(super) body: Option<(String, Value)>,
}

/// A parameter with its example.
pub(super) struct Parameter {
    pub(super) name: String,
    /// `path`, `query` or `header`.
    pub(super) place: String,
    pub(super) example: String,
}

impl Contract {
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        // Not JSON, whose objects do not keep the order of the document.
        let document: Yaml = yaml_serde::from_str(text)?;
        let mut operations = Vec::new();
        for (path, item) in entries(&document["paths"]) {
            for (method, operation) in entries(item).filter(|(name, _)| *name != "parameters") {
                let read = Operation::read(&document, path, item, method, operation);
                operations.push(read.with_context(|| format!("{method} {path}"))?);
            }
        }
        Ok(Self { operations })
    }

    /// The operation of a route of the template.
    pub(super) fn find(&self, method: &str, path: &str) -> anyhow::Result<&Operation> {
        let mut operations = self.operations.iter();
        operations
            .find(|operation| operation.method == method && operation.path == path)
            .ok_or_else(|| anyhow!("openapi.yaml has no {method} {path}"))
    }
}

impl Operation {
    fn read(
        document: &Yaml,
        path: &str,
        item: &Yaml,
        method: &str,
        operation: &Yaml,
    ) -> anyhow::Result<Self> {
        let text = |name: &str| {
            let text = operation[name].as_str().map(str::to_owned);
            text.with_context(|| format!("no {name}"))
        };
        let access = text("x-access")?;
        let parameters = [&item["parameters"], &operation["parameters"]].into_iter();
        let parameters = parameters.filter_map(Yaml::as_sequence).flatten();
        Ok(Self {
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text("summary")?,
            is_authenticated: !access.starts_with("anyone"),
            parameters: parameters
                .filter_map(|parameter| Parameter::read(follow(document, parameter)))
                .collect(),
            body: body(document, &operation["requestBody"], &access),
            access,
        })
    }
}

impl Parameter {
    fn read(parameter: &Yaml) -> Option<Self> {
        let example = match parameter.get("example")? {
            Yaml::String(text) => text.clone(),
            other => serde_json::to_string(other).ok()?,
        };
        Some(Self {
            name: parameter["name"].as_str()?.to_owned(),
            place: parameter["in"].as_str()?.to_owned(),
            example,
        })
    }
}

/// The first media type, and an example of a body in it. The sample of a request comes from an
/// administrator, so where examples differ, it is theirs.
fn body(document: &Yaml, body: &Yaml, access: &str) -> Option<(String, Value)> {
    let (kind, content) = entries(&follow(document, body)["content"]).next()?;
    let examples = &content["examples"];
    let name = if is_for_owner(access) {
        "own"
    } else {
        "anothers"
    };
    let first = || Some(entries(examples).next()?.1);
    let example = examples.get(name).or_else(first)?;
    let value = serde_json::to_value(&follow(document, example)["value"]).ok()?;
    Some((kind.to_owned(), value))
}

/// Whether only owners may call, by this `x-access`.
pub(super) fn is_for_owner(access: &str) -> bool {
    access.split(' ').next() == Some("owner")
}

/// What a reference refers to; anything else is itself.
fn follow<'a>(document: &'a Yaml, value: &'a Yaml) -> &'a Yaml {
    let reference = value.get("$ref").and_then(Yaml::as_str);
    let Some(path) = reference.and_then(|reference| reference.strip_prefix("#/")) else {
        return value;
    };
    path.split('/').fold(document, |node, name| &node[name])
}

fn entries(mapping: &Yaml) -> impl Iterator<Item = (&str, &Yaml)> {
    let entries = mapping.as_mapping().into_iter().flatten();
    entries.filter_map(|(name, value)| Some((name.as_str()?, value)))
}

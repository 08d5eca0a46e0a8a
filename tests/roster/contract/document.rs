//! `openapi.yaml`: its operations and schemas.

use std::{
    collections::HashMap,
    fmt, fs,
    sync::{Arc, Mutex},
};

use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};

use super::Side;
use crate::support::template;

/// Answers that any operation may give if something breaks, or by the gate before it: one test that
/// shows the component does for all.
const SHARED: [&str; 5] = [
    "Internal",
    "ProviderUnavailable",
    "TooManyCalls",
    "Unavailable",
    "VersionConflict",
];

/// The id of nobody.
pub const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// The service whose instances the keys of tests register; no test registers it.
pub const SERVICE: &str = "profiles";

/// The document.
pub struct Contract {
    /// As it is written.
    pub document: Value,
    /// Every operation.
    pub operations: Vec<Operation>,
    /// The schemas for answers: no field is there that is not listed. As written they are open, so
    /// that clients ignore what they do not know.
    closed: Value,
    validators: Mutex<HashMap<(Side, String), Arc<Validator>>>,
}

/// A method of a path.
pub struct Operation {
    pub id: String,
    pub method: Method,
    /// With `{names}` in it.
    pub path: String,
    /// As it is written.
    pub written: Value,
    /// Those of the path too.
    pub parameters: Vec<Value>,
}

/// What a request is about.
pub enum Found<'a> {
    Operation(&'a Operation),
    /// The path is known, the method is not.
    OtherMethod,
    Nothing,
}

impl Contract {
    pub fn read() -> Self {
        let text = fs::read_to_string(template().with_file_name("openapi.yaml")).unwrap();
        let document: Value = yaml_serde::from_str(&text).unwrap();
        let mut closed = document["components"]["schemas"].clone();
        close(&mut closed);
        let mut contract = Self {
            document,
            operations: Vec::new(),
            closed,
            validators: Mutex::default(),
        };
        let paths = contract.document["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            let methods = methods.filter(|(name, _)| *name != "parameters");
            methods.map(|(method, written)| contract.operation(path, item, method, written))
        });
        contract.operations = operations.collect();
        contract
    }

    fn operation(&self, path: &str, item: &Value, method: &str, written: &Value) -> Operation {
        let both = [&item["parameters"], &written["parameters"]].into_iter();
        let both = both.filter_map(Value::as_array).flatten();
        Operation {
            id: written["operationId"].as_str().unwrap().to_owned(),
            method: method.to_uppercase().parse().unwrap(),
            path: path.to_owned(),
            written: written.clone(),
            parameters: both.map(|each| self.follow(each).clone()).collect(),
        }
    }

    /// What a reference refers to; anything else is itself.
    pub fn follow<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => {
                let pointer = reference.strip_prefix('#').unwrap();
                self.document.pointer(pointer).unwrap()
            }
            None => value,
        }
    }

    pub fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let mut at_path = self.operations.iter().filter(|each| each.is_at(path));
        match at_path.clone().find(|each| each.method == *method) {
            Some(operation) => Found::Operation(operation),
            None if at_path.next().is_some() => Found::OtherMethod,
            None => Found::Nothing,
        }
    }

    /// The response that is documented for this status, and what it counts as.
    pub fn response<'a>(&'a self, found: &Found<'a>, status: u16) -> Option<(&'a Value, String)> {
        let components = &self.document["components"]["responses"];
        match (found, status) {
            // Headers are read before the operation is known.
            (Found::Operation(operation), 400)
                if operation.written["responses"].get("400").is_none() =>
            {
                Some((&components["Malformed"], "Malformed".into()))
            }
            (Found::Operation(operation), _) => {
                let response = operation.written["responses"].get(status.to_string())?;
                let key = operation.key(&status.to_string());
                Some((self.follow(response), key))
            }
            (Found::OtherMethod, 405) => {
                Some((&components["MethodNotAllowed"], "MethodNotAllowed".into()))
            }
            (Found::Nothing, 404) => Some((&components["NotFound"], "NotFound".into())),
            _ => None,
        }
    }

    /// What every test together must show.
    pub fn documented(&self) -> impl Iterator<Item = String> {
        let operations = self.operations.iter().flat_map(|operation| {
            let responses = operation.written["responses"].as_object().unwrap();
            responses.keys().map(|status| operation.key(status))
        });
        operations.chain(["MethodNotAllowed", "NotFound"].map(str::to_owned))
    }

    /// What is wrong with `instance` by `schema`.
    pub fn errors(&self, side: Side, schema: &Value, instance: &Value) -> Vec<String> {
        let validator = self.validator(side, schema);
        let errors = validator.iter_errors(instance);
        errors
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect()
    }

    fn validator(&self, side: Side, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap();
        let compile = || {
            let mut schema = schema.clone();
            let schemas = match side {
                Side::Request => &self.document["components"]["schemas"],
                Side::Answer => {
                    close(&mut schema);
                    &self.closed
                }
            };
            // References lead to where they lead in the document.
            schema["components"] = json!({ "schemas": schemas });
            let options = jsonschema::draft202012::options().should_validate_formats(true);
            Arc::new(options.build(&schema).unwrap())
        };
        let key = (side, schema.to_string());
        validators.entry(key).or_insert_with(compile).clone()
    }
}

impl Operation {
    /// `x-access`.
    pub fn x_access(&self) -> &str {
        let access = self.written["x-access"].as_str();
        access.unwrap_or_else(|| panic!("{} has no x-access", self.id))
    }

    /// Who may call: its first word.
    pub fn access(&self) -> &str {
        let access = self.x_access();
        access.split_once(' ').map_or(access, |(who, _)| who)
    }

    /// Of whom a recent sign-in is demanded, if it says so.
    pub fn recent(&self) -> Option<&str> {
        let mut words = self.x_access().split(' ').skip(1);
        words.find(|word| word.starts_with("recent"))
    }

    /// Whether the token by which it is asked for, which it ends, still gets the answer again.
    pub fn is_repeatable(&self) -> bool {
        self.x_access().split(' ').any(|word| word == "repeatable")
    }

    /// Whether administrators may call it about others.
    pub fn is_for_admins(&self) -> bool {
        let roles = ["admin", "support", "reader"];
        let owner_or = self.access().strip_prefix("owner-or-");
        roles.contains(&owner_or.unwrap_or(self.access()))
    }

    /// Its path about this user, and about nothing that is there otherwise.
    pub fn path_about(&self, user: &str) -> String {
        let path = self.path.replace("{id}", user).replace("{sid}", NOBODY);
        let path = path.replace("{key}", NOBODY);
        let path = path.replace("{name}", SERVICE);
        let path = path.replace("{instance}", "nobody");
        let path = path.replace("{identity}", &"x".repeat(43));
        assert!(!path.contains('{'), "{path}: what stands there?");
        path
    }

    /// The example of a body with this name, or else any; none if there is no body.
    pub fn example(&self, name: &str) -> Option<&Value> {
        let content = self.written["requestBody"]["content"].as_object()?;
        let examples = content.values().next()?["examples"].as_object()?;
        let example = examples.get(name).or_else(|| examples.values().next())?;
        Some(&example["value"])
    }

    /// Whether this parameter is documented.
    pub fn takes(&self, parameter: &str) -> bool {
        let mut parameters = self.parameters.iter();
        parameters.any(|documented| documented["name"] == parameter)
    }

    /// Whether `path` is one of this operation.
    fn is_at(&self, path: &str) -> bool {
        let (mut template, mut path) = (self.path.split('/'), path.split('/'));
        loop {
            match (template.next(), path.next()) {
                (None, None) => return true,
                (Some(known), Some(sent)) if known == sent || known.starts_with('{') => {}
                _ => return false,
            }
        }
    }

    /// What an answer of this status counts as.
    fn key(&self, status: &str) -> String {
        let component = self.written["responses"][status]["$ref"].as_str();
        let component = component.and_then(|reference| reference.rsplit('/').next());
        match component.filter(|name| SHARED.contains(name)) {
            Some(name) => name.to_owned(),
            None => format!("{} {status}", self.id),
        }
    }
}

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(operation) => f.write_str(&operation.id),
            Self::OtherMethod => f.write_str("an unknown method"),
            Self::Nothing => f.write_str("an unknown path"),
        }
    }
}

/// Closes each schema of an object that does not say whether it is open.
fn close(value: &mut Value) {
    if let Value::Array(values) = value {
        values.iter_mut().for_each(close);
    }
    if let Value::Object(fields) = value {
        fields.values_mut().for_each(close);
        let says = ["additionalProperties", "unevaluatedProperties"];
        let is_object = fields.get("type") == Some(&json!("object"));
        if is_object
            && fields.contains_key("properties")
            && !says.iter().any(|name| fields.contains_key(*name))
        {
            fields.insert("additionalProperties".to_owned(), json!(false));
        }
    }
}

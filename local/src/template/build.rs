//! From the document to the model: one resource after the other.

use serde::de::DeserializeOwned;
use serde_json::Value;
use yaml_serde::Value as Yaml;

use super::{
    document::{Declared, Document, entries},
    error::{Result, TemplateError},
    event, function,
    intrinsic::Scope,
    model::Model,
    names::{self, Names},
    parameters::{self, Overrides},
    policy, resource, unmodelled,
};

/// The types in the model.
const MODELLED: &[&str] = &[
    "AWS::DynamoDB::Table",
    "AWS::Events::EventBus",
    "AWS::IAM::ManagedPolicy",
    "AWS::SES::ConfigurationSet",
    "AWS::SES::ConfigurationSetEventDestination",
    "AWS::SQS::Queue",
    "AWS::Serverless::Function",
    "AWS::Serverless::HttpApi",
];

/// What the parts of the model are built from.
pub(super) struct Context<'a> {
    document: &'a Document,
    scope: Scope<'a>,
    pub(super) names: Names,
}

/// The model of `document`, with these values for its parameters.
pub(super) fn model(document: &Document, overrides: &Overrides) -> Result<Model> {
    let context = Context::new(document, overrides)?;
    let mut model = Model::default();
    // Routes, rules and mappings refer to what other resources declare.
    let mut functions = Vec::new();
    let mut destinations = Vec::new();
    for (id, declared) in context.resources()? {
        let properties = context.properties(id, declared)?;
        let name = context.scope.physical_name(id, id)?;
        let place = format!("{id}.Properties");
        match declared.kind.as_str() {
            "AWS::DynamoDB::Table" => {
                let table = resource::table(&place, id, name, properties)?;
                model.tables.insert(id.clone(), table);
            }
            "AWS::Events::EventBus" => {
                resource::nothing(&place, properties)?;
                model.buses.insert(id.clone(), name);
            }
            "AWS::IAM::ManagedPolicy" => {
                let statements = policy::managed(&place, properties)?;
                model.managed_policies.insert(id.clone(), statements);
            }
            "AWS::SQS::Queue" => {
                resource::nothing(&place, properties)?;
                model.queues.insert(id.clone(), name);
            }
            "AWS::SES::ConfigurationSet" => {
                let set = resource::configuration_set(&place, name, properties)?;
                model.configuration_sets.insert(id.clone(), set);
            }
            "AWS::SES::ConfigurationSetEventDestination" => destinations.push((place, properties)),
            "AWS::Serverless::HttpApi" => resource::http_api(&mut model, &place, properties)?,
            "AWS::Serverless::Function" => functions.push((id, name, declared, properties)),
            _ => {}
        }
    }
    for (place, properties) in destinations {
        resource::event_destination(&context, &mut model, &place, properties)?;
    }
    for (id, name, declared, properties) in functions {
        let metadata = context.resolve(&format!("{id}.Metadata"), &declared.metadata)?;
        let (function, events) =
            function::function(&context, &model, id, name, properties, metadata)?;
        model.functions.insert(id.clone(), function);
        for (event, source) in events {
            event::add(&context, &mut model, id, &event, source)?;
        }
    }
    context.check_outputs()?;
    model.names = context.names;
    Ok(model)
}

impl<'a> Context<'a> {
    fn new(document: &'a Document, overrides: &Overrides) -> Result<Self> {
        let parameters = parameters::resolve(&document.parameters, overrides)?;
        let scope = Scope::new(document, parameters);
        let mut context = Self {
            document,
            scope,
            names: Names::default(),
        };
        for name in document.conditions.keys().filter_map(Yaml::as_str) {
            context.scope.condition("Conditions", name)?;
        }
        for (id, declared) in context.resources()? {
            let kind = declared.kind.as_str();
            if !MODELLED.contains(&kind) && !unmodelled::TYPES.contains(&kind) {
                return Err(TemplateError::new(
                    id,
                    format!("the emulator does not know the resource type {kind}"),
                ));
            }
            let name = context.scope.physical_name(id, id)?;
            context.names.add(id, kind, &name);
        }
        Ok(context)
    }

    /// The resources that are there: those without a condition, and those whose condition holds.
    fn resources(&self) -> Result<Vec<(&'a String, &'a Declared)>> {
        let mut resources = Vec::new();
        for (id, declared) in &self.document.resources {
            if self.holds(id, declared.condition.as_deref())? {
                resources.push((id, declared));
            }
        }
        Ok(resources)
    }

    fn holds(&self, place: &str, condition: Option<&str>) -> Result<bool> {
        condition.map_or(Ok(true), |name| self.scope.condition(place, name))
    }

    /// Outputs mean nothing here, but a broken reference in one would fail a deployment.
    fn check_outputs(&self) -> Result<()> {
        for (name, output) in entries("Outputs", &self.document.outputs)? {
            let place = format!("Outputs.{name}");
            let condition = output.get("Condition").and_then(Yaml::as_str);
            if self.holds(&place, condition)? {
                self.resolve(&place, output)?;
            }
        }
        Ok(())
    }

    pub(super) fn resolve(&self, place: &str, yaml: &Yaml) -> Result<Value> {
        self.scope.resolve(place, yaml)
    }

    /// Properties of a resource that have a meaning here, with what the globals of its type add.
    /// The one that chooses its name is not among them: see [`Scope::physical_name`].
    fn properties(&self, id: &str, declared: &Declared) -> Result<Value> {
        let mut properties = self.resolve(&format!("{id}.Properties"), &declared.properties)?;
        if let Some(globals) = self.document.globals.get(&declared.kind) {
            properties = merge(self.resolve("Globals", globals)?, properties);
        }
        unmodelled::strip(&declared.kind, &mut properties);
        if let (Some(name), Value::Object(properties)) =
            (names::name_property(&declared.kind), &mut properties)
        {
            properties.remove(name);
        }
        Ok(properties)
    }

    /// Logical id of the resource of type `kind` which `name` (a name or an ARN) means.
    pub(super) fn find(&self, place: &str, kind: &str, name: &str) -> Result<String> {
        let found = self.names.logical(name).filter(|id| {
            let declared = self.document.resources.get(*id);
            declared.is_some_and(|declared| declared.kind == kind)
        });
        let problem = || format!("`{name}` is no {kind} of this template");
        found
            .map(str::to_owned)
            .ok_or_else(|| TemplateError::new(place, problem()))
    }

    /// Logical id of the queue with this ARN.
    pub(super) fn queue(&self, place: &str, arn: &str) -> Result<String> {
        self.find(place, "AWS::SQS::Queue", arn)
    }

    /// Name of the bus which `name` (a name or an ARN, none for the default bus) means.
    pub(super) fn bus(&self, place: &str, name: Option<&str>) -> Result<String> {
        let default = "default".to_owned();
        match name {
            None => Ok(default),
            Some(name) if name == default || name == names::bus_arn(&default) => Ok(default),
            Some(name) => {
                let id = self.find(place, "AWS::Events::EventBus", name)?;
                self.scope.physical_name(place, &id)
            }
        }
    }
}

/// SAM's rule for globals: mappings are merged, lists are joined, and of anything else the
/// function's own wins.
fn merge(global: Value, own: Value) -> Value {
    match (global, own) {
        (Value::Object(mut global), Value::Object(own)) => {
            for (key, value) in own {
                let merged = match global.remove(&key) {
                    Some(inherited) => merge(inherited, value),
                    None => value,
                };
                global.insert(key, merged);
            }
            Value::Object(global)
        }
        (Value::Array(mut global), Value::Array(own)) => {
            global.extend(own);
            Value::Array(global)
        }
        (_, own) => own,
    }
}

/// Reads resolved JSON as `T`; an error names the property.
pub(super) fn typed<T: DeserializeOwned>(place: &str, value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let place = match path.as_str() {
            "." => place.to_owned(),
            path => format!("{place}.{path}"),
        };
        TemplateError::new(place, error.into_inner())
    })
}

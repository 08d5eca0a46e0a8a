//! From the document to the model: one resource after the other.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    document::{Declared, Document},
    error::{Result, TemplateError},
    event, function,
    intrinsic::Scope,
    model::Model,
    names::{self, Names},
    parameters::{self, Overrides},
    resource, unmodelled,
};

/// The types in the model.
const MODELLED: &[&str] = &[
    "AWS::DynamoDB::Table",
    "AWS::Events::EventBus",
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
    /// `Globals.Function`, resolved.
    pub(super) function_globals: Value,
}

/// The model of `document`, with these values for its parameters.
pub(super) fn model(document: &Document, overrides: &Overrides) -> Result<Model> {
    let context = Context::new(document, overrides)?;
    let mut model = Model::default();
    // Routes, rules and mappings refer to what other resources declare.
    let mut functions = Vec::new();
    let mut destinations = Vec::new();
    for (id, declared) in &document.resources {
        let properties = context.properties(id, declared)?;
        let name = context.scope.physical_name(id, id)?;
        let place = format!("{id}.Properties");
        match declared.kind.as_str() {
            "AWS::DynamoDB::Table" => {
                let table = resource::table(&place, name, properties)?;
                model.tables.insert(id.clone(), table);
            }
            "AWS::Events::EventBus" => {
                resource::bus(&place, properties)?;
                model.buses.insert(id.clone(), name);
            }
            "AWS::SQS::Queue" => {
                resource::queue(&place, properties)?;
                model.queues.insert(id.clone(), name);
            }
            "AWS::SES::ConfigurationSet" => {
                let set = resource::configuration_set(&place, name, properties)?;
                model.configuration_sets.insert(id.clone(), set);
            }
            "AWS::SES::ConfigurationSetEventDestination" => destinations.push((place, properties)),
            "AWS::Serverless::HttpApi" => resource::http_api(&place, properties)?,
            "AWS::Serverless::Function" => functions.push((id, declared, properties)),
            _ => {}
        }
    }
    for (place, properties) in destinations {
        resource::event_destination(&context, &mut model, &place, properties)?;
    }
    for (id, declared, properties) in functions {
        let metadata = context.resolve(&format!("{id}.Metadata"), &declared.metadata)?;
        let (function, events) = function::function(&context, id, properties, metadata)?;
        model.functions.insert(id.clone(), function);
        for (event, source) in events {
            event::add(&context, &mut model, id, &event, source)?;
        }
    }
    context.resolve("Outputs", &document.outputs)?;
    model.names = context.names;
    Ok(model)
}

impl<'a> Context<'a> {
    fn new(document: &'a Document, overrides: &Overrides) -> Result<Self> {
        let parameters = parameters::resolve(&document.parameters, overrides)?;
        let scope = Scope::new(document, parameters);
        let mut names = Names::default();
        for (id, declared) in &document.resources {
            let kind = declared.kind.as_str();
            if !MODELLED.contains(&kind) && !unmodelled::TYPES.contains(&kind) {
                return Err(TemplateError::new(
                    id,
                    format!("the emulator does not know the resource type {kind}"),
                ));
            }
            names.add(id, kind, &scope.physical_name(id, id)?);
        }
        let mut function_globals = scope.resolve("Globals.Function", &document.function_globals)?;
        unmodelled::strip("AWS::Serverless::Function", &mut function_globals);
        Ok(Self {
            document,
            scope,
            names,
            function_globals,
        })
    }

    pub(super) fn resolve(&self, place: &str, yaml: &yaml_serde::Value) -> Result<Value> {
        self.scope.resolve(place, yaml)
    }

    /// Properties of a resource that have a meaning here.
    fn properties(&self, id: &str, declared: &Declared) -> Result<Value> {
        let place = format!("{id}.Properties");
        let mut properties = self.resolve(&place, &declared.properties)?;
        unmodelled::strip(&declared.kind, &mut properties);
        Ok(properties)
    }

    /// Logical id of the resource of type `kind` which `name` (a name or an ARN) means.
    pub(super) fn find(&self, place: &str, kind: &str, name: &str) -> Result<String> {
        self.names
            .logical(name)
            .filter(|id| {
                self.document
                    .resources
                    .get(*id)
                    .is_some_and(|declared| declared.kind == kind)
            })
            .map(str::to_owned)
            .ok_or_else(|| {
                TemplateError::new(place, format!("`{name}` is no {kind} of this template"))
            })
    }

    /// Logical id of the queue with this ARN.
    pub(super) fn queue(&self, place: &str, arn: &str) -> Result<String> {
        self.find(place, "AWS::SQS::Queue", arn)
    }

    /// Name of the bus which `name` (a name or an ARN, none for the default bus) means.
    pub(super) fn bus(&self, place: &str, name: Option<&str>) -> Result<String> {
        match name {
            None => Ok("default".to_owned()),
            Some(name) if name == "default" || name == names::bus_arn("default") => {
                Ok("default".to_owned())
            }
            Some(name) => {
                let id = self.find(place, "AWS::Events::EventBus", name)?;
                self.scope.physical_name(place, &id)
            }
        }
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

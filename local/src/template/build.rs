//! From the template to the model: one resource after the other.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    document::{Declared, Template},
    error::{Result, typed, wrong},
    event,
    intrinsic::Scope,
    model::{ConfigurationSet, DEFAULT_BUS, Function, Model, Queue},
    names,
    parameters::{self, Overrides},
    policy::{self, ManagedPolicies},
    resource, unmodelled,
};

const BUS: &str = "AWS::Events::EventBus";
const QUEUE: &str = "AWS::SQS::Queue";
const TABLE: &str = "AWS::DynamoDB::Table";
const POLICY: &str = "AWS::IAM::ManagedPolicy";
const ROLE: &str = "AWS::IAM::Role";
const CONFIGURATION_SET: &str = "AWS::SES::ConfigurationSet";
const EVENT_DESTINATION: &str = "AWS::SES::ConfigurationSetEventDestination";
const FUNCTION: &str = "AWS::Serverless::Function";
const API: &str = "AWS::Serverless::HttpApi";

// Event sources of functions.
const ROUTE: &str = "AWS::Serverless::Function/HttpApi";
const STREAM: &str = "AWS::Serverless::Function/DynamoDB";
const RULE: &str = "AWS::Serverless::Function/EventBridgeRule";
const MESSAGES: &str = "AWS::Serverless::Function/SQS";

/// Properties of `kind` that refer to another resource: where, and the type of the other.
fn references(kind: &str) -> &'static [(&'static str, &'static str)] {
    match kind {
        ROUTE => &[("/ApiId", API)],
        RULE => &[("/EventBusName", BUS), ("/DeadLetterConfig/Arn", QUEUE)],
        STREAM => &[
            ("/Stream", TABLE),
            ("/DestinationConfig/OnFailure/Destination", QUEUE),
        ],
        MESSAGES => &[("/Queue", QUEUE)],
        QUEUE => &[("/RedrivePolicy/deadLetterTargetArn", QUEUE)],
        FUNCTION => {
            const QUEUE_OF: &str = "/EventInvokeConfig/DestinationConfig/OnFailure/Destination";
            &[(QUEUE_OF, QUEUE), ("/Role", ROLE)]
        }
        EVENT_DESTINATION => {
            const BUS_OF: &str = "/EventDestination/EventBridgeDestination/EventBusArn";
            &[("/ConfigurationSetName", CONFIGURATION_SET), (BUS_OF, BUS)]
        }
        _ => &[],
    }
}

/// A property of `kind` that has one value here, and how that begins.
fn fixed(kind: &str) -> Option<(&'static str, &'static str)> {
    match kind {
        // The emulator runs binaries only.
        FUNCTION => Some(("Runtime", "provided.")),
        // The oldest record.
        STREAM => Some(("StartingPosition", "TRIM_HORIZON")),
        _ => None,
    }
}

/// What the parts of the model are built from.
pub(super) struct Context<'a> {
    template: &'a Template,
    scope: Scope<'a>,
    /// Logical ids by the names, URLs and ARNs of the resources that are there.
    logical: BTreeMap<String, String>,
}

/// The model of `template`, with these values for its parameters.
pub(super) fn model(template: &Template, overrides: &Overrides) -> Result<Model> {
    let context = Context::new(template, overrides)?;
    let mut model = Model::default();
    // What refers to other resources comes after them.
    let (mut functions, mut destinations) = (Vec::new(), Vec::new());
    let mut policies = ManagedPolicies::new();
    for (id, declared) in context.resources()? {
        let place = format!("{id}.Properties");
        let properties = context.properties(&place, declared)?;
        let name = context.scope.physical_name(id, id)?;
        let id = id.clone();
        match declared.kind.as_str() {
            TABLE => {
                let table = resource::table(&place, &id, name, properties)?;
                model.tables.insert(id, table);
            }
            BUS => {
                resource::nothing(&place, properties)?;
                model.buses.insert(id, name);
            }
            QUEUE => {
                let queue = typed(&place, properties)?;
                model.queues.insert(id, Queue { name, ..queue });
            }
            POLICY => {
                policies.insert(id, policy::managed(&place, properties)?);
            }
            ROLE => {
                policies.insert(id, policy::of_role(&place, properties)?);
            }
            CONFIGURATION_SET => {
                let set = typed(&place, properties)?;
                let set = ConfigurationSet { name, ..set };
                model.configuration_sets.insert(id, set);
            }
            EVENT_DESTINATION => destinations.push((place, properties)),
            API => resource::http_api(&mut model, &place, properties)?,
            FUNCTION => functions.push((id, name, declared, properties)),
            kind if unmodelled::TYPES.contains(&kind) => {}
            kind => {
                let problem = format!("the emulator does not know the resource type {kind}");
                return wrong(id, problem);
            }
        }
    }
    for (place, properties) in destinations {
        resource::event_destination(&mut model, &place, properties)?;
    }
    for (id, name, declared, mut properties) in functions {
        properties["Metadata"] = context.metadata(&id, declared)?;
        add_function(&context, &mut model, &policies, id, name, properties)?;
    }
    event::check_queues(&model)?;
    context.check_outputs()?;
    Ok(model)
}

/// Adds the function `id` and its event sources.
fn add_function(
    context: &Context<'_>,
    model: &mut Model,
    policies: &ManagedPolicies,
    id: String,
    name: String,
    mut properties: Value,
) -> Result<()> {
    let place = format!("{id}.Properties");
    let events = remove(&mut properties, "Events");
    let own = remove(&mut properties, "Policies");
    let role = remove(&mut properties, "Role");
    let events: Option<BTreeMap<String, Value>> = typed(&format!("{place}.Events"), events)?;
    for (event, source) in events.into_iter().flatten() {
        event::add(context, model, &id, &event, source)?;
    }
    let function = Function {
        name,
        statements: policy::of_function(context, policies, &place, own, &role)?,
        ..typed(&place, properties)?
    };
    model.functions.insert(id, function);
    Ok(())
}

impl<'a> Context<'a> {
    fn new(template: &'a Template, overrides: &Overrides) -> Result<Self> {
        let parameters = parameters::resolve(&template.parameters, overrides)?;
        let mut context = Self {
            template,
            scope: Scope::new(template, parameters),
            logical: BTreeMap::new(),
        };
        for name in template.conditions.keys() {
            context.scope.condition("Conditions", name)?;
        }
        for (id, declared) in context.resources()? {
            let name = context.scope.physical_name(id, id)?;
            let names = names::all(&declared.kind, name);
            context.logical.extend(names.map(|name| (name, id.clone())));
        }
        Ok(context)
    }

    /// The resources that are there: those without a condition, and those whose condition holds.
    fn resources(&self) -> Result<Vec<(&'a String, &'a Declared)>> {
        let mut resources = Vec::new();
        for (id, declared) in &self.template.resources {
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
        for (name, output) in &self.template.outputs {
            let place = format!("Outputs.{name}");
            let condition = output.get("Condition").and_then(Value::as_str);
            if self.holds(&place, condition)? {
                self.scope.resolve(&place, output)?;
            }
        }
        Ok(())
    }

    fn metadata(&self, id: &str, declared: &Declared) -> Result<Value> {
        let place = format!("{id}.Metadata");
        self.scope.resolve(&place, &declared.metadata)
    }

    /// Properties of a resource that have a meaning here, with what the globals of its type add.
    /// The one that chooses its name is not among them: see [`Scope::physical_name`].
    fn properties(&self, place: &str, declared: &Declared) -> Result<Value> {
        let properties = self.scope.members(place, &declared.properties)?;
        let globals = self.template.globals.of(&declared.kind);
        let mut properties = merge(self.scope.resolve("Globals", globals)?, properties);
        self.prepare(&declared.kind, place, &mut properties)?;
        if let Some(name) = names::name_property(&declared.kind) {
            remove(&mut properties, name);
        }
        Ok(properties)
    }

    /// Makes the properties of a resource or an event source ready to be read: what has no local
    /// meaning goes, and references become logical ids.
    pub(super) fn prepare(&self, kind: &str, place: &str, properties: &mut Value) -> Result<()> {
        unmodelled::strip(kind, properties);
        if let Some((name, beginning)) = fixed(kind) {
            let value = remove(properties, name);
            let text = value.as_str().unwrap_or_default();
            if !text.starts_with(beginning) {
                return wrong(format!("{place}.{name}"), format!("must be {beginning}"));
            }
        }
        for (pointer, other) in references(kind) {
            if let Some(Value::String(name)) = properties.pointer_mut(pointer) {
                let place = format!("{place}{}", pointer.replace('/', "."));
                *name = self.find(&place, other, name)?;
            }
        }
        Ok(())
    }

    /// Logical id of the resource of type `kind` which `name` (a name or an ARN) means; the name
    /// of a bus, since there is one that no template declares.
    fn find(&self, place: &str, kind: &str, name: &str) -> Result<String> {
        if kind == BUS && (name == DEFAULT_BUS || name == names::bus_arn(DEFAULT_BUS)) {
            return Ok(DEFAULT_BUS.to_owned());
        }
        let found = self.logical.get(name).filter(|id| {
            let declared = self.template.resources.get(*id);
            declared.is_some_and(|declared| declared.kind == kind)
        });
        match found {
            Some(id) if kind == BUS => self.scope.physical_name(place, id),
            Some(id) => Ok(id.clone()),
            None => wrong(place, format!("`{name}` is no {kind} of this template")),
        }
    }

    /// Logical id of the managed policy with this ARN.
    pub(super) fn policy(&self, place: &str, arn: &str) -> Result<String> {
        self.find(place, POLICY, arn)
    }
}

/// Takes the property `name` out; null if there is none.
fn remove(properties: &mut Value, name: &str) -> Value {
    let properties = properties.as_object_mut();
    let removed = properties.and_then(|properties| properties.remove(name));
    removed.unwrap_or_default()
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

//! `template.yaml`: what is read from it, and what it means on this machine.
//!
//! The model is closed. A construct is either modelled, or listed in [`unmodelled`] as without
//! meaning here, or an error that names the resource and the property.

mod build;
mod condition;
mod document;
mod error;
mod event;
mod fields;
mod intrinsic;
mod model;
mod names;
mod parameters;
mod policy;
mod resource;
#[cfg(test)]
mod tests;
mod unmodelled;

pub use self::{
    document::Template,
    error::TemplateError,
    model::{
        ConfigurationSet, DEFAULT_BUS, DestinationConfig, EventInvokeConfig, Function, Mapping,
        Model, Queue, QueueMapping, RedrivePolicy, ResponseType, Route, Rule, Schedule,
        SendingOptions, Table,
    },
    names::{ACCOUNT, REGION, STACK, arn},
    parameters::Overrides,
    resource::Cors,
};

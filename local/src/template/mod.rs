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

use std::path::Path;

use anyhow::Context as _;

use self::document::Document;
pub use self::{
    error::TemplateError,
    model::{
        AsyncPolicy, ConfigurationSet, Cors, DEFAULT_BUS, Function, Logging, Mapping, Model, Route,
        Rule, Schedule, Table,
    },
    names::{ACCOUNT, REGION, STACK, arn},
    parameters::Overrides,
};

/// A template as written, before parameters have values.
#[derive(Debug)]
pub struct Template {
    document: Document,
}

impl Template {
    /// Reads a template from a file.
    ///
    /// # Errors
    /// When there is no such file, or it is no template.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
        Self::parse(&text).with_context(|| format!("{shown}"))
    }

    /// Reads a template.
    ///
    /// # Errors
    /// When the text is no YAML, or has sections or resource attributes that are not known.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Document::parse(text).map(|document| Self { document })
    }

    /// Gives the parameters their values and says what the template then means.
    ///
    /// # Errors
    /// Names the first construct that is wrong, or that is not known here.
    pub fn resolve(&self, overrides: &Overrides) -> Result<Model, TemplateError> {
        build::model(&self.document, overrides)
    }
}

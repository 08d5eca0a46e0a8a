use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// What is wrong with the template, and where: one clear line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct TemplateError {
    place: String,
    problem: String,
}

impl TemplateError {
    pub(super) fn new(place: impl Into<String>, problem: impl Display) -> Self {
        Self {
            place: place.into(),
            problem: problem.to_string(),
        }
    }
}

/// What the parts of this module give.
pub(super) type Result<T> = std::result::Result<T, TemplateError>;

pub(super) fn wrong<T>(place: impl Into<String>, problem: impl Display) -> Result<T> {
    Err(TemplateError::new(place, problem))
}

/// Reads JSON, which stands at `place` (empty for the whole template), as `T`. An error names the
/// property.
pub(super) fn typed<T: DeserializeOwned>(place: &str, value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let place = match (place, path.as_str()) {
            ("", ".") => "the template".to_owned(),
            ("", path) => path.to_owned(),
            (place, ".") => place.to_owned(),
            (place, path) => format!("{place}.{path}"),
        };
        TemplateError::new(place, error.into_inner())
    })
}

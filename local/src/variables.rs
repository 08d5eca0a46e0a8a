//! The environment variables of the functions, told to whoever runs a function by other means.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::template::{Model, REGION};

/// What functions have to be told to work with a running stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variables {
    /// Address of the HTTP API.
    pub api: String,
    /// What every function gets in place of AWS: where the services are, and a region.
    pub services: BTreeMap<String, String>,
    /// By logical id.
    pub functions: BTreeMap<String, FunctionVariables>,
}

/// What one function is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionVariables {
    /// The cargo binary that implements it.
    pub binary: String,
    /// The variables that the template gives it.
    pub own: BTreeMap<String, String>,
}

impl Variables {
    /// A port where nothing listens (`discard`, RFC 863). The SDKs take it for each service that has no
    /// variable of its own, so that no call leaves this machine.
    pub const NOWHERE: &str = "http://127.0.0.1:9";

    pub(crate) fn new(model: &Model, api: String, services: BTreeMap<String, String>) -> Self {
        let functions = model.functions.iter();
        let functions = functions.map(|(id, function)| {
            let variables = FunctionVariables {
                binary: function.binary().to_owned(),
                own: function.environment.variables.clone(),
            };
            (id.clone(), variables)
        });
        Self {
            functions: functions.collect(),
            api,
            services,
        }
    }

    /// The function with this logical id or binary.
    pub fn function(&self, name: &str) -> Option<(&str, &FunctionVariables)> {
        let mut functions = self.functions.iter();
        let found = functions.find(|(id, function)| *id == name || function.binary == name);
        found.map(|(id, function)| (id.as_str(), function))
    }
}

/// The variables with which the AWS SDKs find the services at `endpoints`, and nothing else.
pub(crate) fn services(endpoints: &[(&str, String)]) -> BTreeMap<String, String> {
    let of_services = endpoints
        .iter()
        .map(|(service, url)| (format!("AWS_ENDPOINT_URL_{service}"), url.clone()));
    let general = [
        ("AWS_ENDPOINT_URL", Variables::NOWHERE),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let general = general.map(|(name, value)| (name.to_owned(), value.to_owned()));
    of_services.chain(general).collect()
}

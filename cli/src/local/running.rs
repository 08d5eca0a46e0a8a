//! A stack that runs already, as its console tells of it.

use adapters::composition::{Deployment, Ports};
use anyhow::Context as _;
use clap::Args;
use local::variables::{FunctionVariables, Variables};
use serde::Deserialize;

use crate::target;

/// The stack that a command is about.
#[derive(Debug, Clone, Args)]
pub struct Running {
    /// Console of the stack
    #[arg(long, value_name = "URL", default_value = "http://localhost:3001")]
    pub console: String,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
}

impl Running {
    /// What its functions are told.
    ///
    /// # Errors
    /// If no stack answers.
    pub async fn variables(&self) -> anyhow::Result<Variables> {
        let url = format!("{}/api/variables", self.console);
        let answer = reqwest::get(&url).await;
        let answer = answer.with_context(|| format!("is `cargo local` running? {url}"))?;
        Ok(answer.error_for_status()?.json().await?)
    }
}

/// The function of this logical id or binary.
pub(super) fn function<'a>(
    variables: &'a Variables,
    name: &str,
) -> anyhow::Result<(&'a str, &'a FunctionVariables)> {
    let found = variables.function(name);
    found.with_context(|| format!("the template has no function {name}"))
}

/// Roster's adapters over the tables of the stack, and the issuer of its access tokens.
pub(crate) async fn connect(variables: &Variables) -> anyhow::Result<(Ports, String)> {
    // Each function knows the deployment by the template's Globals.
    let function = variables.functions.values().next();
    let own = &function.context("the template has no function")?.own;
    let deployment = target::deployment(|name| own.get(name).cloned(), "the template's Globals")?;
    let dynamodb = variables.services.get("AWS_ENDPOINT_URL_DYNAMODB");
    let dynamodb = dynamodb.context("the stack has no tables")?;
    let issuer = issuer(variables, &deployment).await?;
    Ok((Ports::at(dynamodb, "local", deployment), issuer))
}

/// The issuer which the API accepts: the one that was chosen, or the one it calls itself.
async fn issuer(variables: &Variables, deployment: &Deployment) -> anyhow::Result<String> {
    if !deployment.issuer.is_empty() {
        return Ok(deployment.issuer.clone());
    }
    let url = format!("{}/.well-known/openid-configuration", variables.api);
    let answer = reqwest::get(&url).await?.error_for_status()?;
    Ok(answer.json::<Discovery>().await?.issuer)
}

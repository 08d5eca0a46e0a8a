//! Commands over Roster's own code: the only place of this crate that imports `shared`.

mod admin;

pub use admin::first_administrator;

use anyhow::{Context as _, bail};
use shared::{aws::Aws, config::Deployment};

use crate::stack::Running;

/// Roster's adapters over the tables of a running stack.
async fn connect(running: &Running) -> anyhow::Result<Aws> {
    let functions = running.model.functions.values();
    // Each function is told of the deployment by the template's Globals.
    let variables = &functions
        .into_iter()
        .next()
        .context("the template has no function")?
        .variables;
    let mut problems = Vec::new();
    let deployment = Deployment::read(&|name| variables.get(name).cloned(), &mut problems);
    let Some(deployment) = deployment else {
        bail!(
            "the template's Globals lack variables: {}",
            problems.join("; ")
        );
    };
    Ok(Aws::at(&running.dynamodb_url, "local", deployment).await)
}

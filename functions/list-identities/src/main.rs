//! `GET /users/{id}/identities`: wiring.

use list_identities::{handler, list_identities::ListIdentities};
use shared::{aws::Aws, http, telemetry};

shared::config! {
    /// What the function is told.
    pub struct Config {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let gate = aws.gate().await?;
    let list = ListIdentities { users: aws.users() };
    http::serve(handler::ACCESS, gate, list, handler::handle).await
}

//! `GET /users/{id}/export`: wiring.

use export_user::{export_user::ExportUser, handler};
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
    let export = ExportUser {
        users: aws.users(),
        sessions: aws.sessions(),
        clock: aws.circumstances.clock.clone(),
    };
    http::serve(handler::ACCESS, gate, export, handler::handle).await
}

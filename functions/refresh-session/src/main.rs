//! `POST /sessions/refresh`: wiring.

use refresh_session::{handler, refresh_session::RefreshSession};
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
    let refresh = RefreshSession {
        users: aws.users(),
        sessions: aws.sessions(),
        granting: aws.granting().await?,
        circumstances: aws.circumstances.clone(),
    };
    http::serve(handler::ACCESS, aws.open_gate(), refresh, handler::handle).await
}

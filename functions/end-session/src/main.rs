//! `DELETE /users/{id}/sessions[/{sid}]` and `DELETE /sessions/current`: wiring.

use end_session::{end_session::EndSession, handler};
use shared::{aws::Aws, changing::Changing, http, telemetry};

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
    let end = EndSession {
        sessions: aws.sessions(),
        changing: Changing {
            users: aws.users(),
            circumstances: aws.circumstances.clone(),
        },
    };
    http::serve(handler::ACCESS, gate, end, handler::handle).await
}

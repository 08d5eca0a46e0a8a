//! `DELETE /users/{id}/identities/{identity}`: wiring.

use shared::{aws::Aws, changing::Changing, http, telemetry};
use unlink_identity::{handler, unlink_identity::UnlinkIdentity};

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
    let unlink = UnlinkIdentity {
        sessions: aws.sessions(),
        changing: Changing {
            users: aws.users(),
            circumstances: aws.circumstances.clone(),
        },
    };
    http::serve(handler::ACCESS, gate, unlink, handler::handle).await
}

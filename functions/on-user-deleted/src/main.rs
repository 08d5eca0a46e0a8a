//! What follows an erasure: wiring.

use on_user_deleted::{handler, on_user_deleted::OnUserDeleted};
use shared::{aws::Aws, events, telemetry};

shared::config! {
    /// What the function is told.
    pub struct Config {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let observer = OnUserDeleted {
        users: aws.users(),
        sessions: aws.sessions(),
    };
    events::observe(observer, handler::handle).await
}

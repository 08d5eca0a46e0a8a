//! Password resets: wiring.

use on_password_reset_requested::{handler, on_password_reset_requested::OnPasswordResetRequested};
use shared::{
    aws::Aws,
    events,
    mailing::{Asked, MailConfig},
    telemetry,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = MailConfig::from_environment()?;
    let aws = Aws::connect(config.deployment.clone()).await;
    let observer = OnPasswordResetRequested {
        asked: Asked {
            requests: aws.requests(),
            users: aws.users(),
            post: aws.post(&config),
        },
    };
    events::observe(observer, handler::handle).await
}

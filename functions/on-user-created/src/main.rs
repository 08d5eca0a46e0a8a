//! The welcome mail: wiring.

use on_user_created::{handler, on_user_created::OnUserCreated};
use shared::{aws::Aws, events, mailing::MailConfig, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = MailConfig::from_environment()?;
    let aws = Aws::connect(config.deployment.clone()).await;
    let observer = OnUserCreated {
        users: aws.users(),
        post: aws.post(&config),
    };
    events::observe(observer, handler::handle).await
}

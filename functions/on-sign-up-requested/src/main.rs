//! Concealed sign-up: wiring.

use on_sign_up_requested::{handler, on_sign_up_requested::OnSignUpRequested};
use shared::{aws::Aws, events, mailing::MailConfig, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = MailConfig::from_environment()?;
    let aws = Aws::connect(config.deployment.clone()).await;
    let observer = OnSignUpRequested {
        requests: aws.requests(),
        users: aws.users(),
        post: aws.post(&config),
        circumstances: aws.circumstances.clone(),
    };
    events::observe(observer, handler::handle).await
}
